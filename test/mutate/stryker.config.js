/** What is broken in lib/, and which tests have to notice; `make mutate` runs it in the folder of the repository. */
import { readdirSync } from 'node:fs'

const folders = ['lib', 'attacks', 'stories', 'vectors']
// One runs a compiler, the other measures memory.
const excluded = /^(types|memory)\./

export default {
  // Which has a configuration of its own, debug.config.js.
  mutate: ['lib/**/*.ts', '!lib/debug.ts'],
  disableTypeChecks: false,
  // Stryker looks for it in node_modules/.bin of the repository.
  buildCommand: 'tsc --noCheck --noResolve --lib es5 --types null -p test/compile.json',
  testRunner: 'tap',
  tap: {
    testFiles: folders.flatMap((folder) => readdirSync(`test/${folder}`)
      .filter((name) => name.endsWith('.test.ts') && !excluded.test(name))
      .map((name) => `test/${folder}/${name}`)),
    nodeArgs: ['-r', '{{hookFile}}', 'test/mutate/one.js', '{{testFile}}'],
  },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  ignorePatterns: ['/build', '/compiled', '/.tap', '/test/browser', '/test/compat', '/test/bench'],
  tempDirName: '.stryker/tmp',
  incrementalFile: '.stryker/incremental.json',
  reporters: ['clear-text', 'progress-append-only', 'json'],
  jsonReporter: { fileName: '.stryker/report.json' },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  thresholds: { break: 95 },
}

/*
 * What survives and changes nothing that anybody could see, besides what is marked beside the code:
 *
 * - errors, request-state, session-json: a `catch` may give undefined in place of false; and what looks before it reads
 *   a property of undefined may as well throw, where the `catch` says the same.
 * - cookie-cache: any number does that tells most values apart; what is no entry is the first that goes.
 * - debug: a line has an event.
 * - errors: what is quoted has a quote at both ends. events: a promise of undefined never rejects.
 * - header-fields: what is no field is neither found nor changed.
 * - opening: what is cached is not cached again; what is no session has no tokens that anybody would look at.
 * - registry: `Warning` is what Node calls one without a type; memory.test.ts has what dropped handlers leave.
 * - request-state: without `#isUnchanged` all is as it was, and slower; `#asked` is emptied for when the stack is used
 *   up; `renews` says nothing where no line leaves; `sent` is but the name of what is neither open nor closed; when it
 *   tells of an insecure cookie is tested in processes of their own.
 * - session-tokens: Object.prototype is recognized as that of any realm, and slower; `push` gives no 0.
 * - session-values: the text that marks what is too large is shown to nobody; the bound of counting may be one byte
 *   less.
 * - set-cookie: domains may be compared in upper case; the default path is the same for no URL and an empty one.
 * - write-head: nobody is asked for the list of watchers; HTTP/2 sends no head where the response is gone.
 */

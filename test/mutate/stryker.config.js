/** What is broken in lib/, and which tests have to notice; `make mutate` runs it in the folder of the repository. */
import { readdirSync } from 'node:fs'

const folders = ['lib', 'attacks', 'stories', 'vectors']
// One runs a compiler, the other measures memory.
const excluded = /^(types|memory)\./

export default {
  // NODE_DEBUG is read when a process starts: Stryker cannot look into those in which debug.ts is tested.
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
 * - opening: what is cached is not cached again; what is no session has no tokens that anybody would look at.
 * - request-state: without `#isUnchanged` all is as it was, and slower; `#asked` is emptied for when the stack is used
 *   up; `renews` says nothing where no line leaves; `sent` is but the name of what is neither open nor closed; when it
 *   tells of an insecure cookie is tested in processes of their own.
 * - write-head: nobody is asked for the list of watchers; HTTP/2 sends no head where the response is gone.
 */

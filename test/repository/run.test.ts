/** The runner of these tests fails, whatever goes wrong in a process. The processes here only say what tap would. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { root } from '../support/root.js'

const runner = fileURLToPath(new URL('test/run.js', root))
const passed = 'ok 1 - passed\n# { total: 2, pass: 2 }'
const failed = 'not ok 1 - failed\n  ---\n  why: it does\n  ...\nok 2 - passed\n# { total: 2, pass: 1, fail: 1 }'
const say = (text: string) => `console.log(${JSON.stringify(text)})\n`

const rows: [name: string, code: string, last: string][] = [
  ['all passed', say(passed), '2 passed, 0 failed'],
  ['all was skipped', say('ok 1 - skipped # SKIP\n# { total: 1, pass: 0, skip: 1 }'), '0 passed, 0 failed'],
  ['one failed', say(failed), '1 passed, 1 failed'],
  ['one failed, and the process ended well', `${say(failed)}process.exit(0)`, '1 passed, 1 failed'],
  ['all passed, and the process ended badly', `${say(passed)}process.exit(1)`, '2 passed, 1 failed'],
  ['all passed, and it was killed', `${say(passed)}setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50)`,
    '2 passed, 1 failed'],
  ['nothing was said', '', '0 passed, 1 failed'],
  ['it ended before the count', say('ok 1 - passed'), '0 passed, 1 failed'],
  ['it does not load', 'import "./nothing.js"', '0 passed, 1 failed'],
]

for (const [name, code, last] of rows) {
  t.test(name, async (t) => {
    const cwd = t.testdir({ 'package.json': '{"type":"module"}', 'compiled': { test: { 'a.test.js': code } } })
    const { status, stdout } = spawnSync(process.execPath, [runner, 'test/a.test.ts'], { cwd, encoding: 'utf8' })
    t.equal(stdout.trimEnd().split('\n').at(-1), last)
    t.equal(status, last.endsWith(' 0 failed') ? 0 : 1)
    t.notMatch(stdout, /ok \d - passed/, 'what passed is not printed')
    t.equal(stdout.includes('why: it does'), code.includes('why: it does'), 'what failed is')
  })
}

t.test('no file', async (t) => {
  t.equal(spawnSync(process.execPath, [runner]).status, 1)
})

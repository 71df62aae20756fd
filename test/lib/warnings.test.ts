import t, { type Test } from 'tap'
import { runInNewContext } from 'node:vm'
import { warn, warnOfThrown } from '../../lib/warnings.js'

function collectCalls(t: Test): unknown[][] {
  const { emitWarning } = process
  const calls: unknown[][] = []
  process.emitWarning = (...args: unknown[]) => { calls.push(args) }
  t.teardown(() => { process.emitWarning = emitWarning })
  return calls
}

t.test('a warning is made of strings', async (t) => {
  const calls = collectCalls(t)
  warn('what', 'Type', 'CODE')
  t.strictSame(calls, [['what', 'Type', 'CODE']])
})

t.test('a warning does not throw', async (t) => {
  const { emitWarning } = process
  t.teardown(() => { process.emitWarning = emitWarning })
  process.emitWarning = () => { throw new Error('from emitWarning') }
  t.doesNotThrow(() => warn('what', 'Type', 'CODE'))
})

const hostile = (name: string) => Object.defineProperty(new Error('why'), name, { get() { throw new Error('again') } })

const rows: [name: string, thrown: unknown, message: string, type: string][] = [
  ['an error', new RangeError('why'), 'it threw RangeError: why', 'RangeError'],
  ['an error of another realm', runInNewContext('new TypeError("why")'), 'it threw TypeError: why', 'TypeError'],
  ['an error whose name is no string', Object.assign(new Error('why'), { name: 1 }), 'it threw 1: why', '1'],
  ['an error whose name throws', hostile('name'), 'it threw object', 'Warning'],
  ['an error whose message throws', hostile('message'), 'it threw object', 'Error'],
  ['a string, which may be a secret', 'secret', 'it threw string', 'Warning'],
  ['nothing', undefined, 'it threw undefined', 'Warning'],
  ['a symbol', Symbol('secret'), 'it threw symbol', 'Warning'],
]

t.test('what was thrown is told:', async (t) => {
  for (const [name, thrown, message, type] of rows) {
    t.test(name, async (t) => {
      const calls = collectCalls(t)
      warnOfThrown('it', thrown, 'CODE')
      t.strictSame(calls, [[message, type, 'CODE']])
    })
  }
})

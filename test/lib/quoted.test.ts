import t from 'tap'
import { isIdentifier, quoted } from '../../lib/quoted.js'

const long = 'n'.repeat(64)

const rows: [name: string, text: string, shown: string][] = [
  ['an identifier', 'cart_1$', 'cart_1$'],
  ['an identifier of another script', 'größe', 'größe'],
  ['64 characters', long, long],
  ['65 characters', `${long}n`, long],
  ['what is no identifier behind 64 characters', `${long}\n`, long],
  ['nothing', '', '""'],
  ['a number', '1a', '"1a"'],
  ['a line break', 'a\nb', '"a\\nb"'],
  ['an escape sequence', '\u001b[2J', '"\\u001b[2J"'],
  ['quotes and a backslash', '"\\', '"\\"\\\\"'],
  ['DEL', 'a\u007f', '"a\\u007f"'],
  ['the first and last of C1', '\u0080\u009f', '"\\u0080\\u009f"'],
  ['what stands beside DEL and C1', '~\u00a0', '"~\u00a0"'],
  ['a pair that is cut in two', `${' '.repeat(63)}😀`, `"${' '.repeat(63)}\\ud83d"`],
  ['300 000 characters', ' '.repeat(300_000), `"${' '.repeat(64)}"`],
]

t.test('a name is shown:', async (t) => {
  for (const [name, text, shown] of rows) {
    t.test(name, async (t) => {
      t.equal(quoted(text), shown)
    })
  }
})

t.test('an identifier is one to its end', async (t) => {
  t.equal(isIdentifier('a1'), true)
  for (const text of ['', '1a', 'a b', 'a\n', 'a-b']) t.equal(isIdentifier(text), false, JSON.stringify(text))
})

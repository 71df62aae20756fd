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
  ['separators of lines and paragraphs', 'a\u2028\u2029', '"a\\u2028\\u2029"'],
  ['what turns text around', '\u202ea\u2066', '"\\u202ea\\u2066"'],
  ['what has no width', 'a\u200b\u00ad\ufeff', '"a\\u200b\\u00ad\\ufeff"'],
  ['a joiner within an identifier', 'a\u200db', '"a\\u200db"'],
  ['private and unassigned ones', '\ue000\uffff\u{10fffe}', '"\\ue000\\uffff\\udbff\\udffe"'],
  ['a tag, which is a pair', 'a\u{e0041}', '"a\\udb40\\udc41"'],
  ['an emoji', 'a 😀', '"a 😀"'],
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

t.test('every character that Unicode calls hidden is escaped, and stands in no identifier', async (t) => {
  const isHidden = /^[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]$/u
  let names = ''
  const check = () => {
    const shown = quoted(names)
    if (!/^"[ -~]+"$/.test(shown) || JSON.parse(shown) !== names) t.fail(shown)
    names = ''
  }
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code)
    if (!isHidden.test(character)) continue
    if (isIdentifier(`a${character}`)) t.fail(code.toString(16))
    if ((names += character).length > 62) check()
  }
  check()
})

t.test('an identifier is one to its end', async (t) => {
  t.equal(isIdentifier('a1'), true)
  for (const text of ['', '1a', 'a b', 'a\n', 'a-b']) t.equal(isIdentifier(text), false, JSON.stringify(text))
})

import t from 'tap'
import { cookieValues, maxCandidates, trimmed } from '../../lib/cookie-header.js'

const good: [name: string, header: string, values: string[]][] = [
  ['one cookie', 'session=a', ['a']],
  ['an empty value', 'session=', ['']],
  ['an empty value before another cookie', 'session=; other=a', ['']],
  ['the first of several cookies', 'session=a; other=b; more=c', ['a']],
  ['one in the middle', 'other=a; session=b; more=c', ['b']],
  ['the last of several cookies', 'other=a; more=b; session=c', ['c']],
  ['no space after the semicolon', 'other=a;session=b;more=c', ['b']],
  ['spaces and tabs around the pair', 'other=a \t ; \t session=b\t ; more=c', ['b']],
  ['spaces and tabs around the header', ' \tsession=a \t', ['a']],
  ['semicolons without a pair', ';;session=a;;', ['a']],
  ['two cookies of the name, in their order', 'session=b; session=a', ['b', 'a']],
  ['one of two of the same value', 'session=a; session=a', ['a']],
  ['one of very many of the same value', 'session=a; '.repeat(1000), ['a']],
  ['each value once, in the order of the first', 'session=b; session=a; session=b; session=; session=a', ['b', 'a', '']],
  ['four cookies of the name', 'session=a; session=b; session=c; session=d', ['a', 'b', 'c', 'd']],
  ['one more than four, which says that there are too many',
    'session=a; session=b; session=c; session=d; session=e', ['a', 'b', 'c', 'd', 'e']],
  ['no more than five', 'session=a; session=b; session=c; session=d; session=e; session=f', ['a', 'b', 'c', 'd', 'e']],
  ['junk and empty ones among the five', 'session=; session=!; session= ; session="; session=b; session=c',
    ['', '!', '"', 'b', 'c']],
  ['the fifth different one after many of the same', `${'session=a; '.repeat(9)}session=b; session=c; session=d; session=e`,
    ['a', 'b', 'c', 'd', 'e']],
  ['four between others', 'x=1; session=a; x=2; session=b; session=c; x=3; session=d; x=4', ['a', 'b', 'c', 'd']],
  ['the name inside the value', 'session=session=a', ['session=a']],
  ['an equals sign in the value', 'session=a=b==', ['a=b==']],
  ['quotes, as they are', 'session="a"', ['"a"']],
  ['a semicolon in quotes, as an end', 'session="a; b"', ['"a']],
  ['percent signs, as they are', 'session=%61%3B', ['%61%3B']],
  ['a comma, as it is', 'session=a, session=b', ['a, session=b']],
  ['white space inside the value, as it is', 'session=a \tb', ['a \tb']],
  ['other white space, as it is', 'session=\u00a0a\u000b\f', ['\u00a0a\u000b\f']],
  ['bytes beyond ASCII, as they are', 'session=\u00e4\u00ff', ['\u00e4\u00ff']],
  ['a cookie after one with a name that ends as ours', 'my-session=a; session=b', ['b']],
  ['a cookie after one with our name in its value', 'other=session=a; session=b', ['b']],
  ['a cookie after one without a name', 'a; =b; session=c', ['c']],
]

const none: [name: string, header: unknown][] = [
  ['an empty header', ''],
  ['no header', undefined],
  ['null', null],
  ['a list of headers', ['session=a']],
  ['white space', ' \t '],
  ['semicolons', ';;;'],
  ['other cookies', 'other=a; more=b'],
  ['the name without an equals sign', 'session'],
  ['the name as a value', 'other=session'],
  ['the pair as a value', 'other=session=a'],
  ['the pair as a value after white space', 'other= session=a'],
  ['the pair after white space in a value', 'other=a session=b'],
  ['the pair after a comma', 'other=a, session=b'],
  ['the pair in quotes', 'other="session=a"'],
  ['a name that ends as ours', 'my-session=a'],
  ['a name that begins as ours', 'session2=a'],
  ['a name in another case', 'Session=a; SESSION=b'],
  ['a quoted name', '"session"=a'],
  ['a percent-encoded name', '%73ession=a; sessio%6e=b'],
  ['a space before the equals sign', 'session =a'],
  ['another white space before the name', '\u00a0session=a; \u000bsession=b; \fsession=c'],
  ['a NUL before the name', '\0session=a'],
  ['a prefix before the name', '__Host-session=a; $session=b'],
  ['a name with a lookalike', 's\u0435ssion=a'],
]

t.test('finds', async (t) => {
  for (const [name, header, values] of good) {
    t.test(name, async (t) => {
      t.strictSame(cookieValues(header, 'session'), values)
    })
  }
})

t.test('finds nothing in', async (t) => {
  for (const [name, header] of none) {
    t.test(name, async (t) => {
      t.strictSame(cookieValues(header, 'session'), [])
    })
  }
})

// Every character of a token; those that mean something in a regular expression are among them.
for (const name of ['__Host-s', '__Secure-s', 'a', "!#$%&'*+-.^_`|~09AZaz", '.*', 'a|b', '^a']) {
  t.test(`finds a cookie named ${name}`, async (t) => {
    t.strictSame(cookieValues(`x${name}=1; ${name}=2; ${name}x=3; x=4; ${name}=5`, name), ['2', '5'])
  })
}

t.test('agrees with a plain reading of random headers', async (t) => {
  const plain = (header: string) => header.split(';')
    .map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((pair) => pair.startsWith('ab='))
    .map((pair) => pair.slice(3))
    .filter((value, index, all) => all.indexOf(value) === index)
    .slice(0, 5)
  const pieces = ['ab', 'ab=', 'a', 'b', '=', ';', '; ', ' ', '\t', '"', '%61', ',']
  let seed = 20121
  const random = (limit: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (seed >>> 8) % limit
  }
  let found = 0
  let tooMany = 0
  const differing: string[] = []
  for (let round = 0; round < 5000; round++) {
    const from = round % 4 === 0 ? [...pieces, '; ab=', ';ab=', ';\tab='] : pieces
    const header = Array.from({ length: random(3 * from.length - 22) }, () => from[random(from.length)]).join('')
    const values = plain(header)
    found += values.length
    if (values.length > 4) tooMany++
    if (JSON.stringify(cookieValues(header, 'ab')) !== JSON.stringify(values)) differing.push(header)
  }
  t.strictSame(differing, [])
  t.ok(found > 1000, `${found} cookies were in them`)
  t.ok(tooMany > 20, `${tooMany} headers had more than four`)
})

t.test('four values are looked at', async (t) => {
  t.equal(maxCandidates, 4)
})

const trims: [text: string, trimmed: string][] = [
  ['', ''], [' ', ''], ['\t \t', ''], ['a', 'a'], [' a', 'a'], ['a\t', 'a'], [' \ta b\t ', 'a b'], ['\u00a0a\n', '\u00a0a\n'],
]

for (const [text, wanted] of trims) {
  t.test(`${JSON.stringify(text)} without spaces and tabs around it is ${JSON.stringify(wanted)}`, async (t) => {
    t.equal(trimmed(text), wanted)
  })
}

/** Work that grows with the square of a header's length shows as the number of characters that are looked at. */
t.test('looks at each character a few times at most', async (t) => {
  const headers: [name: string, header: string][] = [
    ['spaces in a value', `session=${' '.repeat(16_000)}x`],
    ['spaces after a value', `session=a${' '.repeat(16_000)}`],
    ['spaces before a pair', `${' '.repeat(16_000)}session=a`],
    ['names in the middle of names', 'xsession='.repeat(1700)],
    ['names after spaces that follow no semicolon', `x${`${' '.repeat(8)}session=`.repeat(1000)}`],
    ['pairs of ours', 'session=a;'.repeat(1600)],
  ]
  for (const [name, header] of headers) {
    const { charCodeAt } = String.prototype
    let looked = 0
    String.prototype.charCodeAt = function (at) {
      looked++
      return charCodeAt.call(this, at)
    }
    try {
      cookieValues(header, 'session')
    } finally {
      String.prototype.charCodeAt = charCodeAt
    }
    t.ok(looked <= 3 * header.length, `${name}: ${looked} for ${header.length}`)
  }
})

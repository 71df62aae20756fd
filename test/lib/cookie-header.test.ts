import t from 'tap'
import { cookieValues } from '../../lib/cookie-header.js'

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
  ['two of the same value', 'session=a; session=a', ['a', 'a']],
  ['four cookies of the name', 'session=a; session=b; session=c; session=d', ['a', 'b', 'c', 'd']],
  ['no more than four', 'session=a; session=b; session=c; session=d; session=e', ['a', 'b', 'c', 'd']],
  ['no more than four, empty ones included', `${'session=; '.repeat(4)}session=a`, ['', '', '', '']],
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
    .slice(0, 4)
    .map((pair) => pair.slice(3))
  const pieces = ['ab', 'ab=', 'a', 'b', '=', ';', '; ', ' ', '\t', '"', '%61', ',']
  let seed = 20121
  const random = (limit: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (seed >>> 8) % limit
  }
  let found = 0
  const differing: string[] = []
  for (let round = 0; round < 5000; round++) {
    const header = Array.from({ length: random(14) }, () => pieces[random(pieces.length)]).join('')
    const values = plain(header)
    found += values.length
    if (JSON.stringify(cookieValues(header, 'ab')) !== JSON.stringify(values)) differing.push(header)
  }
  t.strictSame(differing, [])
  t.ok(found > 1000, `${found} cookies were in them`)
})

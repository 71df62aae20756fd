import t from 'tap'
import { defaults, type Settings } from '../../lib/options.js'
import { cookieAttributes, forget, keepUntil, maxLineLength, setSameCookie } from '../../lib/set-cookie.js'
import { BrowserJar } from '../support/browser-jar.js'
import { fuzz, seededRandom } from '../support/seeded-random.js'
import { lastAttribute, parseSetCookie } from '../support/set-cookie-parser.js'

const lines: [name: string, settings: Partial<Settings>, path: string, secure: boolean, attributes: string][] = [
  ['the defaults', {}, '/', false, '; Path=/; HttpOnly; SameSite=Lax'],
  ['the defaults over TLS', {}, '/', true, '; Path=/; Secure; HttpOnly; SameSite=Lax'],
  ['a path', {}, '/a/b', false, '; Path=/a/b; HttpOnly; SameSite=Lax'],
  ['a domain', { domain: 'example.com' }, '/', false, '; Path=/; Domain=example.com; HttpOnly; SameSite=Lax'],
  ['no HttpOnly', { httpOnly: false }, '/', false, '; Path=/; SameSite=Lax'],
  ['no HttpOnly over TLS', { httpOnly: false }, '/', true, '; Path=/; Secure; SameSite=Lax'],
  ['SameSite=Strict', { sameSite: 'strict' }, '/', false, '; Path=/; HttpOnly; SameSite=Strict'],
  ['SameSite=None', { sameSite: 'none' }, '/', true, '; Path=/; Secure; HttpOnly; SameSite=None'],
  ['Partitioned', { partitioned: true }, '/', true, '; Path=/; Secure; HttpOnly; SameSite=Lax; Partitioned'],
  ['all of them', { domain: 'a.example', sameSite: 'none', partitioned: true }, '/p', true,
    '; Path=/p; Domain=a.example; Secure; HttpOnly; SameSite=None; Partitioned'],
  ['none that can be left out', { httpOnly: false }, '/', false, '; Path=/; SameSite=Lax'],
]

t.test('attributes', async (t) => {
  for (const [name, settings, path, secure, attributes] of lines) {
    t.test(name, async (t) => {
      t.equal(cookieAttributes(path, { ...defaults, ...settings }, secure), attributes)
    })
  }
})

t.test('lifetimes and limits', async (t) => {
  t.equal(keepUntil(1, 1), '; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:01 GMT')
  t.equal(keepUntil(1_800_000_000, 34_560_000), '; Max-Age=34560000; Expires=Fri, 15 Jan 2027 08:00:00 GMT')
  t.equal(forget, '; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT')
  t.equal(maxLineLength, 4093)
})

t.test('a date is spelled in the one form that every browser reads (RFC 9110 section 5.6.7)', async (t) => {
  // The last second of 9999: a year later would have five digits.
  const ends = [0, 1, 951_782_399, 951_782_400, 1_800_000_000, 4_102_444_799, 253_402_300_799]
  for (const end of [...ends, ...ends.toReversed()]) {
    const [, , expires] = keepUntil(end, 60).split('; ') as [string, string, string]
    t.match(expires, /^Expires=(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/)
    t.equal(Date.parse(expires.slice('Expires='.length)), end * 1000)
  }
})

const ours = '; Path=/; HttpOnly; SameSite=Lax'
const at = '/shop/cart?page=/1/2'

/** Lines that come beside one of ours, `session=x` with the attributes of the first column, in answer to `at`. */
const others: [what: string, attributes: string, same: string[], different: string[]][] = [
  ['at the root', ours, [
    'session=y; Path=/', 'session=; Path=/', 'session=a=b; Path=/', ' \tsession\t = y ;\t Path\t= /\t', 'session=y;path=/', 'session=y;PATH=/',
    'session=y; Secure; Max-Age=0; path=/; SameSite=None', 'session=y; Path=/a; Path=/', 'session=y; Path=a; Path=/',
    'session=y; Path=/; Domain', 'session=y; Path=/; Domain=', 'session=y; Path=/; Domain=.', 'session=y; Path=/; Domain=a.example; Domain=',
    'session=y; Path=/; Partition', 'session=y; Path=/; x=Partitioned', 'session=y; Path=/;;;', 'session="y"; Path=/; Pa=/a',
  ], [
    'session=y', 'session=y; Path', 'session=y; Path=', 'session=y; Path=a', 'session=y; Path="/"', 'session=y; Path=/; Path=',
    'session=y; Path=/a', 'session=y; Path=/; Path=/a', 'session=y; Path=//', 'session=y; Path=/ /',
    'session=y; Path=/; Domain=a.example', 'session=y; Path=/; Partitioned', 'session=y; Path=/; partitioned=0',
    'Session=y; Path=/', 'sessions=y; Path=/', 'sessio=y; Path=/', '"session"=y; Path=/', '\u00a0session=y; Path=/', 'x=session=y; Path=/',
    'session; Path=/', 'session; x=y; Path=/', '=session; Path=/', '; session=y; Path=/', '', ';', '=',
  ]],
  ['at the default path of the request', '; Path=/shop; SameSite=Lax', [
    'session=y', 'session=y; Path', 'session=y; Path=', 'session=y; Path=shop', 'session=y; Path="/shop"', 'session=y; Path=/; Path=x',
    'session=y; Path=/shop', 'session=y; Path=/; Path=/shop',
  ], ['session=y; Path=/', 'session=y; Path=/shop/', 'session=y; Path=/SHOP', 'session=y; Path=/shop/cart', 'session=y; Path=/shop; Path=/']],
  ['with a domain', '; Path=/; Domain=a.example; SameSite=Lax', [
    'session=y; Path=/; Domain=a.example', 'session=y; Domain=.a.example; Path=/', 'session=y; Path=/; DOMAIN=A.Example',
    'session=y; Path=/; Domain= .A.EXAMPLE ', 'session=y; Domain=b.example; Path=/; Domain=a.example',
  ], [
    'session=y; Path=/', 'session=y; Path=/; Domain=', 'session=y; Path=/; Domain=example', 'session=y; Path=/; Domain=..a.example',
    'session=y; Path=/; Domain=a.example; Domain=b.a.example', 'session=y; Path=/; Domain=a.example.',
  ]],
  ['partitioned', '; Path=/; Secure; SameSite=None; Partitioned', [
    'session=y; Path=/; Secure; Partitioned', 'session=y; PARTITIONED; path=/', 'session=y; Path=/; Partitioned=no', 'session=y; Path=/;\tpartitioned\t',
  ], ['session=y; Path=/; Secure; SameSite=None', 'session=y; Path=/; "Partitioned"']],
]

for (const [what, attributes, same, different] of others) {
  t.test(`beside our line ${what}`, async (t) => {
    for (const line of same) t.equal(setSameCookie(`session=x${attributes}`, line, at), true, JSON.stringify(line))
    for (const line of different) t.equal(setSameCookie(`session=x${attributes}`, line, at), false, JSON.stringify(line))
  })
}

t.test('a cookie that is called as an attribute', async (t) => {
  for (const name of ['path', 'domain', 'partitioned']) {
    t.equal(setSameCookie(`${name}=/x${ours}`, `${name}=y; Path=/`, at), true, name)
    t.equal(setSameCookie(`session=x${ours}`, `${name}=/; Path=/`, at), false, name)
  }
})

t.test('the default path (RFC 6265bis section 5.1.4)', async (t) => {
  const rows: [url: string | undefined, path: string][] = [
    [undefined, '/'], ['', '/'], ['/', '/'], ['/a', '/'], ['/a/', '/a'], ['/a/b', '/a'], ['/a/b/c', '/a/b'], ['//a', '/'],
    ['/a?b/c', '/'], ['/a/b?c/d', '/a'], ['/a/b#c/d', '/a'], ['*', '/'], ['?/a/b', '/'], ['host:80', '/'],
    ['http://host/a/b', '/'],
  ]
  for (const [url, path] of rows) {
    t.equal(setSameCookie(`session=x; Path=${path}`, 'session=y', url), true, `${url} has ${path}`)
    t.equal(setSameCookie('session=x; Path=/other', 'session=y', url), false, `${url} has no other`)
  }
})

/** A store keeps one cookie of two lines if and only if they set the same one. */
t.test('as a browser compares them', async (t) => {
  const random = seededRandom(t)
  const attribute = () => random.pick([
    'Path=/', 'path=/', 'PATH = /', 'Path=/shop', 'Path=/shop/', 'Path=', 'Path', 'Path=shop', 'Domain=shop.example', 'domain=.shop.example',
    'Domain=SHOP.example', 'Domain=app.shop.example', ' domain = .App.Shop.Example', 'Domain=', 'Domain', 'Partitioned', 'partitioned=1',
    'HttpOnly', 'SameSite=Lax', 'Max-Age=60', 'x=Path=/', '', '=', 'Domains=shop.example',
  ])
  const line = () => {
    const name = random.pick(['session', 'session', 'session', ' session\t', 'Session', 'session x'])
    return [`${name}=${random.below(10)}`, 'Secure', ...Array.from({ length: random.below(6) }, attribute)].join(random.pick([';', '; ', ';\t']))
  }
  const counts = { same: 0, different: 0 }
  for (let turn = 0; turn < 3000 * fuzz; turn++) {
    const path = random.pick(['/', '/shop', '/shop/', '/shop/cart', '/shop/cart/'])
    const [first, second] = [line(), line()]
    const jar = new BrowserJar(() => Date.now())
    const address = `https://app.shop.example${path}`
    if (!jar.receive(address, [first, second]).every(Boolean)) continue
    const partitions = [first, second].map((line) => lastAttribute(parseSetCookie(line)!, 'partitioned') !== undefined)
    const same = jar.cookies.length === 1 && partitions[0] === partitions[1]
    counts[same ? 'same' : 'different']++
    if (setSameCookie(first, second, path) !== same) t.fail(`${JSON.stringify([first, second])} at ${path}: ${same ? 'one' : 'two'}`)
  }
  t.ok(counts.same > 100 && counts.different > 100, JSON.stringify(counts))
})

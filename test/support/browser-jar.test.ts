/**
 * The browser of the stories, before anything is concluded from it: rows of RFC 6265bis that it must take or refuse.
 */
import t from 'tap'
import { BrowserJar, type RequestKind } from './browser-jar.js'
import { parseSetCookie } from './set-cookie-parser.js'

const start = Date.UTC(2027, 0, 15, 8)
const https = 'https://shop.example/app/page'
const http = 'http://shop.example/app/page'

t.test('parsing', async (t) => {
  const rows: [line: string, expected: ReturnType<typeof parseSetCookie>][] = [
    ['a=b', { name: 'a', value: 'b', attributes: [] }],
    [' a = b ; Path = / ', { name: 'a', value: 'b', attributes: [['path', '/']] }],
    ['a="b c"; Secure;;x', { name: 'a', value: '"b c"', attributes: [['secure', ''], ['', ''], ['x', '']] }],
    ['b', { name: '', value: 'b', attributes: [] }],
    ['=b', { name: '', value: 'b', attributes: [] }],
    ['a=', { name: 'a', value: '', attributes: [] }],
    ['a=b=c', { name: 'a', value: 'b=c', attributes: [] }],
    ['a\u00a0=b', { name: 'a\u00a0', value: 'b', attributes: [] }],
    [`a=${'x'.repeat(4095)}`, { name: 'a', value: 'x'.repeat(4095), attributes: [] }],
    [`a=b; Path=/${'x'.repeat(1024)}; Secure`, { name: 'a', value: 'b', attributes: [['secure', '']] }],
    ['', undefined],
    ['=', undefined],
    [`a=${'x'.repeat(4096)}`, undefined],
    ['a=b\u0000', undefined],
    ['a=b; Path=/\r\nSet-Cookie: c=d', undefined],
    ['a=b; x=\u007f', undefined],
  ]
  for (const [line, expected] of rows) t.same(parseSetCookie(line), expected, JSON.stringify(line.slice(0, 40)))
})

t.test('storing', async (t) => {
  const rows: [url: string, line: string, stored: boolean][] = [
    [https, '__Host-s=v; Path=/; Secure', true],
    [https, '__Secure-s=v; Secure', true],
    [https, '__Http-s=v; Secure; HttpOnly', true],
    [https, 's=v; Domain=.Shop.Example', true],
    ['https://a.shop.example/', 's=v; Domain=shop.example', true],
    [https, 's=v; SameSite=None; Secure; Partitioned', true],
    [http, 's=v; SameSite=Lax', true],
    [http, 's=v; Secure', false],
    [https, '__Host-s=v; Secure', false],
    [https, '__Host-s=v; Path=/app; Secure', false],
    [https, '__Host-s=v; Path=/', false],
    [https, '__Host-s=v; Path=/; Secure; Domain=shop.example', false],
    [https, '__hOST-s=v; Path=/', false],
    [https, '__Secure-s=v', false],
    [https, '__Http-s=v; Secure', false],
    [https, '__Host-Http-s=v; Path=/; Secure', false],
    [https, '=__Host-s=v; Path=/', false],
    [https, 's=v; SameSite=None', false],
    [https, 's=v; Partitioned', false],
    [https, 's=v; Domain=example', false],
    [https, 's=v; Domain=other.example', false],
    [https, 's=v; Domain=a.shop.example', false],
    ['https://badshop.example/', 's=v; Domain=shop.example', false],
    ['https://10.0.0.1/', 's=v; Domain=0.0.1', false],
  ]
  for (const [url, line, stored] of rows) {
    const jar = new BrowserJar(() => start)
    t.same(jar.receive(url, [line]), [stored], `${url} ${line}`)
    t.equal(jar.cookies.length, stored ? 1 : 0)
  }
})

t.test('expiry', async (t) => {
  let now = start
  const jar = new BrowserJar(() => now)
  jar.receive(https, [
    'short=1; Path=/; Max-Age=60; Expires=Fri, 15 Jan 2077 08:00:00 GMT',
    'year=1; Path=/; Max-Age=31536000',
    'ever=1; Path=/; Max-Age=99999999999',
    'session=1; Path=/',
    'odd=1; Path=/; Max-Age=6e1',
  ])
  t.equal(jar.header(https), 'short=1; year=1; ever=1; session=1; odd=1')
  now += 60_000
  t.equal(jar.header(https), 'year=1; ever=1; session=1; odd=1')
  jar.close()
  t.equal(jar.header(https), 'year=1; ever=1')
  now += 31_536_000_000
  t.equal(jar.header(https), 'ever=1')
  now = start + 400 * 24 * 3600 * 1000
  t.equal(jar.header(https), undefined, 'no cookie lives longer than 400 days')

  jar.receive(https, ['s=v; Path=/'])
  jar.receive(https, ['s=; Path=/app; Max-Age=0'])
  t.equal(jar.header(https), 's=v', 'another path is another cookie')
  jar.receive(https, ['s=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT'])
  t.equal(jar.header(https), undefined)
})

t.test('sending', async (t) => {
  const paths: [request: string, path: string, sent: boolean][] = [
    ['/app', '/app', true],
    ['/app/x', '/app', true],
    ['/app/x', '/app/', true],
    ['/apple', '/app', false],
    ['/', '/app', false],
    ['/x', '/', true],
  ]
  for (const [request, path, sent] of paths) {
    const jar = new BrowserJar(() => start)
    jar.receive(https, [`s=v; Path=${path}`])
    t.equal(jar.header(`https://shop.example${request}`) === 's=v', sent, `${request} ${path}`)
  }

  const jar = new BrowserJar(() => start)
  jar.receive(https, [
    'first=1; Path=/', 'second=2; Path=/app', 'secure=3; Path=/; Secure', 'wide=4; Path=/; Domain=shop.example',
    'elsewhere=5; Path=/other',
  ])
  jar.receive(https, ['first=6; Path=/'])
  t.equal(jar.header(https), 'second=2; first=6; secure=3; wide=4', 'longer paths, then older cookies, come first')
  t.equal(jar.header(http), 'second=2; first=6; wide=4')
  t.equal(jar.header('https://a.shop.example/'), 'wide=4')
  t.equal(jar.header('https://other.example/'), undefined)
  t.same(jar.receive(http, ['secure=7; Path=/']), [false], 'plain HTTP does not overlay a Secure cookie')

  const strict = new BrowserJar(() => start)
  strict.receive(https, ['strict=1; SameSite=Strict', 'lax=2; SameSite=Lax', 'none=3; SameSite=None; Secure', 'not=4'])
  const kinds: [name: string, kind: RequestKind, header: string][] = [
    ['an address typed', {}, 'strict=1; lax=2; none=3; not=4'],
    ['a form of the same site', { from: 'https://a.shop.example/', method: 'POST' }, 'strict=1; lax=2; none=3; not=4'],
    ['a link elsewhere', { from: 'https://evil.example/', topLevel: true }, 'lax=2; none=3; not=4'],
    ['a form elsewhere', { from: 'https://evil.example/', topLevel: true, method: 'POST' }, 'none=3'],
    ['an image elsewhere', { from: 'https://evil.example/' }, 'none=3'],
    ['a page of the same name over plain HTTP', { from: http }, 'none=3'],
  ]
  for (const [name, kind, header] of kinds) t.equal(strict.header(https, kind), header, name)
})

t.test('partitions', async (t) => {
  const jar = new BrowserJar(() => start)
  const frameIn = (top: string): RequestKind => ({ from: `https://${top}/` })
  const set = (value: string, partitioned: boolean, kind: RequestKind = {}) =>
    jar.receive(https, [`a=${value}; Path=/; Secure; SameSite=None${partitioned ? '; Partitioned' : ''}`], kind)
  set('plain', false)
  set('own', true)
  t.equal(jar.header(https), 'a=plain; a=own', 'a partitioned cookie does not replace one that is not')
  set('b', true, frameIn('b.example'))
  set('c', true, frameIn('c.example'))
  t.equal(jar.header(https, frameIn('www.b.example')), 'a=plain; a=b')
  t.equal(jar.header(https, frameIn('c.example')), 'a=plain; a=c')
  t.equal(jar.header(https, { ...frameIn('c.example'), topLevel: true }), 'a=plain; a=own')
  set('new', true, frameIn('c.example'))
  t.equal(jar.header(https, frameIn('c.example')), 'a=plain; a=new')
  jar.receive(https, ['a=; Path=/; Secure; SameSite=None; Max-Age=0'])
  t.equal(jar.header(https), 'a=own', 'nor does it go with that one')
  t.same(jar.receive(https, ['a=x; Path=/; Partitioned']), [false], 'it has to be Secure')
})

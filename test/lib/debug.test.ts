/** What NODE_DEBUG=seshcookie prints, in a process of its own, since it is read when the library is loaded. */
import t from 'tap'
import { spawnSync } from 'node:child_process'
import { isDebugging } from '../../lib/debug.js'
import type { SessionOptions } from '../../lib/index.js'

interface Case {
  name: string
  method?: string
  options?: SessionOptions
  cookieName?: string
  cookiePath?: string
  /** Which cookies come: their names, or `valid`, `changed`, `expired` and so on for one of ours. */
  cookies?: string[]
  separator?: string
  url?: string
  originalUrl?: unknown
  headers?: Record<string, string>
  isTls?: boolean
  /** What the listener does with the session. */
  act?: string
  /** What the line says, and what it does not. */
  says: RegExp[]
  saysNot?: RegExp
}

const secret = 'what-nobody-may-read'
const fetched = { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-site' }
const crossSite = { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'empty' }
const linked = { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' }
const framed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' }

const cases: Case[] = [
  { name: 'no cookies', says: [/^GET \/: no cookies came; no session came; wrote nothing, since the session is as it came$/] },
  { name: 'a query', url: `/shop?${secret}#x`, says: [/^GET \/shop: /] },
  { name: 'a path with a control character', url: '/a\u001b[2J\u00e9', says: [/^GET \/a\?\[2J\?: /] },
  { name: 'a long path', url: `/${'a'.repeat(300)}`, says: [/^GET \/a{255}: /] },
  { name: 'cookies of others', cookies: ['theme', 'a\u0007b', 'theme'], says: [/cookies: theme, "a\\u0007b"; no session came;/] },
  { name: 'a cookie without a name', cookies: ['nameless'], says: [/^GET \/: no cookies came; no session came;/] },
  { name: 'a cookie with an empty name', cookies: [''], says: [/^GET \/: no cookies came; no session came;/] },
  { name: 'our name, which is no identifier', cookieName: 'my-session', cookies: ['valid'], says: [/cookies: my-session; my-session opened with key 0;/] },
  { name: 'many cookies', cookies: Array.from({ length: 25 }, (_, index) => `c${index}`), says: [/cookies: c0, .*, c19; no session came/] },
  { name: 'a cookie that opens', cookies: ['valid'], says: [/cookies: session; session opened with key 0; wrote nothing/] },
  { name: 'one of another key', cookies: ['otherKey'], says: [/session did not open: its tag does not match; usually .* another key \(the same text as bytes is another one\).* application on this host;/] },
  { name: 'one of another name', cookies: ['otherName'], says: [/did not open: its tag does not match; .* another name, domain, path/] },
  { name: 'one that is short', cookies: ['short'], says: [/did not open: its length is none of ours; usually another application/] },
  { name: 'one that is spelled otherwise', cookies: ['misspelt'], says: [/did not open: it is not spelled as ours are/] },
  { name: 'one that is old', cookies: ['old'], says: [/did not open: it is 1360\d seconds past "maxAge", which counts from the beginning of the session;/] },
  { name: 'one that was idle', cookies: ['halfway'], options: { idleTimeout: 50 }, says: [/did not open: it is 1\d seconds past "idleTimeout", which/] },
  { name: 'one from the future', cookies: ['ahead'], says: [/did not open: it is (?:359\d|3600) seconds from the future, so a clock is wrong;/] },
  { name: 'two that open', cookies: ['valid', 'second'], says: [/did not open: two different ones open/] },
  { name: 'one that validate refuses', cookies: ['valid'], options: { validate: () => false }, says: [/did not open: "validate" refused it/] },
  { name: 'one that is cleared', cookies: ['valid'], act: 'clear', says: [/session was not looked at, since the session was cleared; wrote session=; Max-Age=0; /] },
  { name: 'cookies joined by commas', cookies: ['theme', 'valid'], separator: ', ', says: [/no session came: something joined the cookies by commas/] },
  { name: 'cookies joined by commas, ours first', cookies: ['valid', 'theme'], separator: ', ',
    says: [/cookies: session; session did not open: something joined the cookies by commas instead of semicolons;/] },
  { name: 'a long one joined by a comma', cookies: ['long', 'theme'], separator: ',', says: [/session did not open: something joined the cookies by commas/] },
  { name: 'commas in a cookie of another application', cookies: ['json'], says: [/session did not open: its length is none of ours/], saysNot: /commas/ },
  { name: 'one of another key beside one that was joined by a comma', cookies: ['otherKey', 'session=a, theme'], says: [/session did not open: its tag does not match/], saysNot: /commas/ },
  { name: 'one beside another that was joined by a comma', cookies: ['short', 'session=a, theme'], says: [/session did not open: something joined the cookies by commas/] },
  { name: 'commas in another cookie', cookies: ['misspelt', 'list'], says: [/session did not open: it is not spelled as ours are/], saysNot: /commas/ },
  { name: 'a fetch without credentials', headers: fetched, says: [/no session came: the page that asked is of another origin, .* credentials/] },
  { name: 'a request from another site', headers: { 'sec-fetch-site': 'cross-site' }, options: { sameSite: 'strict' },
    says: [/no session came: the GET comes from another site, and the cookie is SameSite=strict;/] },
  { name: 'a fetch from another site', headers: crossSite,
    says: [/no session came: the GET comes from another site, and the cookie is SameSite=lax \(even with SameSite=None, fetch needs credentials/] },
  { name: 'a fetch from another site, as wanted', headers: crossSite, options: { secure: true, sameSite: 'none' },
    says: [/no session came: the page that asked is of another origin, .* credentials/], saysNot: /SameSite/ },
  { name: 'a link of another site', headers: linked, says: [/no session came; wrote nothing/] },
  { name: 'a form of another site', method: 'POST', headers: linked, says: [/: the POST comes from another site, and the cookie is SameSite=lax; what is stored now takes the place of the session/] },
  { name: 'a fetch by Node', headers: { 'sec-fetch-mode': 'cors' }, says: [/no session came; wrote nothing/] },
  { name: 'a link of another site, Strict', headers: linked, options: { sameSite: 'strict' }, says: [/another site, and the cookie is SameSite=strict;/] },
  { name: 'a frame of another site, as wanted, without a cookie', headers: framed, options: { secure: true, sameSite: 'none' }, says: [/no session came; wrote/] },
  { name: 'a fetch of its own site', headers: { ...fetched, 'sec-fetch-site': 'same-origin' }, says: [/no session came; wrote nothing/] },
  { name: 'a change', act: 'change', isTls: true, says: [/wrote session=\(\d+ characters\); Max-Age=86400; Expires=.*; Path=\/; Secure; HttpOnly; SameSite=Lax$/] },
  { name: 'a renewal', cookies: ['halfway'], isTls: true, options: { idleTimeout: 100 }, says: [/SameSite=Lax, to renew it$/] },
  { name: 'a renewal beside a line of the application', cookies: ['halfway'], act: 'clearCookie', options: { idleTimeout: 100 },
    says: [/renewed nothing, since the application wrote a line of its own for this cookie$/] },
  { name: 'what is too large', act: 'large', says: [/wrote nothing and answered 500, since the Set-Cookie line would be/] },
  { name: 'what check has told of', act: 'check', says: [/wrote nothing, since session.when is an instance of Date/] },
  { name: 'what cannot be stored', act: 'date', says: [/wrote nothing and answered 500, since session.when is an instance of Date/] },
  { name: 'Secure over plain HTTP', act: 'change', options: { secure: true }, says: [/a browser drops it, unless a proxy ends TLS: it is Secure, and the request came over plain HTTP \(most take it from localhost\)/] },
  { name: 'a prefix over plain HTTP', act: 'change', options: { secure: true }, cookieName: '__Host-s', says: [/it is Secure, as its prefix demands, and/] },
  { name: 'Secure behind a proxy', act: 'change', options: { secure: true }, headers: { 'x-forwarded-proto': 'https' }, says: [/wrote session/], saysNot: /drops it/ },
  { name: 'not Secure behind a proxy', act: 'change', headers: { forwarded: 'proto=https' }, says: [/it is not Secure, although the browser uses TLS: set "secure" to true/] },
  { name: 'one host on http and https', act: 'change', says: [/a browser that has a Secure cookie of this name, from https, drops it/] },
  { name: 'one host on http and https, where ours came over http', act: 'change', cookies: ['valid'], says: [/wrote session/], saysNot: /browser/ },
  ...['localhost', 'localhost:8080', 'app.localhost', '127.0.0.1:3000', '127.1.2.30', '[::1]:80', '[::1]'].map((host): Case => (
    { name: `plain HTTP on ${host}`, act: 'change', headers: { host }, says: [/wrote session/], saysNot: /browser/ })),
  ...['localhost.example', 'notlocalhost', '127.example', '127.0.0.1.example', '128.0.0.1', '[::2]'].map((host): Case => (
    { name: `plain HTTP on ${host}`, act: 'change', headers: { host }, says: [/a browser that has a Secure cookie of this name, from https, drops it/] })),
  { name: 'plain HTTP from a proxy on this machine', act: 'change', headers: { 'host': '127.0.0.1:3000', 'x-forwarded-host': 'app.example' },
    says: [/a browser that has a Secure cookie of this name, from https, drops it/] },
  { name: 'never Secure', act: 'change', options: { secure: false }, says: [/wrote session/], saysNot: /browser/ },
  { name: 'a Domain of another host', act: 'change', isTls: true, options: { domain: 'shop.example' }, headers: { host: 'other.example:8080' },
    says: [/a browser drops it: Domain=shop.example does not cover the host "other.example", unless a proxy rewrote Host$/] },
  { name: 'a Domain of the host before the proxy', act: 'change', isTls: true, options: { domain: 'app.test' }, headers: { 'host': '127.0.0.1:3000', 'x-forwarded-host': 'www.app.test' },
    says: [/wrote/], saysNot: /browser/ },
  { name: 'a Domain of the host before the standard proxy', act: 'change', isTls: true, options: { domain: 'app.test' },
    headers: { host: '127.0.0.1:3000', forwarded: 'for=192.0.2.1;host="WWW.app.test:8443"' }, says: [/wrote/], saysNot: /browser/ },
  { name: 'a Domain of another host before the proxy', act: 'change', isTls: true, options: { domain: 'app.test' },
    headers: { 'host': 'app.test', 'x-forwarded-host': 'other.test' }, says: [/a browser drops it: Domain=app.test does not cover the host "other.test"$/] },
  { name: 'a public suffix', act: 'change', options: { domain: 'com' }, headers: { host: 'shop.com' }, says: [/a browser drops it: Domain=com does not cover/], saysNot: /Secure/ },
  { name: 'a Domain at the end of a word', act: 'change', isTls: true, options: { domain: 'app.test' }, headers: { host: 'notapp.test' },
    says: [/a browser drops it: Domain=app.test does not cover the host "notapp.test"/] },
  { name: 'a Domain of no host', act: 'change', isTls: true, options: { domain: 'shop.example' }, says: [/does not cover the host undefined/] },
  { name: 'a Domain of the host', act: 'change', isTls: true, options: { domain: 'Shop.example' }, headers: { host: 'shop.Example' }, says: [/wrote/], saysNot: /browser/ },
  { name: 'a Domain above the host', act: 'change', isTls: true, options: { domain: 'shop.example' }, headers: { ':authority': 'www.shop.example' }, says: [/wrote/], saysNot: /browser/ },
  { name: 'a Path beside the URL', act: 'change', isTls: true, cookiePath: '/shop', url: '/shopping', says: [/a browser does not send it to this URL, which is not below Path=\/shop$/] },
  { name: 'a Path that is the URL', act: 'change', isTls: true, cookiePath: '/shop', url: '/shop?a', says: [/wrote/], saysNot: /browser/ },
  { name: 'a Path above the URL', act: 'change', isTls: true, cookiePath: '/shop', url: '/shop/cart', says: [/wrote/], saysNot: /browser/ },
  { name: 'a Path that ends in a slash', act: 'change', isTls: true, cookiePath: '/shop/', url: '/shop/cart', says: [/wrote/], saysNot: /browser/ },
  { name: 'a Path above what a router made of the URL', act: 'change', isTls: true, cookiePath: '/app', url: '/login', originalUrl: `/app/login?${secret}`,
    says: [/^GET \/app\/login: .*wrote/], saysNot: /browser/ },
  { name: 'a URL before a router that is none', act: 'change', isTls: true, cookiePath: '/app', url: '/login', originalUrl: ['/app'], says: [/^GET \/login: .*not below Path=\/app$/] },
  { name: 'a form of another site that writes', act: 'change', method: 'POST', isTls: true, headers: linked, says: [/wrote session/], saysNot: /drops it/ },
  { name: 'a frame of another site', act: 'change', isTls: true, headers: framed, says: [/a browser drops it: the request comes from a page of another site/] },
  { name: 'a frame of another site, as wanted', act: 'change', isTls: true, headers: framed, options: { secure: true, sameSite: 'none' }, says: [/wrote/], saysNot: /browser/ },
  { name: 'read where there is no response', act: 'read', cookies: ['valid'], says: [/session opened with key 0; not attached to a response, so changes are not saved$/] },
]

const script = `
import { ServerResponse } from 'node:http'
import { RequestSessions, SessionHandler } from ${JSON.stringify(new URL('../../lib/index.js', import.meta.url).href)}
const key = Buffer.alloc(32, 1)
const real = Date.now
const at = (seconds, make) => {
  Date.now = () => real() + seconds * 1000
  try { return make() } finally { Date.now = real }
}
for (const { method = 'GET', options, cookieName = 'session', cookiePath, cookies = [], separator = '; ', url = '/', originalUrl, headers, isTls, act } of cases) {
  const sessions = new RequestSessions({ onEvent() {}, ...options })
  const make = (key, name = cookieName) => new SessionHandler(null, key, sessions, { cookieName: name, cookiePath })
  const handler = make(key)
  const data = { user: ${JSON.stringify(secret)} }
  const values = {
    valid: () => handler.encodeCookie(data),
    second: () => handler.encodeCookie(data),
    otherKey: () => make(Buffer.alloc(32, 2)).encodeCookie(data),
    otherName: () => make(key, 'other').encodeCookie(data),
    short: () => ${JSON.stringify(secret)},
    misspelt: () => handler.encodeCookie(data).slice(0, -1) + '*',
    long: () => ${JSON.stringify(secret)}.repeat(300),
    json: () => '{"a":1,"b":"${secret}="}',
    old: () => at(-100000, () => handler.encodeCookie(data)),
    ahead: () => at(3600, () => handler.encodeCookie(data)),
    halfway: () => at(-60, () => handler.encodeCookie(data)),
  }
  const pairs = cookies.map((name) => name === 'nameless' ? '${secret}' : values[name] === undefined ? name + '=${secret}' : cookieName + '=' + values[name]())
  const req = {
    method, url, ...originalUrl !== undefined && { originalUrl }, httpVersionMajor: 1, httpVersionMinor: 1,
    headers: { ...headers, ...pairs.length > 0 && { cookie: pairs.join(separator) } }, socket: { encrypted: isTls },
  }
  if (act === 'read') {
    handler.read(req)
    continue
  }
  const res = new ServerResponse(req)
  handler.attach(req, res)
  if (act === 'clear') sessions.clear(req)
  const session = sessions.get(req)
  if (act === 'change') session.text = ${JSON.stringify(secret)}
  if (act === 'clearCookie') res.setHeader('Set-Cookie', 'session=; Max-Age=0; Path=/')
  if (act === 'large') session.text = ${JSON.stringify(secret)}.repeat(200)
  if (act === 'date' || act === 'check') session.when = new Date()
  if (act === 'check') try { sessions.check(req) } catch {}
  res.end()
}
`

function run(body: string, env: Record<string, string> = { NODE_DEBUG: 'seshcookie' }): string[] {
  const child = spawnSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', body],
    { encoding: 'utf8', env: { ...process.env, ...env } })
  if (child.status !== 0) throw new Error(child.stderr)
  return child.stderr.split('\n').filter((line) => line !== '').map((line) => line.replace(/^SESHCOOKIE \d+: /, ''))
}

t.test('a line for each request that asks for its session:', async (t) => {
  // A function does not survive JSON, and only one row has one.
  const source = JSON.stringify(cases.map(({ says, saysNot, ...rest }) => rest))
    .replaceAll('"options":{}', '"options":{"validate":() => false}')
  const lines = run(`const cases = ${source}\n${script}`)
  t.equal(lines.length, cases.length)
  for (const [index, { name, says, saysNot }] of cases.entries()) {
    t.test(name, async (t) => {
      for (const said of says) t.match(lines[index], said)
      if (saysNot !== undefined) t.notMatch(lines[index], saysNot)
      t.notMatch(lines[index], secret)
    })
  }
})

t.test('a second line for a change that came late', async (t) => {
  const lines = run(`
    import { ServerResponse } from 'node:http'
    import { RequestSessions, SessionHandler } from ${JSON.stringify(new URL('../../lib/index.js', import.meta.url).href)}
    const sessions = new RequestSessions({ onEvent() {} })
    const handler = new SessionHandler(null, Buffer.alloc(32), sessions)
    const req = { method: 'GET', url: '/a?b', httpVersionMajor: 1, httpVersionMinor: 1, headers: {} }
    const res = new ServerResponse(req)
    handler.attach(req, res)
    const session = sessions.get(req)
    res.end()
    session.a = 1
    res.emit('close')
  `)
  t.match(lines, [/^GET \/a: .*wrote nothing/, /^GET \/a: the session was changed after the headers had left; lost: a$/])
  t.equal(lines.length, 2)
})

t.test('nothing without it', async (t) => {
  t.strictSame(run(`const cases = [{ act: 'change' }]\n${script}`, { NODE_DEBUG: 'http2x' }), [])
  t.equal(isDebugging, false, 'nor is anything looked at')
})

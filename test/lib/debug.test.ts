/** What NODE_DEBUG=seshcookie prints, in a process of its own, since it is read when the library is loaded. */
import t from 'tap'
import { spawnSync } from 'node:child_process'
import type { SessionOptions } from '../../lib/index.js'

interface Case {
  name: string
  options?: SessionOptions
  cookieName?: string
  cookiePath?: string
  /** Which cookies come: their names, or `valid`, `changed`, `expired` and so on for one of ours. */
  cookies?: string[]
  separator?: string
  url?: string
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
const framed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' }

const cases: Case[] = [
  { name: 'no cookies', says: [/^GET \/: no cookies came; no session came; wrote nothing, since the session is as it came$/] },
  { name: 'a query', url: `/shop?${secret}#x`, says: [/^GET \/shop: /] },
  { name: 'a path with a control character', url: '/a\u001b[2J\u00e9', says: [/^GET \/a\?\[2J\?: /] },
  { name: 'cookies of others', cookies: ['theme', 'a\u0007b', 'theme'], says: [/cookies: theme, "a\\u0007b"; no session came;/] },
  { name: 'a cookie without a name', cookies: ['nameless'], says: [/^GET \/: no cookies came; no session came;/] },
  { name: 'many cookies', cookies: Array.from({ length: 25 }, (_, index) => `c${index}`), says: [/cookies: c0, .*, c19; no session came/] },
  { name: 'a cookie that opens', cookies: ['valid'], says: [/cookies: session; session opened with key 0; wrote nothing/] },
  { name: 'one of another key', cookies: ['otherKey'], says: [/session did not open: its tag does not match; usually .* another key/] },
  { name: 'one of another name', cookies: ['otherName'], says: [/did not open: its tag does not match; .* another name, domain, path/] },
  { name: 'one that is short', cookies: ['short'], says: [/did not open: its length is none of ours; usually another application/] },
  { name: 'one that is spelled otherwise', cookies: ['misspelt'], says: [/did not open: it is not spelled as ours are/] },
  { name: 'one that is old', cookies: ['old'], says: [/did not open: it is past "maxAge" or "idleTimeout"/] },
  { name: 'two that open', cookies: ['valid', 'second'], says: [/did not open: two different ones open/] },
  { name: 'one that validate refuses', cookies: ['valid'], options: { validate: () => false }, says: [/did not open: "validate" refused it/] },
  { name: 'one that is cleared', cookies: ['valid'], act: 'clear', says: [/session was not looked at, since the session was cleared; wrote session=; Max-Age=0; /] },
  { name: 'cookies joined by commas', cookies: ['theme', 'valid'], separator: ', ', says: [/no session came: something joined the cookies by commas/] },
  { name: 'a fetch without credentials', headers: fetched, says: [/no session came: the page that asked is of another origin, .* credentials/] },
  { name: 'a request from another site', headers: { 'sec-fetch-site': 'cross-site' }, options: { sameSite: 'strict' },
    says: [/no session came: the request comes from another site, and the cookie is SameSite=strict/] },
  { name: 'a change', act: 'change', isTls: true, says: [/wrote session=\(\d+ characters\); Max-Age=86400; Expires=.*; Path=\/; Secure; HttpOnly; SameSite=Lax$/] },
  { name: 'a renewal', cookies: ['halfway'], isTls: true, options: { idleTimeout: 100 }, says: [/SameSite=Lax, to renew it$/] },
  { name: 'what is too large', act: 'large', says: [/wrote nothing and answered 500, since the Set-Cookie line would be/] },
  { name: 'what cannot be stored', act: 'date', says: [/wrote nothing and answered 500, since session.when is an instance of Date/] },
  { name: 'Secure over plain HTTP', act: 'change', options: { secure: true }, says: [/a browser drops it: it is Secure, and the request came over plain HTTP/] },
  { name: 'a prefix over plain HTTP', act: 'change', options: { secure: true }, cookieName: '__Host-s', says: [/it is Secure, as its prefix demands, and/] },
  { name: 'Secure behind a proxy', act: 'change', options: { secure: true }, headers: { 'x-forwarded-proto': 'https' }, says: [/wrote session/], saysNot: /drops it/ },
  { name: 'not Secure behind a proxy', act: 'change', headers: { forwarded: 'proto=https' }, says: [/it is not Secure, although the browser uses TLS: set "secure" to true/] },
  { name: 'one host on http and https', act: 'change', says: [/a browser that has a Secure cookie of this name, from https, drops it/] },
  { name: 'never Secure', act: 'change', options: { secure: false }, says: [/wrote session/], saysNot: /browser/ },
  { name: 'a Domain of another host', act: 'change', isTls: true, options: { domain: 'shop.example' }, headers: { host: 'other.example:8080' },
    says: [/a browser drops it: Domain=shop.example does not cover the host "other.example"/] },
  { name: 'a Domain of no host', act: 'change', isTls: true, options: { domain: 'shop.example' }, says: [/does not cover the host undefined/] },
  { name: 'a Domain of the host', act: 'change', isTls: true, options: { domain: 'Shop.example' }, headers: { host: 'shop.Example' }, says: [/wrote/], saysNot: /browser/ },
  { name: 'a Domain above the host', act: 'change', isTls: true, options: { domain: 'shop.example' }, headers: { ':authority': 'www.shop.example' }, says: [/wrote/], saysNot: /browser/ },
  { name: 'a Path beside the URL', act: 'change', isTls: true, cookiePath: '/shop', url: '/shopping', says: [/a browser does not send it to this URL, which is not below Path=\/shop$/] },
  { name: 'a Path that is the URL', act: 'change', isTls: true, cookiePath: '/shop', url: '/shop?a', says: [/wrote/], saysNot: /browser/ },
  { name: 'a Path above the URL', act: 'change', isTls: true, cookiePath: '/shop', url: '/shop/cart', says: [/wrote/], saysNot: /browser/ },
  { name: 'a Path that ends in a slash', act: 'change', isTls: true, cookiePath: '/shop/', url: '/shop/cart', says: [/wrote/], saysNot: /browser/ },
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
for (const { options, cookieName = 'session', cookiePath, cookies = [], separator = '; ', url = '/', headers, isTls, act } of cases) {
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
    old: () => at(-100000, () => handler.encodeCookie(data)),
    halfway: () => at(-60, () => handler.encodeCookie(data)),
  }
  const pairs = cookies.map((name) => name === 'nameless' ? '${secret}' : values[name] === undefined ? name + '=${secret}' : cookieName + '=' + values[name]())
  const req = {
    method: 'GET', url, httpVersionMajor: 1, httpVersionMinor: 1,
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
  if (act === 'large') session.text = ${JSON.stringify(secret)}.repeat(200)
  if (act === 'date') session.when = new Date()
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

t.test('a second line for a change that came late, as long as somebody holds the session', async (t) => {
  const lines = run(`
    import { ServerResponse } from 'node:http'
    import { EventEmitter } from 'node:events'
    import { RequestSessions, SessionHandler } from ${JSON.stringify(new URL('../../lib/index.js', import.meta.url).href)}
    const sessions = new RequestSessions({ onEvent() {} })
    const handler = new SessionHandler(null, Buffer.alloc(32), sessions)
    const ask = (url) => {
      const req = { method: 'GET', url, httpVersionMajor: 1, httpVersionMinor: 1, headers: {} }
      const res = new ServerResponse(req)
      handler.attach(req, res)
      const session = sessions.get(req)
      res.end()
      if (url === '/before-close') session.a = 1
      res.emit('close')
      return session
    }
    ask('/before-close')
    const held = ask('/after-close')
    ask('/not-changed')
    for (let more = 0; more < 1001; more++) ask('/more')
    const last = ask('/at-the-end')
    held.a = 1 // one that is no longer watched, since a thousand came after it
    const again = ask('/later')
    setTimeout(() => { again.a = 1 }, 10)
    setTimeout(() => { last.a = 1 }, 400)
  `).filter((line) => line.includes('late') && !line.includes('wrote') || line.includes('lost'))
  t.match(lines, [
    /^GET \/before-close: the session was changed after the headers had left; lost: a$/,
    /^GET \/later: the session was changed after the response was over, and the change is lost$/,
    /^GET \/at-the-end: the session was changed after the response was over, and the change is lost$/,
  ])
  t.equal(lines.length, 3)
})

t.test('nothing without it', async (t) => {
  t.strictSame(run(`const cases = [{ act: 'change' }]\n${script}`, { NODE_DEBUG: 'http2x' }), [])
})

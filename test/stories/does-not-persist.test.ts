/**
 * "My session does not persist": each usual cause, what a browser does then, and what NODE_DEBUG=seshcookie says of it.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { RequestSessions, SessionHandler, type HandlerOptions, type SessionOptions } from '../../lib/index.js'
import { Browser, fetchFrom, type Page } from '../support/browser.js'
import { ask, type Answer } from '../support/client.js'
import { listen } from '../support/listen.js'
import { root } from '../support/root.js'
import type { Settings } from '../support/debugged-site.js'

const http = 'http://app.site.example'
const https = 'https://app.site.example'
const key = 'the key of these stories, and of nothing else'
const otherKey = 'another key of these stories, and of nothing else'

const child = fork(fileURLToPath(new URL('../support/debugged-site.js', import.meta.url)), {
  env: { ...process.env, NODE_DEBUG: 'seshcookie' },
  stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
})
t.teardown(() => { child.disconnect() })
let said = ''
child.stderr!.setEncoding('utf8').on('data', (text: string) => { said += text })

type SiteOptions = SessionOptions & HandlerOptions & { key?: string }

/** The origin of a new site with these settings. */
async function site(options: SiteOptions = {}): Promise<string> {
  const { key: own = key, cookieName, cookiePath, ...sessions } = options
  const settings: Settings = { key: own, sessions, handler: { cookieName, cookiePath } }
  child.send(settings)
  const [port] = await once(child, 'message') as [number]
  return `http://127.0.0.1:${port}`
}

let requests = 0

/** A browser whose pages come from a site, which can be changed for another. */
class Visitor extends Browser {
  at: string

  constructor(at: string) {
    super(fetchFrom(() => this.at))
    this.at = at
  }

  override go(...request: Parameters<Browser['go']>): Promise<Page> {
    requests++
    return super.go(...request)
  }
}

async function visitor(options?: SiteOptions): Promise<Visitor> {
  return new Visitor(await site(options))
}

/** Asks a site for /me, with these headers and no others. */
function askFor(origin: string, headers: Record<string, string>, method?: string): Promise<Answer> {
  requests++
  return ask(origin, '/me', headers, method)
}

/** The Cookie field of somebody who is logged in. */
const cookieOf = () => `session=${new SessionHandler(null, Buffer.from(key)).encodeCookie({ user: 'ann' })}`

/** Each request has one line, but for those that `play` returns the number of. */
const causes: [cause: string, play: (t: Test) => Promise<number | void>, says: RegExp][] = [
  ['all is well', async (t) => {
    const ann = await visitor({ secure: true })
    await ann.go(`${https}/login`)
    t.equal((await ann.go(`${https}/me`)).body, 'ann')
  }, new RegExp('^GET /login: no cookies came; no session came; wrote session=\\(\\d+ characters\\); [^\n]*\n' +
    'GET /me: cookies: session; session opened with key 0; wrote nothing, since the session is as it came$')],

  ['Secure over plain HTTP', async (t) => {
    const ann = await visitor({ secure: true })
    await ann.go(`${http}/login`)
    t.equal(ann.jar.cookies.length, 0, 'the browser has dropped it')
  }, /a browser drops it, unless a proxy ends TLS: it is Secure, and the request came over plain HTTP/],

  ['not Secure behind a proxy that ends TLS', async (t) => {
    const ann = await visitor()
    await ann.go(`${https}/login`)
    t.equal(ann.jar.cookies[0]!.secure, false)
  }, /it is not Secure, although the browser uses TLS: set "secure" to true/],

  ["'auto' on a host of http and https, an http login", async (t) => {
    const ann = await visitor({ secure: true })
    await ann.go(`${https}/me`)
    await ann.go(`${https}/login`)
    const [held] = ann.jar.cookies
    ann.at = await site()
    await ann.go(`${http}/login`)
    t.same(ann.jar.cookies, [held], 'the browser keeps the one it has')
    t.equal((await ann.go(`${http}/me`)).body, 'nobody')
  }, /a browser that has a Secure cookie of this name, from https, drops it/],

  ["'auto' on a host of http and https, an http logout", async (t) => {
    const ann = await visitor({ secure: true })
    await ann.go(`${https}/login`)
    const secured = ann.at
    ann.at = await site()
    await ann.go(`${http}/logout`)
    ann.at = secured
    t.equal((await ann.go(`${https}/me`)).body, 'ann', 'the logout did nothing')
  }, /a browser that has a Secure cookie of this name, from https, drops it/],

  ['another key', async (t) => {
    const ann = await visitor()
    await ann.go(`${http}/login`)
    ann.at = await site({ key: otherKey })
    t.equal((await ann.go(`${http}/me`)).body, 'nobody')
  }, /session did not open: its tag does not match; usually it was sealed with another key/],

  ['two applications on one host, under the default name', async (t) => {
    const ann = await visitor()
    const one = ann.at
    await ann.go(`${http}/login`)
    ann.at = await site({ key: otherKey })
    await ann.go(`${http}/login`)
    ann.at = one
    t.equal((await ann.go(`${http}/me`)).body, 'nobody', 'whose cookie the other one has overwritten')
  }, /its tag does not match; usually .* or by another application on this host/],

  ["another application's cookie of this name", async (t) => {
    const { body } = await askFor(await site(), { cookie: 's=1; session=abc' })
    t.equal(body, 'nobody')
  }, /cookies: "?s"?, session; session did not open: its length is none of ours; usually another application/],

  ['another name', async (t) => {
    const ann = await visitor()
    await ann.go(`${http}/login`)
    ann.at = await site({ cookieName: 'id' })
    t.equal((await ann.go(`${http}/me`)).body, 'nobody')
  }, /cookies: "?session"?; no id came; wrote nothing/],

  ['another path', async (t) => {
    const ann = await visitor({ cookiePath: '/app' })
    await ann.go(`${http}/login`)
    t.equal((await ann.go(`${http}/me`)).body, 'nobody')
    t.equal((await ann.go(`${http}/app/me`)).body, 'ann', 'below the path it is sent')
  }, /a browser does not send it to this URL, which is not below Path=\/app/],

  ['another domain', async (t) => {
    const ann = await visitor({ domain: 'other.example' })
    await ann.go(`${http}/login`)
    t.equal(ann.jar.cookies.length, 0, 'the browser has dropped it')
  }, /a browser drops it: Domain=other\.example does not cover the host "?app\.site\.example"?/],

  ['a domain that was set later', async (t) => {
    const ann = await visitor()
    await ann.go(`${http}/login`)
    ann.at = await site({ domain: 'site.example' })
    t.equal((await ann.go(`${http}/me`)).body, 'nobody')
  }, /its tag does not match; usually it was sealed with another key .*, or under another name, domain, path/],

  ['SameSite, from another site', async (t) => {
    const ann = await visitor()
    await ann.go(`${http}/login`)
    const kind = { from: 'http://evil.example/', method: 'POST', topLevel: true }
    t.equal(ann.jar.header(`${http}/me`, kind), undefined, 'the browser leaves the cookie out')
    await askFor(ann.at, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 'POST')
  }, /POST \/me: no cookies came; no session came: the POST comes from another site, and the cookie is SameSite=lax/],

  ['a message that is stored where another site posts back', async (t) => {
    const ann = await visitor()
    await ann.go(`${http}/login`)
    await ann.go(`${http}/flash`, { from: 'http://bank.example/', method: 'POST', topLevel: true })
    t.equal((await ann.go(`${http}/me`)).body, 'nobody', 'whose session it has overwritten')
  }, /POST \/flash: no cookies came; no session came.*.*; wrote session=/],

  ['fetch from another origin without credentials', async (t) => {
    const headers = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }
    const { body } = await askFor(await site(), headers)
    t.equal(body, 'nobody')
  }, /no session came: the page that asked is of another origin, and has to fetch with credentials: "include"/],

  ['cookies joined by commas', async (t) => {
    const { body } = await askFor(await site(), { cookie: `a=1, ${cookieOf()}` })
    t.equal(body, 'nobody')
  }, /no session came: something joined the cookies by commas instead of semicolons/],

  ['a browser that restores its tabs', async (t) => {
    const ann = await visitor({ persistent: false })
    await ann.go(`${http}/login`)
    t.equal((await ann.go(`${http}/me`)).body, 'ann', 'closed, and opened again with what it had')
    ann.jar.close()
    t.equal((await ann.go(`${http}/me`)).body, 'nobody', 'closed for good')
  }, /session opened with key 0/],

  ['a cookie that is cleared by hand', async (t) => {
    const ann = await visitor()
    await ann.go(`${http}/login`)
    const { setCookie } = await ann.go(`${http}/by-hand`)
    t.match(setCookie, [/^session=[\w-]{108,};/])
    t.equal((await ann.go(`${http}/me`)).body, 'ann', 'is replaced by that of the changed session')
  }, /GET \/by-hand: .*; wrote session=/],

  ['a jar that is full', async (t) => {
    const ann = await visitor()
    const bob = await visitor({ secure: true })
    for (const [one, origin] of [[ann, http], [bob, https]] as const) {
      await one.go(`${origin}/login`)
      for (let n = 0; n < 180; n++) one.jar.receive(`${http}/`, [`other${n}=1`])
    }
    t.equal((await bob.go(`${https}/me`)).body, 'ann', 'a Secure one is kept')
    t.equal((await ann.go(`${http}/me`)).body, 'nobody', 'the oldest one is dropped')
  }, /no session came/],

  ['too large', async (t) => {
    const ann = await visitor()
    await ann.go(`${http}/login`)
    t.equal((await ann.go(`${http}/large`)).status, 500)
    t.equal((await ann.go(`${http}/me`)).body, 'ann', 'the session is as it was before')
  }, /wrote nothing and answered 500, since .*\blarge\b/],

  ['changed late', async (t) => {
    const ann = await visitor()
    await ann.go(`${http}/late`)
    t.equal((await ann.go(`${http}/me`)).body, 'nobody')
    return 1
  }, /GET \/late: the session was changed after the headers had left; lost: user/],

  ['expired', async (t) => {
    const { now } = Date
    Date.now = () => now() - 86_400_000
    const cookie = cookieOf()
    Date.now = now
    t.equal((await askFor(await site(), { cookie })).body, 'nobody')
  }, /session did not open: it is 0 seconds past "maxAge"/],
]

for (const [cause, play, says] of causes) {
  t.test(cause, async (t) => {
    said = ''
    requests = 0
    const count = await play(t) ?? 0
    const lines = () => said.split('\n').slice(0, -1).filter((line) => line.startsWith('SESHCOOKIE'))
    while (lines().length < requests + count) await once(child.stderr!, 'data')
    const all = lines().map((line) => line.replace(/^SESHCOOKIE \d+: /, '')).join('\n')
    t.match(all, says)
    t.notMatch(all, /[\w-]{100}/, 'and no value of a cookie is shown')
  })
}

t.test('what throws where it is set up or asked for', async (t) => {
  t.throws(() => new SessionHandler(null, `${key}\n`), /white space/, 'a key file with a line break')
  const keys = [Buffer.from(key)]
  const running = new SessionHandler(null, keys)
  keys.unshift(Buffer.from(otherKey))
  t.same(new SessionHandler(null, Buffer.from(key)).decodeCookie(running.encodeCookie({ user: 'ann' })), { user: 'ann' })
  t.throws(() => Object.assign(running, { key: keys }), TypeError, 'keys that are to change while it runs')
  const copy = await import(new URL('dist/index.js', root).href) as typeof import('../../lib/index.js')
  const sessions = new copy.RequestSessions() as unknown as RequestSessions
  t.throws(() => new SessionHandler(null, Buffer.from(key), sessions),
    { name: 'TypeError', message: /of another copy of the package$/ })
  const handler = new SessionHandler((req, res) => {
    t.throws(() => copy.Session.get(req), { code: 'ERR_SESHCOOKIE_NO_SESSION', message: /two copies of/ })
    res.end()
  }, Buffer.from(key), new RequestSessions())
  await ask(await listen(t, handler.listener), '/')
})

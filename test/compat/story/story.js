import { comparable, header, http1, http2Request, setCookies } from '../raw.js'
import { equal, row } from '../report.js'
import { listen, stop } from '../servers.js'
import { makeRoutes, sessionHandler, withSession } from './app.js'

const codec = sessionHandler(() => {})

/** A browser's tab: keeps the cookie it is sent. */
class Tab {
  cookie

  constructor(port, framework) {
    this.port = port
    this.framework = framework
  }

  async visit(path, { onBytes } = {}) {
    const { http2, secure, headers } = this.framework
    const send = http2 ? http2Request : http1
    const cookie = this.cookie === undefined ? {} : { Cookie: `other=1; session=${this.cookie}` }
    const message = await send(this.port, path, { headers: { ...headers, ...cookie }, secure, onBytes })
    message.ours = setCookies(message, 'session')
    if (message.ours.length === 1) {
      const [, value, rest] = /^session=([^;]*)(.*)$/.exec(message.ours[0])
      this.cookie = value === '' ? undefined : value
      message.attributes = rest
    }
    return message
  }

  /** What the server sealed for this tab. */
  get session() {
    return this.cookie === undefined ? undefined : { ...codec.decodeCookie(this.cookie) }
  }
}

/**
 * The story, through one framework: { name, serve(routes, wrap), secure, http2, headers, cookies }.
 * `cookies` are those of other session libraries that a login has to set as well.
 */
export async function story(suite, framework) {
  const check = (name, run) => row(suite, framework.name, name, run)
  let openGate
  let gate
  const closeGate = () => { gate = new Promise((resolve) => { openGate = resolve }) }
  const routes = makeRoutes(() => gate, barrier(2))
  let bare, server, barePort, port
  await check('starts', async () => {
    bare = await framework.serve(routes, (listener) => listener)
    server = await framework.serve(routes, withSession)
    barePort = await listen(bare)
    port = await listen(server)
  })
  if (port === undefined) return
  const tab = new Tab(port, framework)
  const attributes = `; Max-Age=86400; Path=/; HttpOnly;${framework.secure ? ' Secure;' : ''} SameSite=Lax`

  /** A visit that is answered with this status and, if one is told, this body. */
  const visit = async (path, status, body, options) => {
    const message = await tab.visit(path, options)
    equal([message.status, body && message.body], [status, body], `status and body of ${path}`)
    return message
  }
  const saved = (message, wanted, what) => {
    equal(message.ours.length, 1, `${what}: Set-Cookie lines of ours, in ${JSON.stringify(message.lines)}`)
    const [, seconds, expires] = /Max-Age=(\d+); Expires=([^;]*); /.exec(message.attributes)
    const between = Date.parse(expires) - Date.now() - seconds * 1000
    equal(Math.abs(between) < 60_000, true, `${what}: whether Expires is Max-Age from now, in ${message.attributes}`)
    // Counted from the login on.
    const got = message.attributes.replace(/(?<=Max-Age=)86[34]\d\d/, '86400').replace(/Expires=[^;]*; /, '')
    equal(sorted(got), sorted(attributes), `${what}: attributes`)
    equal(tab.session, wanted, `${what}: what the cookie holds`)
    member(message, 'vary', 'cookie')
    member(message, 'cache-control', 'no-store')
  }
  const notSaved = (message) => {
    equal(message.ours, [], 'Set-Cookie lines of ours')
    member(message, 'vary', 'cookie')
  }
  const untouched = async (path) => {
    const [plain, wrapped] = [await new Tab(barePort, framework).visit(path), await tab.visit(path)]
    equal(comparable(wrapped), comparable(plain), `the head of ${path} with and without the library`)
    equal(wrapped.body, plain.body, `the body of ${path} with and without the library`)
  }

  await check('no cookie for nobody', async () => {
    notSaved(await visit('/me', 200, '{}'))
  })
  await check('nothing is added to an untouched answer', async () => {
    for (const path of ['/plain', '/plain-headers', '/plain-stream', '/missing']) await untouched(path)
  })
  await check('login', async () => {
    const message = await visit('/login?user=ann', 200, '{"welcome":true}')
    saved(message, { user: 'ann' }, 'login')
    for (const name of framework.cookies ?? []) equal(setCookies(message, name).length, 1, `the other cookie ${name}`)
  })
  await check('read without a rewrite', async () => {
    notSaved(await visit('/me', 200, '{"user":"ann"}'))
  })
  await check('nothing is added to an untouched answer, with a cookie', async () => {
    for (const path of ['/plain', '/plain-headers', '/plain-stream', '/missing']) await untouched(path)
  })
  await check('own cookies stay', async () => {
    const message = await tab.visit('/own-cookies')
    saved(message, { user: 'ann', own: true }, 'own cookies')
    equal([setCookies(message, 'a'), setCookies(message, 'b'), header(message, 'x-own')],
      [['a=1; Path=/'], ['b=2; Path=/'], 'yes'], 'the own headers')
  })
  await check('two tabs at once', async () => {
    const tabs = [1, 2].map(() => Object.assign(new Tab(port, framework), { cookie: tab.cookie }))
    const messages = await Promise.all(tabs.map((one, i) => one.visit(`/tab?n=${i + 1}`)))
    equal(messages.map(({ body }) => body), ['{"tab":"1"}', '{"tab":"2"}'], 'bodies')
    equal(tabs.map(({ session }) => session), ['1', '2'].map((n) => ({ user: 'ann', own: true, tab: n })), 'sessions')
  })
  await check('a streamed answer', async () => {
    closeGate()
    const held = framework.headers?.['Accept-Encoding'] === undefined
    if (!held) openGate() // compression holds the first bytes back
    const message = await visit('/stream', 200, 'onetwothree', { onBytes: () => openGate() })
    saved(message, { user: 'ann', own: true, streamed: true }, 'stream')
  })
  await check('a size error', async () => {
    equal((await visit('/large', 500)).ours, [], 'Set-Cookie lines of ours')
    await visit('/me', 200, '{"user":"ann","own":true,"streamed":true}') // the old cookie
  })
  await check('an error of the application', async () => {
    saved(await visit('/throws', 500), { user: 'ann', own: true, streamed: true, thrown: true }, 'error page')
  })
  await check('logout', async () => {
    const message = await tab.visit('/logout')
    equal(message.ours.length, 1, 'Set-Cookie lines of ours')
    equal(tab.cookie, undefined, 'the cookie')
    equal(sorted(message.attributes.replace(/Expires=Thu, 01 Jan 1970 00:00:00 GMT; /, '')),
      sorted(attributes.replace('86400', '0')), 'attributes')
    member(message, 'cache-control', 'no-store')
    notSaved(await visit('/me', 200, '{}'))
  })

  stop(bare)
  stop(server)
}

/** Resolves for all when `count` have come. */
function barrier(count) {
  let waiting = []
  return () => new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length < count) return
    for (const go of waiting) go()
    waiting = []
  })
}

function sorted(attributes) {
  return attributes.split(';').map((part) => part.trim()).filter(Boolean).sort()
}

/** Demands a member of a header that is a list, once. */
function member(message, name, wanted) {
  const members = (header(message, name) ?? '').split(',').map((part) => part.trim().toLowerCase())
  if (members.includes('*')) return
  equal(members.filter((one) => one === wanted), [wanted], `${wanted} in ${name}, which is ${header(message, name)}`)
}

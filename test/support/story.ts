/**
 * The stage of a story: hosts that are servers on this machine, browsers that take them for sites with https, and one
 * clock for all of them.
 */
import type { RequestListener } from 'node:http'
import type { Test } from 'tap'
import {
  RequestSessions, SessionHandler, type HandlerOptions, type Key, type LifetimeOptions, type SessionEvent,
  type SessionOptions,
} from '../../lib/index.js'
import { Browser, fetchFrom } from './browser.js'
import { listen } from './listen.js'
import { defaultCacheSize, key } from './sessions.js'

export const shop = 'https://app.site.example'

export interface Stage {
  /** Lets so many seconds pass, or turns the clock back. */
  pass(seconds: number): void
  /** Has a host be served, by one listener or by several in turn. */
  host(name: string, ...listeners: RequestListener[]): Promise<void>
  /** A browser, which holds this value as its session cookie of the shop, if there is one. */
  browser(value?: string): Browser
}

export function stage(t: Test): Stage {
  const realNow = Date.now
  let now = Date.UTC(2027, 0, 15, 8)
  Date.now = () => now
  t.teardown(() => { Date.now = realNow })

  const origins = new Map<string, string[]>()
  const originOf = ({ hostname }: URL) => {
    const [origin, ...others] = origins.get(hostname)!
    origins.set(hostname, [...others, origin!])
    return origin!
  }
  return {
    pass: (seconds) => { now += seconds * 1000 },
    host: async (name, ...listeners) => {
      origins.set(name, await Promise.all(listeners.map((listener) => listen(t, listener))))
    },
    browser: (value) => {
      const browser = new Browser(fetchFrom(originOf))
      if (value !== undefined) browser.jar.receive(shop, [`session=${value}; Path=/; Secure`])
      return browser
    },
  }
}

/**
 * A stage with a shop, where Alice has logged in, with limits for her session alone if there are some. `keeper` has a
 * copy of her cookie, and keeps it whatever its line says.
 */
export async function loggedIn(t: Test, options?: ShopOptions, limits: LifetimeOptions = {}) {
  const { host, pass, browser } = stage(t)
  const site = openShop(options)
  await host('app.site.example', site.listener)
  const alice = browser()
  const { setCookie: [line] } = await alice.go(`${shop}/login?user=alice&limits=${JSON.stringify(limits)}`)
  const keeper = browser(alice.jar.cookies[0]!.value)
  return { host, pass, browser, site, alice, keeper, line: line! }
}

export interface Shop {
  handler: SessionHandler
  sessions: RequestSessions
  listener: RequestListener
  events: SessionEvent[]
  /** Lets the requests that wait at /slow go on; resolves with how many there are once `count` of them wait. */
  waiting(count: number): Promise<void>
  release(): void
}

export type ShopOptions = SessionOptions & HandlerOptions & { keys?: Key[] }

/**
 * A site where one can log in, look, and log out:
 *
 *     /login?user=…&limits={…}   /me, and all paths below   /slow
 *     /set?name=value            /set-and-unset             /logout   /plain
 */
export function openShop(options: ShopOptions = {}): Shop {
  const { cookieName, cookiePath, cacheSize = defaultCacheSize, keys = [key], ...rest } = options
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({ secure: true, onEvent: (event) => { events.push(event) }, ...rest })
  let gates: (() => void)[] = []
  let arrived = () => {}

  const handler = new SessionHandler(async (req, res) => {
    const { pathname, searchParams } = new URL(req.url!, shop)
    if (pathname === '/plain') return res.end('plain')
    const session = sessions.get(req)
    if (pathname === '/login') {
      sessions.clear(req)
      session['user'] = searchParams.get('user')
      sessions.limit(req, JSON.parse(searchParams.get('limits') ?? '{}') as LifetimeOptions)
    }
    if (pathname === '/set') for (const [name, value] of searchParams) session[name] = value
    if (pathname === '/set-and-unset') session['x'] = 1
    if (pathname === '/slow' || pathname === '/set-and-unset') {
      await new Promise<void>((go) => {
        gates.push(go)
        arrived()
      })
      delete session['x']
    }
    if (pathname === '/logout') sessions.clear(req)
    return res.end(String(session['user'] ?? 'nobody'))
  }, keys, sessions, { cookieName, cookiePath, cacheSize })

  return {
    handler,
    sessions,
    events,
    listener: handler.listener,
    waiting: async (count) => {
      while (gates.length < count) await new Promise<void>((resolve) => { arrived = resolve })
    },
    release: () => {
      for (const go of gates) go()
      gates = []
    },
  }
}

/**
 * The stage of a story: hosts that are servers on this machine, browsers that take them for sites with https, and one
 * clock for all of them.
 */
import type { RequestListener } from 'node:http'
import type { Test } from 'tap'
import { RequestSessions, SessionHandler, type HandlerOptions, type Key, type SessionEvent, type SessionOptions }
  from '../../lib/index.js'
import { Browser, fetchFrom } from './browser.js'
import { listen } from './listen.js'
import { defaultCacheSize, key } from './sessions.js'

export const shop = 'https://app.site.example'

export interface Stage {
  /** Lets so many seconds pass, or turns the clock back. */
  pass(seconds: number): void
  /** Has a host be served, by one listener or by several in turn. */
  host(name: string, ...listeners: RequestListener[]): Promise<void>
  browser(): Browser
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
    browser: () => new Browser(fetchFrom(originOf)),
  }
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

/**
 * A site where one can log in, look, and log out:
 *
 *     /login?user=…   /me, and all paths below   /slow   /set?name=value   /set-and-unset   /logout   /plain
 */
export function openShop(options: SessionOptions & HandlerOptions & { keys?: Key[] } = {}): Shop {
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

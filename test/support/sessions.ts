import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Test } from 'tap'
import {
  RequestSessions, SessionHandler, type HandlerOptions, type SessionData, type SessionEvent, type SessionOptions,
} from '../../lib/index.js'
import { ask, type Answer } from './client.js'
import { listen } from './listen.js'
import { requestAndResponse } from './request-and-response.js'

const cacheSize = process.env['SESHCOOKIE_TEST_CACHE_SIZE']

/** The `cacheSize` of handlers in tests that name none: `SESHCOOKIE_TEST_CACHE_SIZE=n` runs a suite with another. */
export const defaultCacheSize: number | undefined = cacheSize === undefined ? undefined : Number(cacheSize)

export const key: Uint8Array = Buffer.alloc(32, 'seshcookie-http tests')

export type Handle = (req: IncomingMessage, res: ServerResponse, sessions: RequestSessions) => unknown

export interface ServedSessions {
  events: SessionEvent[]
  /** The types of the events. */
  types(): string[]
  handler: SessionHandler
  sessions: RequestSessions
  origin: string
  /** Asks with a Cookie header, or with the cookie of a session. */
  ask(path: string, cookie?: string | SessionData): Promise<Answer>
  /** The session in the one Set-Cookie line of ours, undefined where there is none, '' where it was expired. */
  sessionIn(answer: Answer): object | '' | undefined
}

/** A handler around `handle` with sessions of its own, a server for it, and its events. */
export async function serveSessions(
  t: Test, handle: Handle, { options, ...handlerOptions }: HandlerOptions & { options?: SessionOptions } = {},
): Promise<ServedSessions> {
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({ onEvent: (event) => { events.push(event) }, ...options })
  const handler = new SessionHandler((req, res) => handle(req, res, sessions), key, sessions,
    { cacheSize: defaultCacheSize, ...handlerOptions })
  const origin = await listen(t, handler.listener)
  return {
    events, handler, sessions, origin,
    types: () => events.map(({ type }) => type),
    ask: (path, cookie) => ask(origin, path, cookie === undefined ? {}
      : { cookie: typeof cookie === 'string' ? cookie : `session=${handler.encodeCookie(cookie)}` }),
    sessionIn(answer) {
      const values = answer.all('set-cookie').filter((line) => line.startsWith(`${handler.cookieName}=`))
        .map((line) => line.slice(handler.cookieName.length + 1, line.indexOf(';')))
      if (values.length > 1) throw new Error('more than one Set-Cookie line of ours')
      return values[0] === undefined ? undefined : values[0] === '' ? '' : { ...handler.decodeCookie(values[0]) }
    },
  }
}

/** A request that a handler is attached to, without a server; with the cookie of a session if there is one. */
export function attachSessions(options: SessionOptions = {}, session?: SessionData) {
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({ onEvent: (event) => { events.push(event) }, ...options })
  const handler = new SessionHandler(null, key, sessions, { cacheSize: defaultCacheSize })
  const { req, res } = requestAndResponse(session && `session=${handler.encodeCookie(session)}`)
  handler.attach(req, res)
  return {
    req, res, sessions, handler, events,
    types: () => events.map(({ type }) => type),
    line: () => res.getHeader('Set-Cookie') as string | undefined,
  }
}

/** The name and the value in a Set-Cookie line, or in the first one of an answer. */
export function pairIn(answer: Answer | string | undefined): string {
  const line = typeof answer === 'object' ? answer.setCookie[0] : answer
  return line!.split(';')[0]!
}

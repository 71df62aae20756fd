// The whole API as TypeScript sees it. Never run: only compiled, against the packed library.
import { createSecretKey, randomBytes } from 'node:crypto'
import http, { type IncomingMessage, type RequestListener } from 'node:http'
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import https from 'node:https'
import {
  ExpiredError, FormatError, HashError, LateChangeError, LenError, NoSessionError, RequestSessions, SeshcookieError,
  Session, SessionHandler, SizeError, ValueError,
  type AnyRequest, type AnyResponse, type HandlerOptions, type Json, type Key, type LifetimeOptions,
  type RejectedReason, type SessionData,
  type SessionEvent, type SessionInfo, type SessionOptions,
} from 'seshcookie-http'

// Handlers, for each kind of server.
const key: Key = randomBytes(32)
const keys: readonly Key[] = ['x'.repeat(32), new Uint8Array(32), createSecretKey(randomBytes(32))]
const plain = new SessionHandler((req, res) => {
  const url: string | undefined = req.url
  res.setHeader('X-Url', url ?? '').end()
}, key)
const listener: RequestListener = plain.listener
http.createServer(plain.listener)
http.createServer(listener)
https.createServer({}, new SessionHandler(async (req, res) => { res.end(req.method) }, keys).listener)
const second = new SessionHandler((req: Http2ServerRequest, res: Http2ServerResponse) => {
  res.stream.respond({ ':status': req.stream.closed ? 500 : 200 })
}, key)
http2.createServer(second.listener)
http2.createSecureServer({}, second.listener)
const attached = new SessionHandler(null, key)
http.createServer((req, res) => { attached.attach(req, res) })
http2.createServer((req, res) => { attached.attach(req, res) })

// Names and options.
const handlerOptions: HandlerOptions = { cookieName: '__Host-session', cookiePath: '/', cacheSize: 0 }
const options: SessionOptions = {
  httpOnly: true, secure: 'auto', sameSite: 'lax', domain: 'example.com', partitioned: false, maxAge: 60,
  idleTimeout: 30, persistent: true, cacheHeaders: true,
  validate: (session, info, req) => session['user'] !== req.url && info.createdAt < new Date(),
  onEvent: (event, req) => { log(event, req) },
}
const sessions = new RequestSessions(options)
const named = new SessionHandler(() => {}, key, sessions, handlerOptions)
const users = new RequestSessions<{ user: string }>()
const typedFirst: SessionHandler<{ user: string }> = new SessionHandler(null, key, users)
named.cookieName = 'other'
named.cookiePath = '/path'
const cacheSize: number = named.cacheSize
const same: RequestSessions = named.sessions
sessions.httpOnly = false
sessions.secure = true
sessions.sameSite = 'none'
sessions.domain = undefined
sessions.partitioned = true
sessions.maxAge = 3600
sessions.idleTimeout = undefined
sessions.persistent = false
sessions.cacheHeaders = false
sessions.validate = undefined
sessions.onEvent = undefined

// Sessions, of any JSON and of a type.
export function untyped(req: IncomingMessage): Json | undefined {
  const session = Session.get(req)
  session['count'] = 1
  session['list'] = [1, 'a', null, { deep: true }]
  session['gone'] = undefined
  delete session['count']
  Session.set(req, { user: 'ann' })
  if (Session.has(req)) Session.clear(req)
  const info: SessionInfo | undefined = Session.info(req)
  const times: Date[] = info === undefined ? [] : [info.createdAt, info.issuedAt, info.expiresAt]
  // @ts-expect-error a Date is no JSON
  session['at'] = times[0]
  // @ts-expect-error nor is a function
  session['run'] = () => {}
  return session['user']
}

interface Visit { user: string, count: number, tags?: string[] }
const visits = new RequestSessions<Visit>({ validate: ({ count }) => count !== undefined && count < 9 })
export const typed = new SessionHandler((req: IncomingMessage, res: http.ServerResponse) => {
  const session: Partial<Visit> = visits.get(req)
  session.count = (session.count ?? 0) + 1
  visits.set(req, { user: 'ann', count: 1 })
  // @ts-expect-error a name that Visit does not have
  session.other = 1
  // @ts-expect-error get may find no session
  const user: string = session.user
  visits.set(req, visits.get(req))
  // @ts-expect-error no number is a user
  visits.set(req, { user: 7 })
  const lifetime: LifetimeOptions = { maxAge: 60, idleTimeout: 30, persistent: false }
  visits.limit(req, lifetime)
  visits.check(req)
  res.end()
}, key, visits)

// @ts-expect-error JSON carries no Date
export type WithDate = RequestSessions<{ at: Date }>
// @ts-expect-error JSON carries no Map
export type WithMap = RequestSessions<{ map: Map<string, string> }>
// @ts-expect-error JSON carries no bigint
export type WithBigint = RequestSessions<{ big: bigint }>
// @ts-expect-error JSON carries no function
export type WithFunction = RequestSessions<{ run: () => void }>
// @ts-expect-error nor anywhere below
export type WithDeepDate = RequestSessions<{ list: { at: Date }[] }>

// @ts-expect-error a number is no key
new SessionHandler(() => {}, 7)
// @ts-expect-error no such option
new RequestSessions({ httponly: true })
// @ts-expect-error no such value
new RequestSessions({ sameSite: 'Lax' })
// @ts-expect-error not assignable
plain.listener = () => {}

// Outside a request.
export function outside(req: AnyRequest, res: AnyResponse): string {
  const session: Partial<SessionData> = plain.read(req)
  const value: string = plain.encodeCookie({ user: 'ann' })
  const line: string = plain.encodeSetCookie({ user: 'ann' })
  const opened: Partial<SessionData> = plain.decodeCookie(value)
  res.setHeader('X-Sizes', [session, opened, line].length)
  return value
}

// Errors and events.
export function describe(error: unknown): string {
  if (error instanceof SizeError) return `${error.bytes - error.limit} ${error.largest.map(({ key }) => key)}`
  if (error instanceof ValueError) return error.path + error.found
  if (error instanceof LateChangeError) return error.keys.join()
  if (error instanceof SeshcookieError) return error.code
  for (const kind of [ExpiredError, FormatError, HashError, LenError, NoSessionError]) {
    if (error instanceof kind) return error.code satisfies `ERR_SESHCOOKIE_${string}`
  }
  return String(error)
}

function log(event: SessionEvent, req: AnyRequest): unknown {
  switch (event.type) {
    case 'rejected': return event.reason satisfies RejectedReason
    case 'opened': return event.keyIndex
    case 'saved': return [event.bytes, event.renewed]
    case 'cleared': return req.url
    case 'failed': return event.error.message
    case 'late': return event.error.code
    case 'insecure': return event.secure satisfies boolean
    default: return event satisfies never
  }
}

export { cacheSize, same, typedFirst }

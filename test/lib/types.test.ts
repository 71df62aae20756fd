/** The types, row by row: what the compiler says about each is held against what it should say. */
import t from 'tap'
import { compile } from '../support/type-check.js'

const prelude = `
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import {
  createSecureServer, createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse,
} from 'node:http2'
import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Socket } from 'node:net'
import {
  RequestSessions, Session, SessionHandler, SizeError, ValueError, type AnyRequest, type Json, type Key, type LifetimeOptions,
  type SessionData, type SessionEvent, type SessionInfo, type SessionOptions,
} from '../../lib/index.js'

declare const req: IncomingMessage
declare const req2: Http2ServerRequest
declare const key: Uint8Array
declare const keyObject: KeyObject
declare const socket: Socket
const noop = () => {}
class Point { x = 1; move() {} }
class Money { #cents = 0; add(other: Money) { return this.#cents + other.#cents } }
interface User { name: string, admin?: boolean }
interface Tree { value: number, children: Tree[] }
type Role = 'guest' | 'editor' | 'admin'
const Level = { low: 1, high: 2 } as const
type Level = typeof Level[keyof typeof Level]
interface Account { user: User, visits: number, note?: string | null }
const accounts = new RequestSessions<Account>()
const handler = new SessionHandler(noop, key)

declare const http2: (req: Http2ServerRequest, res: Http2ServerResponse) => void

interface ExpressRequest extends IncomingMessage { query: object }
interface ExpressResponse extends ServerResponse { json(body: unknown): void }
declare const express: {
  (req: ExpressRequest | IncomingMessage, res: ExpressResponse | ServerResponse): void
  use(middleware: () => void): void
}
declare const untyped: ((req: any, res: any) => any) & { use(): void }
declare const koa: {
  callback(): (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse) => Promise<void>
}

// Says that two types are one, as no assignment does.
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
const same = <A, B>(..._is: Same<A, B> extends true ? [] : ['differs']) => {}
`

const of = (type: string): Row => [type, `new RequestSessions<${type}>()`]

type Row = readonly [name: string, code: string]
type Bad = readonly [...Row, code: number]

const good: Record<string, readonly Row[]> = {
  'a session may hold': [
    of('{ a: string }'),
    of('{ a: string, b: number, c: boolean, d: null }'),
    of('{ a?: string }'),
    of('{ a: string | undefined }'),
    of('{ a?: { b?: { c?: number } } }'),
    of('{ a: string | number | null }'),
    of("{ a: 'x' | 'y', b: 1 | 2, c: true }"),
    of('{ a: Role, b: Level }'),
    of('{ a: string[] }'),
    of('{ a: readonly string[] }'),
    of('{ a: readonly (readonly number[])[] }'),
    of('{ a: [string, number] }'),
    of('{ a: readonly [string, ...number[]] }'),
    of('{ a: [string, number?] }'),
    of('{ readonly a: { readonly b: string } }'),
    of('{ a: User }'),
    of('{ a: User[] }'),
    of('{ a: User | null }'),
    of('{ a: Record<string, number> }'),
    of('{ a: Record<string, User> }'),
    of('{ a: { [name: string]: User | undefined } }'),
    of('{ a: Partial<User> }'),
    of('{ a: Tree }'),
    of('{ a: Json }'),
    of('{ a: SessionData }'),
    of('{ a: `${string}-${number}` }'),
    of('{ a: string & { readonly brand: 1 } }'),
    of('{}'),
    of('User'),
    of('Account'),
    of('SessionData'),
    of('Record<string, string>'),
    of("{ kind: 'a', a: number } | { kind: 'b', b: string }"),
  ],
  'get': [
    ['returns Partial<T>', 'same<ReturnType<typeof accounts.get>, Partial<Account>>()'],
    ['of Session returns JSON values', "same<ReturnType<typeof Session.get>['x'], Json | undefined>()"],
    ['takes a request of http', 'Session.get(req)'],
    ['takes a request of http2', 'Session.get(req2)'],
    ['gives a field that may be absent', 'same<ReturnType<typeof accounts.get>["user"], User | undefined>()'],
    ['lets a field be set', "accounts.get(req).user = { name: 'ann' }"],
    ['lets a field be changed', 'accounts.get(req).visits = (accounts.get(req).visits ?? 0) + 1'],
    ['lets a field be deleted', 'delete accounts.get(req).user'],
    ['lets any JSON value be set in a default session',
      "Session.get(req)['a'] = { b: [1, 'x', true, null, { c: undefined }] }"],
    ['lets undefined be set in a default session', "Session.get(req)['a'] = undefined"],
  ],
  'the other methods': [
    ['set takes a whole session', "accounts.set(req, { user: { name: 'ann' }, visits: 1 })"],
    ['set of Session takes JSON values', "Session.set(req, { a: 1, b: ['x'], c: { d: null } })"],
    ['has, clear and info',
      `same<ReturnType<typeof Session.has>, boolean>()
      same<ReturnType<typeof Session.clear>, void>()
      same<ReturnType<typeof Session.info>, SessionInfo | undefined>()`],
    ['info holds dates', 'same<SessionInfo, { createdAt: Date, issuedAt: Date, expiresAt: Date }>()'],
  ],
  'an option': [
    ['may be left out', 'new RequestSessions({})'],
    ['may be undefined',
      'new RequestSessions({ domain: undefined, idleTimeout: undefined, validate: undefined, maxAge: undefined })'],
    ['validate sees a partial session',
      `new RequestSessions<Account>({
        validate: (...args) => {
          same<typeof args, [session: Partial<Account>, info: SessionInfo, req: AnyRequest]>()
          return true
        },
      })`],
    ['onEvent tells events apart',
      `new RequestSessions({
        onEvent: (event) => {
          if (event.type === 'saved') same<typeof event.bytes, number>()
          if (event.type === 'failed') same<typeof event.error, Error>()
        },
      })`],
    ['can be assigned',
      `Session.secure = true
      Session.secure = 'auto'
      Session.sameSite = 'none'
      Session.domain = undefined
      Session.maxAge = 5`],
    ['can be read',
      `same<RequestSessions['secure'], boolean | 'auto'>()
      same<RequestSessions['maxAge'], number>()
      same<RequestSessions['domain'], string | undefined>()`],
  ],
  'what get gives': [
    ['can be set again', 'accounts.set(req, accounts.get(req))'],
    ['can be set again, in part', 'accounts.set(req, { visits: 1 })'],
    ['can be sealed', 'const of = new SessionHandler(noop, key, accounts); of.encodeCookie(accounts.get(req)); of.encodeSetCookie(of.read(req))'],
  ],
  'limit and check': [
    ['take a lifetime', 'Session.limit(req, { maxAge: 1, idleTimeout: 2, persistent: false }); Session.check(req)'],
    ['take none', 'Session.limit(req, {})'],
    ['take a lifetime that may be undefined', 'Session.limit(req, { maxAge: undefined, persistent: Math.random() > 1 ? true : undefined })'],
    ['take a request of http2', 'Session.limit(req2, {}); Session.check(req2)'],
    ['have a type', 'const lifetime: LifetimeOptions = { maxAge: 1 }; accounts.limit(req, lifetime)'],
  ],
  'errors': [
    ['have facts', `
      const told = (event: SessionEvent) => {
        if (event.type === 'late') same<typeof event.error.keys, readonly string[]>()
        if (event.type === 'insecure') same<typeof event.secure, boolean>()
        if (event.type === 'failed' && event.error instanceof SizeError) {
          same<typeof event.error.bytes, number>()
          same<typeof event.error.largest[number]['key'], string>()
        }
        if (event.type === 'failed' && event.error instanceof ValueError) same<typeof event.error.path, string>()
      }`],
  ],
  'attach': [
    ['takes what http gives', 'createServer((req, res) => handler.attach(req, res))'],
    ['takes what http2 gives', 'createHttp2Server((req, res) => handler.attach(req, res))'],
    ['takes what Express gives', 'const use = (req: ExpressRequest, res: ExpressResponse) => handler.attach(req, res)'],
    ['takes what Fastify gives', 'const hook = (request: { raw: IncomingMessage }, reply: { raw: ServerResponse }) => handler.attach(request.raw, reply.raw)'],
    ['takes what Koa gives', 'const hook = (ctx: { req: IncomingMessage, res: ServerResponse }) => handler.attach(ctx.req, ctx.res)'],
    ['takes what Hono gives', `
      const hook = (env: { incoming: IncomingMessage | Http2ServerRequest, outgoing: ServerResponse | Http2ServerResponse }) =>
        handler.attach(env.incoming, env.outgoing)`],
    ['of a handler without a listener', 'createServer((req, res) => new SessionHandler(null, key, accounts).attach(req, res))'],
  ],
  'a handler': [
    ['takes null for a listener', 'createServer(new SessionHandler(null, key).listener)'],
    ['names what its sessions hold first', 'const typed: SessionHandler<Account> = new SessionHandler(null, key, accounts)'],
    ['takes a listener without parameters', 'new SessionHandler(() => {}, key)'],
    ['takes an async listener', 'new SessionHandler(async (req, res) => { res.end(req.url) }, key)'],
    ['infers the pair of http',
      'new SessionHandler((...args) => { same<typeof args, [req: IncomingMessage, res: ServerResponse]>() }, key)'],
    ['infers the pair of http2',
      `const { listener } = new SessionHandler(http2, key)
      same<Parameters<typeof listener>, [Http2ServerRequest, Http2ServerResponse]>()`],
    ['infers what its sessions hold',
      `const handler = new SessionHandler(noop, key, accounts)
      same<ReturnType<typeof handler.read>, Partial<Account>>()
      same<typeof handler.sessions, RequestSessions<Account>>()`],
    ['is used by createServer of http', 'createServer(handler.listener)'],
    ['is used by createServer of https', 'createHttpsServer({}, handler.listener)'],
    ['is used by createSecureServer of http2',
      'createSecureServer({}, new SessionHandler(http2, key).listener)'],
    ['is used by createServer of http2',
      'createHttp2Server(new SessionHandler(http2, key).listener)'],
    ['is used for the request event', "createServer().on('request', handler.listener)"],
    ['reads at an upgrade', "createServer().on('upgrade', (req) => { handler.read(req)['user'] })"],
    ['takes an application like that of Express', 'createServer(new SessionHandler(express, key).listener)'],
    ['takes an application whose parameters are any', 'createServer(new SessionHandler(untyped, key).listener)'],
    ['takes a callback like that of Koa',
      'createServer(new SessionHandler<SessionData, IncomingMessage, ServerResponse>(koa.callback(), key).listener)'],
    ['takes a callback like that of Koa for http2',
      'createHttp2Server(new SessionHandler<SessionData, Http2ServerRequest, Http2ServerResponse>(koa.callback(), key).listener)'],
    ['takes each type of key',
      `new SessionHandler(noop, 's')
      new SessionHandler(noop, key)
      new SessionHandler(noop, Buffer.alloc(32))
      new SessionHandler(noop, keyObject)`],
    ['takes several keys',
      "new SessionHandler(noop, [key, 's', keyObject] as const); new SessionHandler(noop, [key] satisfies Key[])"],
    ['takes options', "new SessionHandler(noop, key, undefined, { cookieName: 's', cookiePath: '/', cacheSize: 0 })"],
    ['may be renamed', "handler.cookieName = 'a'; handler.cookiePath = '/a'"],
    ['encodes and decodes',
      `same<typeof handler.encodeCookie, (session: SessionData) => string>()
      same<ReturnType<typeof handler.decodeCookie>, Partial<SessionData>>()`],
  ],
}

const refusedIn = (type: string): readonly Bad[] => [
  [...of(`{ a: ${type} }`), 2344],
  [...of(`{ a?: ${type} }`), 2344],
  [...of(`{ a: (${type})[] }`), 2344],
  [...of(`{ a: readonly (${type})[] }`), 2344],
  [...of(`{ a: { b: ${type} } }`), 2344],
  [...of(`{ a: { b: [string, ${type}] } }`), 2344],
  [...of(`{ a: string | ${type} }`), 2344],
  [...of(`{ a: Record<string, ${type}> }`), 2344],
  [...of(`Record<string, ${type}>`), 2344],
]

const unstorable = [
  'Date', 'Map<string, string>', 'Set<string>', 'WeakMap<object, string>', 'bigint', '1n', 'symbol', '(() => void)',
  'Function', 'unknown', 'Point', 'Money', 'Uint8Array', 'Buffer', 'ArrayBuffer', 'RegExp', 'URL', 'Promise<string>',
  'KeyObject', 'Error & { toJSON(): string }',
]

const notAssignable = 2322
const noArgument = 2345
const readOnly = 2540
const maybeUndefined = 2532
const noProperty = 2339
const noOverload = 2769

const bad: Record<string, readonly Bad[]> = {
  ...Object.fromEntries(unstorable.map((type) => [`a session may not hold ${type}`, refusedIn(type)])),
  'a session may not be': [
    [...of('Date'), 2344],
    [...of('Map<string, string>'), 2344],
    [...of('unknown'), 2344],
    [...of('Point'), 2344],
  ],
  'get': [
    ['gives no field that is surely there', 'accounts.get(req).user.name', maybeUndefined],
    ['gives no number that is surely there', 'accounts.get(req).visits + 1', maybeUndefined],
    ['knows no field that is not there', 'accounts.get(req).other', noProperty],
    ['gives no JSON value as a string', "const name: string = Session.get(req)['name']", notAssignable],
    ['takes no field of another type', "accounts.get(req).visits = '1'", notAssignable],
    ['takes no Date in a default session', "Session.get(req)['a'] = new Date()", notAssignable],
    ['takes no Map in a default session', "Session.get(req)['a'] = new Map()", notAssignable],
    ['takes no bigint in a default session', "Session.get(req)['a'] = 1n", notAssignable],
    ['takes no function in a default session', "Session.get(req)['a'] = () => {}", notAssignable],
    ['takes no symbol in a default session', "Session.get(req)['a'] = Symbol()", notAssignable],
    ['takes no class instance in a default session', "Session.get(req)['a'] = new Point()", notAssignable],
    ['takes no nested Date in a default session', "Session.get(req)['a'] = { b: [{ c: new Date() }] }", notAssignable],
    ['takes no undefined in an array', "Session.get(req)['a'] = [undefined]", notAssignable],
    ['takes no socket for a request', 'Session.get(socket)', 2379],
    ['takes no request of fetch', "Session.get(new Request('http://a.example'))", noArgument],
  ],
  'set': [
    ['takes no wrong part of a session', "accounts.set(req, { visits: 'one' })", 2322],
    ['takes no other field', "accounts.set(req, { user: { name: 'ann' }, visits: 1, other: 1 })", 2353],
    ['takes no Date in a default session', 'Session.set(req, { a: new Date() })', notAssignable],
    ['takes no list', 'Session.set(req, [1])', noArgument],
  ],
  'an option': [
    ['must be known', 'new RequestSessions({ httponly: true })', 2561],
    ['secure is no string but auto', "new RequestSessions({ secure: 'yes' })", notAssignable],
    ['sameSite is spelled in lower case', "new RequestSessions({ sameSite: 'Lax' })", 2820],
    ['maxAge is no string', "new RequestSessions({ maxAge: '60' })", notAssignable],
    ['domain is not null', 'new RequestSessions({ domain: null })', notAssignable],
    ['validate is not async', 'new RequestSessions({ validate: async () => true })', notAssignable],
    ['validate gives a boolean', 'new RequestSessions({ validate: () => 1 })', notAssignable],
    ['cannot be assigned another type', "Session.httpOnly = 'yes'", notAssignable],
  ],
  'limit': [
    ['knows its names', 'Session.limit(req, { maxage: 1 })', 2561],
    ['takes no words for a number', "Session.limit(req, { maxAge: '1' })", 2322],
    ['needs a lifetime', 'Session.limit(req)', 2554],
  ],
  'attach': [
    ['needs a response', 'handler.attach(req)', 2554],
    ['takes no context of Koa', 'handler.attach({ req }, {})', 2353],
  ],
  'a handler': [
    ['needs a key', 'new SessionHandler(noop)', 2554],
    ['takes no number as a key', 'new SessionHandler(noop, 32)', noOverload],
    ['takes no undefined as a key', 'new SessionHandler(noop, process.env.KEY)', noOverload],
    ['knows its options', "new SessionHandler(noop, key, Session, { name: 'a' })", noOverload],
    ['has one listener', 'handler.listener = noop', readOnly],
    ['keeps its sessions', 'handler.sessions = Session', readOnly],
    ['keeps the size of its cache', 'handler.cacheSize = 5', readOnly],
    ['of http is not for http2', 'createHttp2Server(handler.listener)', noOverload],
    ['of http2 is not for http',
      'createServer(new SessionHandler(http2, key).listener)', noOverload],
    ['encodes no Date', 'handler.encodeCookie({ a: new Date() })', notAssignable],
    ['reads no field that is surely there',
      'new SessionHandler(noop, key, accounts).read(req).user.name', maybeUndefined],
  ],
}

const goodRows = Object.entries(good).flatMap(([what, rows]) => rows.map(([name, code]) => ({ what, name, code })))
const badRows = Object.entries(bad)
  .flatMap(([what, rows]) => rows.map(([name, code, error]) => ({ what, name, code, error })))
const said = compile(prelude, [...goodRows, ...badRows].map(({ code }) => code))

t.test('what comes before the rows compiles', async (t) => {
  t.strictSame(said.at(-1), [])
})

for (const [index, { what, name }] of goodRows.entries()) {
  t.test(`${what}: ${name}`, async (t) => {
    t.strictSame(said[index], [])
  })
}

for (const [index, { what, name, error }] of badRows.entries()) {
  t.test(`${what}: ${name}, which is an error`, async (t) => {
    t.strictSame(said[goodRows.length + index]!.map((message) => parseInt(message)), [error])
  })
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { misuse } from './errors.js'
import { deriveKeys, type Key } from './keys.js'
import { handlerOptionNames, ownOptions } from './options.js'
import { decodeCookie } from './opening.js'
import type { Registry } from './registry.js'
import { heldIn } from './request.js'
import { SessionCookie, type CookieHolder } from './session-cookie.js'
import { registryOf, RequestSessions, Session } from './sessions.js'
import type { AnyRequest, AnyResponse, SessionData, StorableObject } from './types.js'

/** What a handler's cookie is called and bound to, and how many opened cookies it caches. */
export interface HandlerOptions {
  /** A token (RFC 9110 §5.6.2); `__Host-` and `__Secure-` names need `secure: true`. Default: `'session'`. */
  cookieName?: string | undefined
  /** The path under which the cookie is sent (RFC 6265bis §5.6.4). Default: `'/'`. */
  cookiePath?: string | undefined
  /**
   * How many opened cookies to cache in memory, at most about 10 kB each, so that the same cookie need not be opened
   * again; up to 1 000 000. `0` turns the cache off. Default: `1000`.
   */
  cacheSize?: number | undefined
}

const maxCacheSize = 1_000_000

/**
 * Gives each request of `node:http` a session that lives in one encrypted, authenticated cookie, and hands it on to a
 * listener:
 *
 *     http.createServer(new SessionHandler(listener, key).listener)
 *
 * @typeParam T what a session holds
 * @typeParam Req the listener's request: that of http1 unless the listener says otherwise
 * @typeParam Res the listener's response
 */
export class SessionHandler<
  T extends StorableObject<T> = SessionData,
  Req extends AnyRequest = IncomingMessage,
  Res extends AnyResponse = ServerResponse
> {
  /**
   * Bound: hand it to createServer. It returns what the inner listener returned. That of a handler made with `null` is
   * the same function as `attach`.
   */
  readonly listener: (req: Req, res: Res) => unknown
  /**
   * Bound: gives a request its session, as `listener` does before it calls the inner listener, and then calls `next`,
   * where it is given. For middleware and hooks: `app.use(handler.attach)`. A second time on one response it does
   * nothing but call `next`, whose result it returns.
   * @throws TypeError for what is no request and response of `node:http`, and whatever `next` throws
   */
  readonly attach: (req: AnyRequest, res: AnyResponse, next?: () => unknown) => void
  /** Whose `get` finds the sessions of this handler's requests. */
  readonly sessions: RequestSessions<T>
  /** How many opened cookies are cached in memory; `0` for none. */
  readonly cacheSize: number
  readonly #holder: CookieHolder
  readonly #registry: Registry

  /**
   * @param listener what is called for each request, as `node:http` would; `null` for a handler that is only attached
   * @param key 1 to 8 keys of at least 32 bytes: the first seals new cookies; a cookie sealed with any of them opens
   * @param sessions default: `Session`; two handlers around one request each need their own
   * @throws TypeError or RangeError for an argument or option that is wrong, or does not go with the others
   */
  constructor(
    // Not inferred from at first: Express would be seen as a listener for requests of its own only.
    listener: ((req: NoInfer<Req>, res: NoInfer<Res>) => unknown) | null,
    key: Key | readonly Key[],
    sessions?: RequestSessions<T>,
    options?: HandlerOptions,
  )
  constructor(
    listener: ((req: Req, res: Res) => unknown) | null,
    key: Key | readonly Key[],
    sessions?: RequestSessions<T>,
    options?: HandlerOptions,
  )
  constructor(
    listener: ((req: Req, res: Res) => unknown) | null,
    key: Key | readonly Key[],
    sessions: RequestSessions<T> = Session as unknown as RequestSessions<T>,
    options: HandlerOptions = {},
  ) {
    if (listener !== null && typeof listener !== 'function') throw misuse(TypeError, 'listener', 'a function', listener)
    const keys = deriveKeys(key)
    if (!(sessions instanceof RequestSessions)) {
      const { message } = misuse(TypeError, 'sessions', 'a RequestSessions', sessions)
      const isCopy = typeof (sessions as Partial<RequestSessions> | null)?.limit === 'function'
      const hint = isCopy ? 'this one is of another copy of the package' : 'options are the fourth argument'
      throw new TypeError(`${message}; ${hint}`)
    }
    const { cookieName = 'session', cookiePath = '/', cacheSize = 1000 } =
      ownOptions('options', options, handlerOptionNames) as HandlerOptions
    if (typeof cacheSize !== 'number') throw misuse(TypeError, 'cacheSize', 'a number', cacheSize)
    if (!Number.isInteger(cacheSize) || cacheSize < 0 || cacheSize > maxCacheSize) {
      throw new RangeError(`"cacheSize" expected a whole number, 0 to ${maxCacheSize}, got ${cacheSize}`)
    }
    const registry = registryOf(sessions as unknown as RequestSessions)
    const { emit, settings } = registry
    const parts = { keys, cacheSize, emit, name: cookieName, path: cookiePath, settings }
    const holder = { cookie: new SessionCookie(parts) }
    registry.add(holder)
    this.sessions = sessions
    this.cacheSize = cacheSize
    this.#holder = holder
    this.#registry = registry
    this.attach = (req, res, next) => {
      checkRequest(req)
      checkResponse(res)
      registry.attach(req, res, holder)
      return next?.() as void // Koa's promise, for one
    }
    // In plain Node a listener's `this` is the server.
    this.listener = listener === null ? this.attach as this['listener'] : function (this: unknown, req, res) {
      registry.attach(req, res, holder)
      return Reflect.apply(listener, this, [req, res])
    }
    if (new.target === SessionHandler) Object.preventExtensions(this) // so that a misspelt property is noticed
  }

  /**
   * The cookie's name, for set-up: a request keeps the one that it began with. A cookie issued under another one does
   * not open.
   * @throws TypeError when what is assigned is no token, or does not go with the other settings
   */
  get cookieName(): string {
    return this.#holder.cookie.name
  }

  set cookieName(name: string) {
    this.#change({ name })
  }

  /**
   * The cookie's path, for set-up: a request keeps the one that it began with. A cookie issued under another one does
   * not open.
   * @throws TypeError when what is assigned is no path, or does not go with the other settings
   */
  get cookiePath(): string {
    return this.#holder.cookie.path
  }

  set cookiePath(path: string) {
    this.#change({ path })
  }

  /**
   * Opens the session of a request that reaches no listener of this handler, such as one of `upgrade` or `connect`;
   * for `checkContinue`, before the listener is called. Afterwards `sessions.get(req)` works too. Changes are saved
   * only if the request is attached later. Where another handler of the same RequestSessions has the request already,
   * `get` goes on to give that one's session.
   * @throws TypeError for what is no request of `node:http`
   */
  read(req: AnyRequest): Partial<T> {
    checkRequest(req)
    return this.#registry.read(req, this.#holder) as Partial<T>
  }

  /**
   * The value of a cookie that holds `session`, as the handler would send it now: for tests, tools, other protocols.
   * @throws TypeError for what is no plain object, ValueError, SizeError
   */
  encodeCookie(session: Partial<T>): string {
    return this.#holder.cookie.encode(session).value
  }

  /**
   * The whole Set-Cookie line of a new session: for tests, tools, other protocols. It is Secure unless the option
   * `secure` is `false`, since no request says whether it came over TLS.
   * @throws TypeError for what is no plain object, ValueError, SizeError
   */
  encodeSetCookie(session: Partial<T>): string {
    return this.#holder.cookie.encode(session).line
  }

  /**
   * The session that a cookie value holds. `validate` is not asked.
   * @throws TypeError for what is no string, LenError, FormatError, HashError, ExpiredError
   */
  decodeCookie(value: string): Partial<T> {
    return decodeCookie(this.#holder.cookie, value)
  }

  #change(change: { name: string } | { path: string }): void {
    const { cookie } = this.#holder
    const changed = cookie.with(change)
    if (changed.name !== cookie.name || changed.path !== cookie.path) this.#holder.cookie = changed
  }

  static {
    // The option that createServer of node:http and node:https reads first.
    Object.defineProperty(this.prototype, 'IncomingMessage', {
      get() {
        throw new TypeError('"options" of createServer expected no SessionHandler: give it the listener of the ' +
          'handler, as in createServer(handler.listener)')
      },
    })
  }
}

function checkRequest(req: Partial<AnyRequest> | null | undefined): void {
  const holds = heldIn(req)
  const headers: unknown = req?.headers
  if (holds === undefined && headers !== null && typeof headers === 'object') return
  const { message } = misuse(TypeError, 'req', 'a request of node:http', req)
  throw new TypeError(holds === undefined ? message : `${message} that holds one: give its "${holds}"`)
}

function checkResponse(res: AnyResponse | null | undefined): void {
  if (typeof res?.writeHead !== 'function') throw misuse(TypeError, 'res', 'a response of node:http', res)
}

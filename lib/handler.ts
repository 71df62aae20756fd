import type { IncomingMessage, ServerResponse } from 'node:http'
import { misuse } from './errors.js'
import { hookHead } from './header-hook.js'
import { deriveKeys, type Key } from './keys.js'
import { ownOptions } from './options.js'
import { RequestState } from './request-state.js'
import { SessionCookie } from './session-cookie.js'
import { Session, shared, type RequestSessions } from './sessions.js'
import type { AnyRequest, AnyResponse, SessionData, StorableObject } from './types.js'

/** What a handler's cookie is called and bound to, and how much it remembers. */
export interface HandlerOptions {
  /** A token (RFC 9110 §5.6.2); `__Host-` and `__Secure-` names need `secure: true`. Default: `'session'`. */
  cookieName?: string | undefined
  /** The path under which the cookie is sent (RFC 6265bis §5.6.4). Default: `'/'`. */
  cookiePath?: string | undefined
  /** How many cookies' contents are kept in memory, at most some 10 kB each; up to 1 000 000, `0` is off. Default: `1000`. */
  remember?: number | undefined
}

const maxRemember = 1_000_000

/**
 * Gives each request of `node:http` a session that lives in one encrypted, authenticated cookie, and hands it on to a
 * listener:
 *
 *     http.createServer(new SessionHandler(listener, key).listener)
 *
 * @typeParam Req the listener's request: that of http1 unless the listener says otherwise
 * @typeParam Res the listener's response
 * @typeParam T what a session holds
 */
export class SessionHandler<
  Req extends AnyRequest = IncomingMessage,
  Res extends AnyResponse = ServerResponse,
  T extends StorableObject<T> = SessionData,
> {
  /** Bound: hand it to createServer. It returns what the inner listener returned. */
  readonly listener: (req: Req, res: Res) => unknown
  /** Whose `get` finds the sessions of this handler's requests. */
  readonly sessions: RequestSessions<T>
  /** How many cookies' contents are kept in memory, so that the same cookie need not be opened again; 0 is off. */
  readonly remember: number
  readonly #cookie: SessionCookie

  /**
   * @param listener what is called for each request, as `node:http` would
   * @param key 1 to 8 keys of at least 32 bytes: the first seals, every one opens
   * @param sessions default: `Session`; two handlers around one request each need their own
   * @throws TypeError or RangeError for an argument or option that is wrong, or does not go with the others
   */
  constructor(
    // Not inferred from at first: Express would be seen as a listener for requests of its own only.
    listener: (req: NoInfer<Req>, res: NoInfer<Res>) => unknown,
    key: Key | readonly Key[],
    sessions?: RequestSessions<T>,
    options?: HandlerOptions,
  )
  constructor(
    listener: (req: Req, res: Res) => unknown,
    key: Key | readonly Key[],
    sessions?: RequestSessions<T>,
    options?: HandlerOptions,
  )
  constructor(
    listener: (req: Req, res: Res) => unknown,
    key: Key | readonly Key[],
    sessions: RequestSessions<T> = Session as unknown as RequestSessions<T>,
    options?: HandlerOptions,
  ) {
    if (typeof listener !== 'function') throw misuse(TypeError, 'listener', 'a function', listener)
    const keys = deriveKeys(key)
    const owner = shared(sessions)
    const { cookieName = 'session', cookiePath = '/', remember = 1000 } =
      ownOptions(options, ['cookieName', 'cookiePath', 'remember']) as HandlerOptions
    if (typeof remember !== 'number') throw misuse(TypeError, 'remember', 'a number', remember)
    if (!Number.isInteger(remember) || remember < 0 || remember > maxRemember) {
      throw new RangeError(`"remember" expected a whole number, 0 to ${maxRemember}, got ${remember}`)
    }
    const cookie = new SessionCookie(keys, owner, cookieName, cookiePath, remember)
    owner.cookies.add(new WeakRef(cookie))
    this.sessions = sessions
    this.remember = remember
    this.#cookie = cookie
    // In plain Node a listener's `this` is the server.
    this.listener = function (this: unknown, req, res) {
      const state = stateOf(owner.states, req, cookie)
      if (!state.hooked) {
        state.hooked = true
        hookHead(req, res, state)
      }
      return Reflect.apply(listener, this, [req, res])
    }
  }

  /**
   * The cookie's name. A cookie issued under another one does not open.
   * @throws TypeError when what is assigned is no token, or does not go with the other settings
   */
  get cookieName(): string {
    return this.#cookie.name
  }

  set cookieName(name: string) {
    this.#cookie.rename(name, this.#cookie.path)
  }

  /**
   * The cookie's path. A cookie issued under another one does not open.
   * @throws TypeError when what is assigned is no path, or does not go with the other settings
   */
  get cookiePath(): string {
    return this.#cookie.path
  }

  set cookiePath(path: string) {
    this.#cookie.rename(this.#cookie.name, path)
  }

  /**
   * Opens the session of a request that reaches no listener of this handler, such as one of `upgrade` or `connect`;
   * for `checkContinue`, before the listener is called. Afterwards `sessions.get(req)` works too. Changes are saved
   * only if the listener is called later.
   */
  read(req: AnyRequest): Partial<T> {
    return stateOf(shared(this.sessions).states, req, this.#cookie).session(req)
  }

  /**
   * The value of a cookie that holds `session`, as the handler would send it now: for tests, tools, other protocols.
   * @throws TypeError for what is no plain object, ValueError, SizeError
   */
  encodeCookie(session: T): string {
    return this.#cookie.encode(session)
  }

  /**
   * The session that a cookie value holds. `validate` is not asked.
   * @throws TypeError for what is no string, LenError, FormatError, HashError, ExpiredError
   */
  decodeCookie(value: string): Partial<T> {
    return this.#cookie.decode(value)
  }
}

/** The request's state: the one there is, if it is of this cookie, or a new one. */
function stateOf(states: WeakMap<object, RequestState>, req: AnyRequest, cookie: SessionCookie): RequestState {
  const known = states.get(req)
  if (known !== undefined && known.cookie === cookie) return known
  const state = new RequestState(cookie)
  states.set(req, state)
  return state
}

import { misuse, NoSessionError } from './errors.js'
import { changeSettings, defaults, optionNames, ownOptions, type SessionOptions, type Settings } from './options.js'
import type { RequestState } from './request-state.js'
import type { SessionCookie } from './session-cookie.js'
import type { AnyRequest, SessionData, SessionInfo, StorableObject } from './types.js'

/**
 * What a RequestSessions shares with its handlers.
 * @internal
 */
interface Shared {
  settings: Settings
  /** By request. Nothing in a value leads back to its key. */
  readonly states: WeakMap<object, RequestState>
  /** Those of the handlers, which have to go with the settings. */
  readonly cookies: Set<WeakRef<SessionCookie>>
}

let sharedOf: (sessions: RequestSessions) => Shared

/**
 * The sessions of requests, under one set of options. A request's session is found by the request itself, once a
 * `SessionHandler` has seen it.
 *
 * @typeParam T what a session holds; a type that JSON cannot carry does not compile
 */
export class RequestSessions<T extends StorableObject<T> = SessionData> {
  /** See {@link SessionOptions.httpOnly}. */
  declare httpOnly: boolean
  /** See {@link SessionOptions.secure}. */
  declare secure: boolean | 'auto'
  /** See {@link SessionOptions.sameSite}. */
  declare sameSite: 'strict' | 'lax' | 'none'
  /** See {@link SessionOptions.domain}. */
  declare domain: string | undefined
  /** See {@link SessionOptions.partitioned}. */
  declare partitioned: boolean
  /** See {@link SessionOptions.maxAge}: seconds. */
  declare maxAge: number
  /** See {@link SessionOptions.idleTimeout}: seconds. */
  declare idleTimeout: number | undefined
  /** See {@link SessionOptions.persistent}. */
  declare persistent: boolean
  /** See {@link SessionOptions.cacheHeaders}. */
  declare cacheHeaders: boolean
  /** See {@link SessionOptions.validate}. */
  declare validate: SessionOptions<T>['validate']
  /** See {@link SessionOptions.onEvent}. */
  declare onEvent: SessionOptions<T>['onEvent']

  readonly #shared: Shared

  /** @throws TypeError or RangeError for an unknown option, a wrong value, or a combination that no browser accepts */
  constructor(options?: SessionOptions<T>) {
    const settings = changeSettings(defaults, ownOptions(options, optionNames))
    this.#shared = { settings, states: new WeakMap(), cookies: new Set() }
  }

  /**
   * The session of a request: a plain object without a prototype, to be changed in place. What it holds when the
   * headers leave is what is stored. Empty where the request brought no cookie that opens.
   * @throws NoSessionError for a request that no `SessionHandler` of this `RequestSessions` has seen
   */
  get(req: AnyRequest): Partial<T> {
    return this.#state(req).session(req)
  }

  /** Whether a `SessionHandler` of this `RequestSessions` has seen the request, so that `get` works. */
  has(req: AnyRequest): boolean {
    return this.#shared.states.has(req)
  }

  /**
   * Replaces the whole session by the properties of `session`, in the object that `get` returns.
   * @throws NoSessionError as `get` does, TypeError for what is no plain object
   */
  set(req: AnyRequest, session: T): void {
    this.#state(req).replace(req, session)
  }

  /**
   * Empties the session, and expires its cookie if it stays empty. What is stored in it later is a new session, with
   * a time of its own: call it when somebody logs in, and when they log out.
   * @throws NoSessionError as `get` does
   */
  clear(req: AnyRequest): void {
    this.#state(req).clear(req)
  }

  /**
   * When the session was created and issued, and when it ends; `undefined` for one that was not sent yet.
   * @throws NoSessionError as `get` does
   */
  info(req: AnyRequest): SessionInfo | undefined {
    return this.#state(req).info(req)
  }

  #state(req: AnyRequest): RequestState {
    const state = this.#shared.states.get(req)
    if (state === undefined) {
      throw new NoSessionError('the request passed no SessionHandler of these RequestSessions: ' +
        'give its listener to the server, or call its read(req) where there is no response')
    }
    return state
  }

  #change(name: keyof Settings, value: unknown): void {
    const shared = this.#shared
    const settings = changeSettings(shared.settings, { [name]: value })
    for (const reference of shared.cookies) {
      const cookie = reference.deref()
      if (cookie === undefined) shared.cookies.delete(reference)
      else cookie.check(settings)
    }
    shared.settings = settings
  }

  static {
    sharedOf = (sessions) => sessions.#shared
    for (const name of optionNames) {
      Object.defineProperty(this.prototype, name, {
        get(this: RequestSessions): unknown {
          return this.#shared.settings[name]
        },
        set(this: RequestSessions, value: unknown) {
          this.#change(name, value)
        },
      })
    }
  }
}

/**
 * What handlers need of a RequestSessions, and nobody else.
 * @internal
 */
export function shared(sessions: unknown): Shared {
  if (!(sessions instanceof RequestSessions)) throw misuse(TypeError, 'sessions', 'a RequestSessions', sessions)
  return sharedOf(sessions as RequestSessions)
}

/** The default sessions: what a `SessionHandler` uses that is given no others. */
export const Session: RequestSessions = new RequestSessions()

import { misuse, NoSessionError } from './errors.js'
import {
  optionNames, ownOptions, readLifetimeOptions, type LifetimeOptions, type SessionOptions, type SessionSettings,
} from './options.js'
import { Registry } from './registry.js'
import { heldIn } from './request.js'
import type { RequestState } from './request-state.js'
import type { AnyRequest, SessionData, SessionInfo, StorableObject } from './types.js'

let registryIn: (sessions: RequestSessions) => Registry

export interface RequestSessions<T extends StorableObject<T> = SessionData> extends SessionSettings<T> {}

/**
 * The sessions of requests, under one set of options. A request's session is found by the request itself, once a
 * `SessionHandler` has seen it.
 *
 * @typeParam T what a session holds; a type that JSON cannot carry does not compile
 */
export class RequestSessions<T extends StorableObject<T> = SessionData> {
  readonly #registry: Registry

  /**
   * Afterwards an assignment to anything but an option throws in strict code, so that a misspelt one is noticed.
   * @throws TypeError or RangeError for an unknown option, a wrong value, or a combination that no browser accepts
   */
  constructor(options: SessionOptions<T> = {}) {
    this.#registry = new Registry(ownOptions('options', options, optionNames))
    if (new.target === RequestSessions) Object.preventExtensions(this) // a subclass may have fields of its own
  }

  /**
   * The session of a request: a plain object without a prototype, to be changed in place. What it holds when the
   * headers leave is what is stored. Empty where the request brought no cookie that opens. With `renew: false` the
   * request is no sign of life, and does not extend `idleTimeout`, however often else its session is asked for.
   * @throws NoSessionError for a request that no `SessionHandler` of this `RequestSessions` has seen; TypeError for
   * other options
   */
  get(req: AnyRequest, options?: { renew?: boolean | undefined }): Partial<T> {
    const state = this.#state(req)
    if (options !== undefined) {
      const { renew } = ownOptions('options', options, ['renew'])
      if (renew !== undefined && typeof renew !== 'boolean') throw misuse(TypeError, 'renew', 'a boolean', renew)
      if (renew === false) state.keepIdle()
    }
    return state.session(req)
  }

  /** Whether a `SessionHandler` of this `RequestSessions` has seen the request, so that `get` works. */
  has(req: AnyRequest): boolean {
    return this.#registry.find(req) !== undefined
  }

  /**
   * Replaces the whole session by a deep copy of `session`, in the object that `get` returns. Its lifetime stays.
   * @throws NoSessionError as `get` does, TypeError for what is no plain object, ValueError for what JSON does
   * not carry
   */
  set(req: AnyRequest, session: Partial<T>): void {
    this.#state(req).replace(req, session)
  }

  /**
   * Empties the session, and expires its cookie if it stays empty. What is stored in it later is a new session, with
   * a time of its own: call it when somebody logs in, and when they log out. A lifetime of its own is forgotten.
   * @throws NoSessionError as `get` does
   */
  clear(req: AnyRequest): void {
    this.#state(req).clear(req)
  }

  /**
   * Gives the request's session a lifetime of its own, such as "remember me" left unchecked. It is stored with the
   * session until `clear`. `maxAge` and `idleTimeout` can only shorten what the options allow. What is left out stays
   * as the options say, so `{}` gives all back: each call replaces the one before.
   * @throws NoSessionError as `get` does, TypeError or RangeError as for the options
   */
  limit(req: AnyRequest, lifetime: LifetimeOptions): void {
    this.#state(req).limit(req, readLifetimeOptions(lifetime))
  }

  /**
   * Checks whether the session, as it is now, can be stored: call it before an answer says that it was.
   * @throws NoSessionError as `get` does, and the SizeError or ValueError that storing the session now would meet
   */
  check(req: AnyRequest): void {
    this.#state(req).check(req)
  }

  /**
   * When the session was created and issued, and when it ends; `undefined` for one that was not sent yet.
   * @throws NoSessionError as `get` does
   */
  info(req: AnyRequest): SessionInfo | undefined {
    return this.#state(req).info(req)
  }

  /**
   * The session as a property of a framework's requests, such as
   * `Object.defineProperty(app.request, 'session', Session.accessor)`: reading it is `get`, assigning `null` is
   * `clear`, and assigning an object is `set`. It throws as these do.
   */
  get accessor(): PropertyDescriptor {
    const sessions = this
    return {
      configurable: true,
      get(this: AnyRequest) {
        return sessions.get(this)
      },
      set(this: AnyRequest, session: Partial<T> | null) {
        if (session === null) sessions.clear(this)
        else sessions.set(this, session)
      },
    }
  }

  #state(req: AnyRequest): RequestState {
    const state = this.#registry.find(req)
    if (state === undefined) {
      const holds = heldIn(req)
      throw new NoSessionError('no SessionHandler of this RequestSessions has seen the request. ' + (holds !== undefined
        ? `What was given holds a request of node:http: give its "${holds}"`
        : 'Usually none is in front yet: give its listener to the server, its attach to app.use() before all that asks ' +
          'for the session, or call its read(req) where there is no response. Else that has another RequestSessions, ' +
          'what was given is not the request of node:http, or there are two copies of seshcookie-http'))
    }
    return state
  }

  static {
    registryIn = (sessions) => sessions.#registry
    for (const name of optionNames) {
      Object.defineProperty(this.prototype, name, {
        get(this: RequestSessions): unknown {
          return this.#registry.settings[name]
        },
        set(this: RequestSessions, value: unknown) {
          this.#registry.change(name, value)
        },
      })
    }
  }
}

/**
 * What handlers need of a RequestSessions, and nobody else.
 * @internal
 */
export function registryOf(sessions: RequestSessions): Registry {
  return registryIn(sessions)
}

/** The default sessions: what a `SessionHandler` uses that is given no others. */
export const Session: RequestSessions = new RequestSessions()

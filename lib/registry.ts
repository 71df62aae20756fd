import { EventSink, type SessionEvent } from './events.js'
import { changeSettings, defaults, type Settings } from './options.js'
import { RequestState } from './request-state.js'
import type { SessionCookie } from './session-cookie.js'
import type { AnyRequest, AnyResponse } from './types.js'
import { warn } from './warnings.js'

/** What a RequestSessions and its handlers have in common: the settings, and the sessions by request. */
export class Registry {
  #settings: Settings
  readonly #states = new WeakMap<object, RequestState>() // nothing in a value leads back to its key
  readonly #cookies = new Set<WeakRef<SessionCookie>>() // those of the handlers, which have to go with the settings
  readonly #dropped = new FinalizationRegistry<WeakRef<SessionCookie>>((cookie) => this.#cookies.delete(cookie))
  readonly #events = new EventSink()
  #hasWarned = false

  /** @throws TypeError or RangeError as {@link changeSettings} does */
  constructor(options: Record<string, unknown>) {
    this.#settings = changeSettings(defaults, options)
  }

  get settings(): Settings {
    return this.#settings
  }

  /** @throws TypeError or RangeError for a wrong value, TypeError if it does not go with the cookies of the handlers */
  change(name: keyof Settings, value: unknown): void {
    const settings = changeSettings(this.#settings, { [name]: value })
    for (const cookie of this.#cookies) cookie.deref()?.check(settings)
    this.#settings = settings
  }

  add(cookie: SessionCookie): void {
    const reference = new WeakRef(cookie)
    this.#cookies.add(reference)
    this.#dropped.register(cookie, reference)
  }

  emit(event: SessionEvent, req: AnyRequest): void {
    this.#events.emit(this.#settings.onEvent, event, req)
  }

  find(req: AnyRequest): RequestState | undefined {
    return this.#states.get(req)
  }

  /**
   * Has the session of a request saved on its response. Of two handlers with cookies of their own `get` gives the
   * session of the inner one, and both are saved; of two with the same cookie the outer one has it, since one line
   * would replace the other.
   */
  attach(req: AnyRequest, res: AnyResponse, cookie: SessionCookie): void {
    const known = this.#stateOf(req, cookie)
    if (known?.isWatched === true && known.cookie.name === cookie.name && known.cookie.path === cookie.path) {
      return known.watch(req, res)
    }
    const state = known?.cookie === cookie ? known : this.#newState(req, cookie)
    state.watch(req, res)
  }

  /** The session of a request; one that nothing saves where another handler watches the response. */
  read(req: AnyRequest, cookie: SessionCookie): object {
    const known = this.#stateOf(req, cookie)
    if (known?.cookie === cookie) return known.session(req)
    return (known?.isWatched === true ? new RequestState(cookie) : this.#newState(req, cookie)).session(req)
  }

  #stateOf(req: AnyRequest, cookie: SessionCookie): RequestState | undefined {
    const known = this.#states.get(req)
    if (known !== undefined && known.cookie !== cookie) this.#warnOfTwo()
    return known
  }

  #newState(req: AnyRequest, cookie: SessionCookie): RequestState {
    const state = new RequestState(cookie)
    this.#states.set(req, state)
    return state
  }

  #warnOfTwo(): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    warn('two SessionHandlers of one RequestSessions met on one request, of which "get" can give the session of one ' +
      'only: give each its own RequestSessions', 'Warning', 'ERR_SESHCOOKIE_SHARED')
  }
}

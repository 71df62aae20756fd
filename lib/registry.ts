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

  /** @throws TypeError or RangeError for a wrong value, TypeError where it does not go with the cookies of the handlers */
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

  /** Has the session of a request saved on its response. */
  attach(req: AnyRequest, res: AnyResponse, cookie: SessionCookie): void {
    this.#stateFor(req, cookie)?.watch(req, res)
  }

  /** The session of a request; one that nothing saves where another handler watches the response. */
  read(req: AnyRequest, cookie: SessionCookie): object {
    return (this.#stateFor(req, cookie) ?? new RequestState(cookie)).session(req)
  }

  /** The request's state for one cookie, or undefined where that of another one is to stay, since its changes are saved. */
  #stateFor(req: AnyRequest, cookie: SessionCookie): RequestState | undefined {
    const known = this.#states.get(req)
    if (known?.cookie === cookie) return known
    if (known !== undefined) this.#warnOfTwo()
    if (known?.isWatched === true) return undefined
    const state = new RequestState(cookie)
    this.#states.set(req, state)
    return state
  }

  #warnOfTwo(): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    warn('two SessionHandlers of one RequestSessions met on one request, and only one of them saves its session: ' +
      'give each its own RequestSessions', 'Warning', 'ERR_SESHCOOKIE_SHARED')
  }
}

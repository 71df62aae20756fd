import { emitterFor, type Emit } from './events.js'
import { changeSettings, defaults, type Settings } from './options.js'
import { RequestState } from './request-state.js'
import type { CookieHolder } from './session-cookie.js'
import type { AnyRequest, AnyResponse } from './types.js'
import { warn } from './warnings.js'

/** What a RequestSessions and its handlers have in common: the settings, and the sessions by request. */
export class Registry {
  #settings: Settings
  readonly #states = new WeakMap<object, RequestState>() // nothing in a value leads back to its key
  readonly #holders = new Set<WeakRef<CookieHolder>>() // those of the handlers, re-checked when a setting changes
  readonly #dropped = new FinalizationRegistry<WeakRef<CookieHolder>>((holder) => this.#holders.delete(holder))
  #hasWarned = false
  readonly emit: Emit = emitterFor(() => this.#settings.onEvent)

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
    if (settings[name] === this.#settings[name]) return
    const changes = [...this.#holders].flatMap((reference) => {
      const holder = reference.deref()
      return holder === undefined ? [] : [{ holder, cookie: holder.cookie.with({ settings }) }]
    })
    for (const { holder, cookie } of changes) holder.cookie = cookie
    this.#settings = settings
  }

  add(holder: CookieHolder): void {
    const reference = new WeakRef(holder)
    this.#holders.add(reference)
    this.#dropped.register(holder, reference)
  }

  find(req: AnyRequest): RequestState | undefined {
    return this.#states.get(req)
  }

  /**
   * Has the session of a request saved on its response. Of two handlers with cookies of their own `get` gives the
   * session of the inner one, and both are saved; of two with the same cookie the outer one has it, since one line
   * would replace the other.
   */
  attach(req: AnyRequest, res: AnyResponse, holder: CookieHolder): void {
    const known = this.#stateOf(req, holder)
    const { name, path } = holder.cookie
    const isTaken = known?.isWatched === true && known.cookie.name === name && known.cookie.path === path
    const state = known?.holder === holder || isTaken ? known! : this.#newState(req, holder)
    state.watch(req, res)
  }

  /** The session of a request; one that nothing saves where another handler watches the response. */
  read(req: AnyRequest, holder: CookieHolder): object {
    const known = this.#stateOf(req, holder)
    if (known?.holder === holder) return known.session(req)
    return (known?.isWatched === true ? new RequestState(holder) : this.#newState(req, holder)).session(req)
  }

  #stateOf(req: AnyRequest, holder: CookieHolder): RequestState | undefined {
    const known = this.#states.get(req)
    if (known !== undefined && known.holder !== holder) this.#warnOfTwo()
    return known
  }

  #newState(req: AnyRequest, holder: CookieHolder): RequestState {
    const state = new RequestState(holder)
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

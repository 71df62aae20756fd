import { isDomain } from './cookie-scope.js'
import { misuse, wrongValue } from './errors.js'
import type { SessionEvent } from './events.js'
import { lifetimeOf, maxSeconds, type Lifetime } from './lifetime.js'
import { quoted } from './quoted.js'
import type { AnyRequest, SessionData, SessionInfo } from './types.js'

/** How a session's cookie is sent and accepted: the properties of a `RequestSessions`, checked when assigned. */
export interface SessionSettings<T = SessionData> {
  /** Keeps the cookie from the page's JavaScript (RFC 6265bis §5.6.6). Default: `true`. */
  httpOnly: boolean
  /**
   * Sends the cookie over TLS alone (RFC 6265bis §5.6.5). Default: `'auto'`, Secure when the request's socket is TLS.
   * Behind a proxy that ends TLS, set `true`.
   */
  secure: boolean | 'auto'
  /** From which sites' pages the cookie is sent (RFC 6265bis §5.6.7). Default: `'lax'`. Always written. */
  sameSite: 'strict' | 'lax' | 'none'
  /** The domain whose hosts all get the cookie (RFC 6265bis §5.6.3). Default: none, only the host that set it. */
  domain: string | undefined
  /** Keeps a cookie in third-party frames apart for each top-level site (CHIPS); needs Secure. Default: `false`. */
  partitioned: boolean
  /**
   * Seconds from the session's creation until it is no longer accepted, 1 to 34 560 000 (400 days). Enforced by the
   * server with the current setting, and sent, as the seconds left, in Max-Age. Default: 86 400, one day.
   */
  maxAge: number
  /**
   * Seconds from when the cookie was last sent until it is no longer accepted, 1 to 34 560 000. When set, a session
   * that is read in the second half of that time is sent again; never past `maxAge`. Default: none.
   */
  idleTimeout: number | undefined
  /** `false` leaves Max-Age out: the browser forgets the cookie when it closes. Default: `true`. */
  persistent: boolean
  /**
   * Adds `Vary: Cookie` to responses whose session was asked for, and `no-store` to those that set or expire the
   * cookie, so that no shared cache hands them to somebody else (RFC 9111 §7.3). Default: `true`.
   */
  cacheHeaders: boolean
  /**
   * Called once after a cookie opened; `false` rejects it. For logging out everywhere: compare a number in the session
   * with the one you keep for the user. Synchronous; one that throws or returns no boolean rejects too, with a process
   * warning. Default: none.
   */
  validate: ((session: Partial<T>, info: SessionInfo, req: AnyRequest) => boolean) | undefined
  /**
   * Told what became of each session, in place of the process warnings that `failed`, `late` and `insecure` cause
   * without it: log these three yourself. One that throws or rejects harms nobody, and causes one process warning.
   * Default: none.
   */
  onEvent: ((event: SessionEvent, req: AnyRequest) => void) | undefined
}

/** What a `RequestSessions` is made with: any of its settings, of which `undefined` is the default. */
export type SessionOptions<T = SessionData> = {
  [Name in keyof SessionSettings<T>]?: SessionSettings<T>[Name] | undefined
}

/** A lifetime for one session, which can only shorten what the options allow. What is left out stays as they say. */
export interface LifetimeOptions {
  /** Seconds from the session's creation until it is no longer accepted, 1 to 34 560 000. */
  maxAge?: number | undefined
  /** Seconds from when the cookie was last sent until it is no longer accepted, 1 to 34 560 000. */
  idleTimeout?: number | undefined
  /** Whether the browser keeps the cookie when it closes; takes the option's place either way. */
  persistent?: boolean | undefined
}

/** @internal */
export type Settings = Readonly<SessionSettings<object>>

/** @internal */
export const defaults: Settings = Object.freeze({
  httpOnly: true,
  secure: 'auto',
  sameSite: 'lax',
  domain: undefined,
  partitioned: false,
  maxAge: 86_400,
  idleTimeout: undefined,
  persistent: true,
  cacheHeaders: true,
  validate: undefined,
  onEvent: undefined,
})

/** @throws TypeError or RangeError for a value that the option of this name cannot have */
type Rule = (name: string, value: unknown) => void

const typed = (type: 'boolean' | 'function'): Rule => (name, value) => {
  if (typeof value !== type) throw misuse(TypeError, name, `a ${type}`, value)
}

const oneOf = (wanted: string, ...values: unknown[]): Rule => (name, value) => {
  if (!values.includes(value)) throw wrongValue(name, wanted, value)
}

const seconds: Rule = (name, value) => {
  const wanted = `a whole number of seconds, 1 to ${maxSeconds}`
  if (typeof value !== 'number') throw misuse(TypeError, name, wanted, value)
  if (Number.isInteger(value) && value >= 1 && value <= maxSeconds) return
  throw new RangeError(`"${name}" expected ${wanted}, got ${value}`)
}

const domain: Rule = (name, value) => {
  if (isDomain(value)) return
  const isForeign = typeof value === 'string' && /[^\0-\x7f]/.test(value)
  const wanted = isForeign ? 'in punycode (xn--…)' : 'without a leading dot (RFC 6265bis §4.1.1)'
  throw wrongValue(name, `a domain name ${wanted}`, value)
}

const rules: Record<keyof Settings, Rule> = {
  httpOnly: typed('boolean'),
  secure: oneOf("true, false or 'auto'", true, false, 'auto'),
  sameSite: oneOf("'strict', 'lax' or 'none'", 'strict', 'lax', 'none'),
  domain,
  partitioned: typed('boolean'),
  maxAge: seconds,
  idleTimeout: seconds,
  persistent: typed('boolean'),
  cacheHeaders: typed('boolean'),
  validate: typed('function'),
  onEvent: typed('function'),
}

/** @internal */
export const optionNames = Object.keys(defaults) as (keyof Settings)[]

/** @internal */
export const handlerOptionNames = ['cookieName', 'cookiePath', 'cacheSize']

/**
 * The own properties of an options object, so that nothing on Object.prototype can pass for an option.
 * @throws TypeError for what is no object, or has another name in it
 * @internal
 */
export function ownOptions(title: string, options: unknown, names: readonly string[]): Record<string, unknown> {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw misuse(TypeError, title, 'an object', options)
  }
  const own: Record<string, unknown> = Object.create(null)
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      const place = Object.hasOwn(defaults, name) ? ', an option of RequestSessions'
        : handlerOptionNames.includes(name) ? ', an option of SessionHandler' : ''
      throw new TypeError(`"${title}" expected only ${names.join(', ')}, got the unknown name ${quoted(name)}${place}`)
    }
    own[name] = options[name as keyof typeof options]
  }
  return own
}

/**
 * The lifetime that the argument of `limit` describes.
 * @throws TypeError or RangeError as for the options
 * @internal
 */
export function readLifetimeOptions(options: unknown): Lifetime {
  const own = ownOptions('lifetime', options, ['maxAge', 'idleTimeout', 'persistent'])
  for (const [name, value] of Object.entries(own)) if (value !== undefined) rules[name as keyof Settings](name, value)
  return lifetimeOf(own)
}

/**
 * `settings` with `changes` made.
 * @throws TypeError or RangeError for a wrong value, TypeError for a combination that a browser refuses
 * @internal
 */
export function changeSettings(settings: Settings, changes: Record<string, unknown>): Settings {
  const changed: Record<string, unknown> = { ...settings }
  for (const name of Object.keys(changes) as (keyof Settings)[]) {
    const value = changes[name] === undefined ? defaults[name] : changes[name]
    if (value !== undefined) rules[name](name, value)
    changed[name] = value
  }
  const { secure, sameSite, partitioned } = changed as unknown as Settings
  // RFC 6265bis §5.7 and CHIPS: a browser drops these without a word.
  if (sameSite === 'none' && secure !== true) throw new TypeError("\"sameSite\" 'none' expected \"secure\" to be true")
  if (partitioned && secure !== true) throw new TypeError('"partitioned" expected "secure" to be true')
  return Object.freeze(changed) as unknown as Settings
}

import { quoted } from './quoted.js'

/** The base of every error this library makes about a cookie or a session. Misuse is a TypeError or RangeError. */
export abstract class SeshcookieError extends Error {
  /** Stable across versions: tell errors apart by it, or by class, never by the message. */
  abstract readonly code: string

  /** The name, code, message and facts, for loggers that turn errors into JSON. */
  toJSON(): object {
    const { name, code, message, ...facts } = this
    return { name, code, message, ...facts }
  }
}

/** The cookie's tag matches under no key: forged, changed, or issued for another key, name, domain or path. */
export class HashError extends SeshcookieError {
  override readonly name = 'HashError'
  readonly code = 'ERR_SESHCOOKIE_HASH'
}

/** The cookie's value is too short or too long to be one of ours. */
export class LenError extends SeshcookieError {
  override readonly name = 'LenError'
  readonly code = 'ERR_SESHCOOKIE_LEN'
}

/** The cookie's value is not canonical base64url, has another version, or does not hold a JSON object. */
export class FormatError extends SeshcookieError {
  override readonly name = 'FormatError'
  readonly code = 'ERR_SESHCOOKIE_FORMAT'
}

/** Why a session is not accepted at a time, and by how many seconds it misses it. */
export interface Expiry {
  readonly reason: 'maxAge' | 'idleTimeout' | 'future'
  readonly seconds: number
}

/** The cookie is authentic, and past `maxAge` or `idleTimeout`, or issued in the future. */
export class ExpiredError extends SeshcookieError implements Expiry {
  override readonly name = 'ExpiredError'
  readonly code = 'ERR_SESHCOOKIE_EXPIRED'
  /** Which of the two it is past, or that it is from the `future`: a clock is wrong then. */
  readonly reason: 'maxAge' | 'idleTimeout' | 'future'
  /** How many seconds it is past that, or ahead of this machine's clock. */
  readonly seconds: number

  constructor(message: string, options: ErrorOptions & Expiry) {
    super(message, options)
    this.reason = options.reason
    this.seconds = options.seconds
  }
}

/** How a session is too large. */
interface SizeFacts {
  readonly bytes: number
  readonly limit: number
  readonly largest: readonly { readonly key: string, readonly bytes: number }[]
}

/** The session does not fit into one cookie. */
export class SizeError extends SeshcookieError implements SizeFacts {
  override readonly name = 'SizeError'
  readonly code = 'ERR_SESHCOOKIE_SIZE'
  /** The length of the Set-Cookie line; at least so much where counting stopped early. */
  readonly bytes: number
  /** The greatest length of a Set-Cookie line, 4093 bytes. */
  readonly limit: number
  /** The largest top-level keys, at most three, and the bytes of each: a lower bound if counting stopped early. */
  readonly largest: readonly { readonly key: string, readonly bytes: number }[]

  constructor(message: string, options: ErrorOptions & SizeFacts) {
    super(message, options)
    this.bytes = options.bytes
    this.limit = options.limit
    this.largest = options.largest
  }
}

/** The session holds a value that JSON does not carry. */
export class ValueError extends SeshcookieError {
  override readonly name = 'ValueError'
  readonly code = 'ERR_SESHCOOKIE_VALUE'
  /** Where it is, such as `session.cart[3].price`. */
  readonly path: string
  /** What it is, such as `NaN` or `an instance of Date`. */
  readonly found: string

  constructor(message: string, options: ErrorOptions & { readonly path: string, readonly found: string }) {
    super(message, options)
    this.path = options.path
    this.found = options.found
  }
}

/** The request passed no `SessionHandler` of the `RequestSessions` that was asked. */
export class NoSessionError extends SeshcookieError {
  override readonly name = 'NoSessionError'
  readonly code = 'ERR_SESHCOOKIE_NO_SESSION'
}

/** The session was changed, or first asked for, after the headers had left. What was changed is lost. */
export class LateChangeError extends SeshcookieError {
  override readonly name = 'LateChangeError'
  readonly code = 'ERR_SESHCOOKIE_LATE'
  /** The top-level keys whose changes are lost; none where only the lifetime was changed, or nothing. */
  readonly keys: readonly string[]

  constructor(message: string, options: ErrorOptions & { readonly keys: readonly string[] }) {
    super(message, options)
    this.keys = options.keys
  }
}

/** The type or the length of a value, never its content: it may be a secret. */
function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return `a string of ${Buffer.byteLength(value)} bytes`
  if (Array.isArray(value)) return `an array of ${value.length}`
  return isPromise(value) ? 'a promise' : typeof value
}

/**
 * Whether it is a promise, or what a database gives in the place of one.
 * @internal
 */
export function isPromise(value: unknown): boolean {
  try {
    return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
  } catch {
    return false // a getter or proxy
  }
}

/**
 * A TypeError or RangeError for a wrong argument or option: its name, what was wanted, what came.
 * @internal
 */
export function misuse(
  Kind: typeof TypeError | typeof RangeError, name: string, wanted: string, value: unknown,
): Error {
  return new Kind(`"${name}" expected ${wanted}, got ${typeOf(value)}`)
}

/**
 * The same for an option whose value is no secret: a string shows what is wrong with it.
 * @internal
 */
export function wrongValue(name: string, wanted: string, value: unknown): Error {
  if (typeof value !== 'string') return misuse(TypeError, name, wanted, value)
  const shown = quoted(value)
  return new TypeError(`"${name}" expected ${wanted}, got ${shown.startsWith('"') ? shown : `'${shown}'`}`)
}

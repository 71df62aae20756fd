/** The base of every error this library makes about a cookie or a session. Misuse is a TypeError or RangeError. */
export abstract class SeshcookieError extends Error {
  /** Stable across versions: tell errors apart by it, or by class, never by the message. */
  abstract readonly code: string
}

/** The cookie's tag matches under none of the keys: forged, changed, or issued for another key, name, domain or path. */
export class HashError extends SeshcookieError {
  override readonly name = 'HashError'
  readonly code = 'ERR_SESHCOOKIE_HASH'
}

/** The cookie's value is too short or too long to be one of ours. */
export class LenError extends SeshcookieError {
  override readonly name = 'LenError'
  readonly code = 'ERR_SESHCOOKIE_LEN'
}

/** The cookie's value is no canonical base64url, has another version, or does not hold a JSON object. */
export class FormatError extends SeshcookieError {
  override readonly name = 'FormatError'
  readonly code = 'ERR_SESHCOOKIE_FORMAT'
}

/** The cookie is authentic, and past `maxAge` or `idleTimeout`, or issued in the future. */
export class ExpiredError extends SeshcookieError {
  override readonly name = 'ExpiredError'
  readonly code = 'ERR_SESHCOOKIE_EXPIRED'
}

/** The session does not fit into one cookie. The message names its largest keys. */
export class SizeError extends SeshcookieError {
  override readonly name = 'SizeError'
  readonly code = 'ERR_SESHCOOKIE_SIZE'
}

/** The session holds a value that JSON does not carry. The message says where and what. */
export class ValueError extends SeshcookieError {
  override readonly name = 'ValueError'
  readonly code = 'ERR_SESHCOOKIE_VALUE'
}

/** The request passed no `SessionHandler` of the `RequestSessions` that was asked. */
export class NoSessionError extends SeshcookieError {
  override readonly name = 'NoSessionError'
  readonly code = 'ERR_SESHCOOKIE_NO_SESSION'
}

/** The session was changed after the headers had left, so the change is lost. The message names the keys. */
export class LateChangeError extends SeshcookieError {
  override readonly name = 'LateChangeError'
  readonly code = 'ERR_SESHCOOKIE_LATE'
}

/** The type or the length of a value, never its content: it may be a secret. */
function came(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return `a string of ${Buffer.byteLength(value)} bytes`
  if (Array.isArray(value)) return `an array of ${value.length}`
  return typeof value
}

/**
 * A TypeError or RangeError for a wrong argument or option: its name, what was wanted, what came.
 * @internal
 */
export function misuse(Kind: typeof TypeError | typeof RangeError, name: string, wanted: string, value: unknown): Error {
  return new Kind(`"${name}" expected ${wanted}, got ${came(value)}`)
}

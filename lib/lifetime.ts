import type { Expiry } from './errors.js'
import type { SessionInfo } from './types.js'

/** The longest that a session may last, in seconds: 400 days, the most a browser keeps a cookie (RFC 6265bis §5.5). */
export const maxSeconds = 34_560_000

const clockSkew = 60 // seconds by which another server's clock may be ahead

/** What a session's own lifetime says of the browser's closing: unset, persistent, or until the browser closes. */
export const persistence = { asSet: 0, persistent: 1, untilClose: 2 } as const

/** The lifetime that a session was given by `limit`, as it is sealed. */
export interface Lifetime {
  readonly persistence: number
  /** Seconds, 0 for none. */
  readonly maxAge: number
  /** Seconds, 0 for none. */
  readonly idleTimeout: number
}

/** That of a session which was given none: all is as the settings say. */
export const noLifetime: Lifetime = Object.freeze({ persistence: persistence.asSet, maxAge: 0, idleTimeout: 0 })

/** The settings that say how long sessions last. */
export interface LifetimeSettings {
  readonly maxAge: number
  readonly idleTimeout: number | undefined
  readonly persistent: boolean
}

/** When a session was created, when its cookie was issued, in Unix seconds, and how long it is to last. */
export interface Times {
  readonly created: number
  readonly issued: number
  readonly lifetime: Lifetime
}

/** The time in Unix seconds. */
export function unixTime(): number {
  return Math.floor(Date.now() / 1000)
}

export function isSameLifetime(a: Lifetime, b: Lifetime): boolean {
  return a.persistence === b.persistence && a.maxAge === b.maxAge && a.idleTimeout === b.idleTimeout
}

/** The lifetime that `limit` was asked for: all fields are optional. */
export function lifetimeOf({ persistent, maxAge = 0, idleTimeout = 0 }: Partial<LifetimeSettings>): Lifetime {
  const { asSet, untilClose } = persistence
  return {
    persistence: persistent === undefined ? asSet : persistent ? persistence.persistent : untilClose,
    maxAge,
    idleTimeout,
  }
}

/** When a session ends by its age, in Unix seconds: a lifetime of its own can only shorten what the settings allow. */
export function endByAge({ created, lifetime }: Omit<Times, 'issued'>, settings: LifetimeSettings): number {
  return created + Math.min(settings.maxAge, lifetime.maxAge || Infinity)
}

/** How long a session may be idle, in seconds; Infinity where nothing says so. */
export function idleWindow(lifetime: Lifetime, settings: LifetimeSettings): number {
  return Math.min(settings.idleTimeout ?? Infinity, lifetime.idleTimeout || Infinity)
}

/** When a session stops being accepted, in Unix seconds. */
function end(times: Times, settings: LifetimeSettings): number {
  return Math.min(endByAge(times, settings), times.issued + idleWindow(times.lifetime, settings))
}

/** Undefined for a session that has begun and is not over. A comparison with what is no number refuses. */
export function expiryOf(times: Times, settings: LifetimeSettings, now: number): Expiry | undefined {
  const { created, issued, lifetime } = times
  if (!(created <= issued && issued <= now + clockSkew)) {
    return { reason: 'future', seconds: Math.max(issued - now, created - issued) }
  }
  if (now < end(times, settings)) return undefined
  const byAge = endByAge(times, settings)
  const byIdling = issued + idleWindow(lifetime, settings)
  return byAge <= byIdling
    ? { reason: 'maxAge', seconds: now - byAge }
    : { reason: 'idleTimeout', seconds: now - byIdling }
}

export function inWords({ reason, seconds }: Expiry): string {
  return reason === 'future' ? `${seconds} seconds from the future` : `${seconds} seconds past "${reason}"`
}

/** Whether the browser is to keep the session's cookie when it closes. */
export function isPersistent(lifetime: Lifetime, settings: LifetimeSettings): boolean {
  if (lifetime.persistence === persistence.asSet) return settings.persistent
  return lifetime.persistence === persistence.persistent
}

export function sessionInfo(times: Times, settings: LifetimeSettings): SessionInfo {
  return {
    createdAt: new Date(times.created * 1000),
    issuedAt: new Date(times.issued * 1000),
    expiresAt: new Date(end(times, settings) * 1000),
  }
}

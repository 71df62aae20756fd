import type { Codec, Contents } from './codec.js'
import { cookieValues, maxCandidates } from './cookie-header.js'
import { misuse } from './errors.js'
import type { RejectedReason } from './events.js'
import { isTimely, sessionInfo, unixTime } from './lifetime.js'
import type { Settings } from './options.js'
import type { CookieCache } from './cookie-cache.js'
import { parseSession } from './session-json.js'
import { tokensOf, type Tokens } from './session-tokens.js'
import { ownHeader } from './transport.js'
import type { AnyRequest } from './types.js'
import { warnOfThrown } from './warnings.js'

/** In the order of the checks: of several refused cookies the one that got furthest says why. */
const reasons = ['length', 'format', 'tag', 'expired', 'invalid'] as const

type Refusal = typeof reasons[number]

/** A session and what it was opened from. */
interface Opened {
  readonly session: object
  readonly contents: Contents
  /** Of the session as it came: `validate` may have changed it. */
  readonly tokens: Tokens
}

/** What opens the values of one cookie under the current settings. */
export interface Opener {
  readonly codec: Codec
  readonly remembered: CookieCache
  readonly settings: Settings
}

/** The session that the request's cookies of a name hold, why none of them does, or undefined where none came. */
export function readCookies(name: string, opener: Opener, req: AnyRequest): Opened | RejectedReason | undefined {
  const values = cookieValues(ownHeader(req, 'cookie'), name)
  // Somebody plants cookies, and which ones are looked at must not be their choice.
  if (values.length > maxCandidates) return 'ambiguous'
  const now = unixTime()
  let found: Opened | undefined
  let furthest = -1
  for (const value of values) {
    const read = readValue(value, opener, now, req)
    if (typeof read === 'string') {
      furthest = Math.max(furthest, reasons.indexOf(read))
    } else {
      if (found !== undefined) return 'ambiguous'
      found = read
    }
  }
  return found ?? reasons[furthest]
}

function readValue(
  value: string, { codec, remembered, settings }: Opener, now: number, req: AnyRequest,
): Opened | Refusal {
  const known = remembered.get(value)
  const contents = known ?? openOrWarn(codec, value)
  if (typeof contents === 'string') return contents
  const session = sessionIn(contents, settings, now)
  if (typeof session === 'string') return session
  if (known === undefined) remembered.add(contents)
  const tokens = tokensOf(session)
  return isValid(session, contents, settings, req) ? { session, contents, tokens } : 'invalid'
}

/** The checks after the tag: times, UTF-8, JSON. */
export function sessionIn(contents: Contents, settings: Settings, now: number): object | 'expired' | 'format' {
  if (!isTimely(contents, settings, now)) return 'expired'
  return (contents.text === undefined ? undefined : parseSession(contents.text)) ?? 'format'
}

/** What cannot be checked is refused: that cryptography stopped working is no reason to end the process. */
function openOrWarn(codec: Codec, value: string): ReturnType<Codec['open']> {
  try {
    return codec.open(value)
  } catch (error) {
    if (error instanceof RangeError) throw error // the stack is used up: that says nothing about the value
    warnOfThrown('opening a cookie', error, 'ERR_SESHCOOKIE_OPEN')
    return 'tag'
  }
}

function isValid(session: object, contents: Contents, settings: Settings, req: AnyRequest): boolean {
  if (settings.validate === undefined) return true
  try {
    const valid = settings.validate(session, sessionInfo(contents, settings), req)
    if (typeof valid === 'boolean') return valid
    Promise.resolve(valid).catch(() => {}) // an async one that rejects would end the process
    throw misuse(TypeError, 'validate', 'to return a boolean', valid)
  } catch (error) {
    warnOfThrown('"validate"', error, 'ERR_SESHCOOKIE_VALIDATE')
    return false
  }
}

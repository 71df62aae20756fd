import type { Contents } from './codec.js'
import { cookieValues, maxCandidates } from './cookie-header.js'
import {
  ExpiredError, FormatError, HashError, isPromise, LenError, misuse, type Expiry, type SeshcookieError,
} from './errors.js'
import type { RejectedReason } from './events.js'
import { expiryOf, inWords, sessionInfo, unixTime } from './lifetime.js'
import type { Settings } from './options.js'
import { ownHeader } from './request.js'
import type { SessionCookie } from './session-cookie.js'
import { parseSession } from './session-json.js'
import { tokensOf, type Tokens } from './session-tokens.js'
import type { AnyRequest } from './types.js'
import { warnOfThrown } from './warnings.js'

/** In the order of the checks: of several refused cookies the one that got furthest says why. */
const reasons = ['length', 'format', 'tag', 'expired', 'invalid'] as const

/** A session and what it was opened from. */
export interface Opened {
  readonly session: object
  readonly contents: Contents
  /** Of the session as it came: `validate` may have changed it. */
  readonly tokens: Tokens
}

/** Why a cookie, or all of them, did not open. */
export interface Refused {
  readonly reason: RejectedReason
  /** Of one that is `expired`. */
  readonly expiry?: Expiry
}

/**
 * The session that the request's cookies hold, why none of them does, or undefined where none came. `asked` is told of
 * each session before `validate` is asked about it.
 */
export function openCookies(
  cookie: SessionCookie, req: AnyRequest, asked: (session: object) => void,
): Opened | Refused | undefined {
  const values = cookieValues(ownHeader(req, 'cookie'), cookie.name)
  // Somebody plants cookies, and which ones are looked at must not be their choice.
  if (values.length > maxCandidates) return { reason: 'ambiguous' }
  const now = unixTime()
  let found: Opened | undefined
  let refused: Refused | undefined
  for (const value of values) {
    const read = openValue(cookie, value, now, req, asked)
    if ('reason' in read) {
      // Stryker disable next-line EqualityOperator: of two that got as far, either may say why
      if (refused === undefined || rank(read) > rank(refused)) refused = read
    } else {
      if (found !== undefined) return { reason: 'ambiguous' }
      found = read
    }
  }
  return found ?? refused
}

function rank({ reason }: Refused): number {
  return reasons.indexOf(reason as typeof reasons[number])
}

function openValue(
  { cache, codec, settings }: SessionCookie, value: string, now: number, req: AnyRequest,
  asked: (session: object) => void,
): Opened | Refused {
  const cached = cache.get(value)
  const contents = cached ?? openOrWarn(codec, value)
  if (typeof contents === 'string') return { reason: contents }
  const read = sessionIn(contents, settings, now)
  if ('reason' in read) return read
  if (cached === undefined) cache.add(contents)
  asked(read.session)
  return isValid(read, settings, req) ? read : { reason: 'invalid' }
}

/** The checks after the tag: times, UTF-8, JSON, and that it could be stored again. */
function sessionIn(contents: Contents, settings: Settings, now: number): Opened | Refused {
  const expiry = expiryOf(contents, settings, now)
  if (expiry !== undefined) return { reason: 'expired', expiry }
  const session = parseSession(contents.text)
  const tokens = session === undefined ? undefined : tokensOf(session)
  return session === undefined || tokens === undefined ? { reason: 'format' } : { session, contents, tokens }
}

/** What cannot be checked is refused: that cryptography stopped working is no reason to end the process. */
function openOrWarn(codec: SessionCookie['codec'], value: string): ReturnType<typeof codec.open> {
  try {
    return codec.open(value)
  } catch (error) {
    if (error instanceof RangeError) throw error // the stack is used up: that says nothing about the value
    warnOfThrown('opening a cookie', error, 'ERR_SESHCOOKIE_OPEN')
    return 'tag'
  }
}

function isValid({ session, contents }: Opened, settings: Settings, req: AnyRequest): boolean {
  if (settings.validate === undefined) return true
  try {
    const valid: unknown = settings.validate(session, sessionInfo(contents, settings), req)
    if (typeof valid === 'boolean') return valid
    Promise.resolve(valid).catch(() => {}) // an async one that rejects would end the process
    const error = misuse(TypeError, 'validate', 'to return a boolean', valid)
    if (isPromise(valid)) error.message += ': it has to be synchronous'
    throw error
  } catch (error) {
    warnOfThrown('"validate"', error, 'ERR_SESHCOOKIE_VALIDATE')
    return false
  }
}

/**
 * The session that one value holds, of which `validate` is not asked.
 * @throws TypeError, LenError, FormatError, HashError, ExpiredError
 */
export function decodeCookie({ codec, settings }: SessionCookie, value: string): object {
  if (typeof value !== 'string') throw misuse(TypeError, 'value', 'a string', value)
  const contents = codec.open(value)
  const read = typeof contents === 'string' ? { reason: contents } : sessionIn(contents, settings, unixTime())
  if ('reason' in read) throw errorOf(read)
  return read.session
}

function errorOf({ reason, expiry }: Refused): SeshcookieError {
  if (expiry !== undefined) return new ExpiredError(`the cookie value is ${inWords(expiry)}`, expiry)
  switch (reason) {
    case 'length': return new LenError('the cookie value is not 108 to 4096 characters long')
    case 'tag': return new HashError('the tag of the cookie value does not match')
    default:
      return new FormatError('the cookie value is not canonical base64url of version 1 with a JSON object in it')
  }
}

import { boundTo, Codec, valueLength, type Contents, type Opened } from './codec.js'
import { cookieValues } from './cookie-header.js'
import { ExpiredError, FormatError, HashError, LenError, SizeError, misuse } from './errors.js'
import type { SessionEvent } from './events.js'
import type { DerivedKeys } from './keys.js'
import type { Settings } from './options.js'
import { Remembered } from './remembered.js'
import { checkedText, checkPlain, parseSession, sessionText } from './session-json.js'
import { checkPrefix, cookieAttributes, forget, isPath, isToken, keepFor, maxLineLength } from './set-cookie.js'
import type { AnyRequest, SessionInfo } from './types.js'

const clockSkew = 60 // seconds by which another server's clock may be ahead

/** In the order of the checks: of several refused cookies the one that got furthest says why. */
const reasons = ['length', 'format', 'tag', 'expired', 'invalid'] as const

const refusals = {
  length: () => new LenError('the cookie value is not 108 to 4096 characters long'),
  format: () => new FormatError('the cookie value is not canonical base64url of version 1 with a JSON object in it'),
  tag: () => new HashError('the tag of the cookie value does not match'),
  expired: () => new ExpiredError('the cookie value is expired, or from the future'),
}

/** What a request's cookies were read as. */
export interface Reading {
  readonly session: object | undefined
  /** What the session was opened from. */
  readonly contents: Contents | undefined
  readonly event: SessionEvent | undefined
}

const nothing: Reading = { session: undefined, contents: undefined, event: undefined }

/** What the settings, the name and the path make: built again when one of them changes. */
interface Built {
  readonly settings: Settings
  readonly codec: Codec
  readonly remembered: Remembered
  readonly attributes: string
  readonly secureAttributes: string
}

/** The time in Unix seconds. */
export function unixTime(): number {
  return Math.floor(Date.now() / 1000)
}

/** When a session with these times stops being accepted, in Unix seconds. */
function expiry(created: number, issued: number, { maxAge, idleTimeout = Infinity }: Settings): number {
  return Math.min(created + maxAge, issued + idleTimeout)
}

export function sessionInfo({ created, issued }: { created: number, issued: number }, settings: Settings): SessionInfo {
  return {
    createdAt: new Date(created * 1000),
    issuedAt: new Date(issued * 1000),
    expiresAt: new Date(expiry(created, issued, settings) * 1000),
  }
}

/** The cookie of one handler: reads its value from requests, and makes the lines that set and expire it. */
export class SessionCookie {
  readonly #keys: readonly DerivedKeys[]
  readonly #remember: number
  readonly #owner: { readonly settings: Settings }
  #name = ''
  #path = ''
  #built: Built | undefined

  constructor(keys: readonly DerivedKeys[], owner: { settings: Settings }, name: string, path: string, remember: number) {
    this.#keys = keys
    this.#remember = remember
    this.#owner = owner
    this.rename(name, path)
  }

  get name(): string {
    return this.#name
  }

  get path(): string {
    return this.#path
  }

  get settings(): Settings {
    return this.#owner.settings
  }

  /** @throws TypeError for a name, a path or a combination with the settings that no browser would accept */
  rename(name: string, path: string): void {
    if (!isToken(name)) throw misuse(TypeError, 'cookieName', 'a token (RFC 9110 §5.6.2)', name)
    if (!isPath(path)) throw misuse(TypeError, 'cookiePath', "a path that starts with '/' (RFC 6265bis §4.1.1)", path)
    this.check(this.settings, name, path)
    this.#name = name
    this.#path = path
    this.#built = undefined
  }

  /** @throws TypeError where this cookie could not be set with `settings` */
  check(settings: Settings, name: string = this.#name, path: string = this.#path): void {
    checkPrefix(name, path, settings)
    const tail = keepFor(settings.maxAge) + cookieAttributes(path, settings, true)
    if (name.length + 1 + valueLength('{}'.length) + tail.length > maxLineLength) {
      throw new TypeError(`"cookieName", "cookiePath" and "domain" leave no room for a session in ${maxLineLength} bytes`)
    }
  }

  /** The session that the request's cookies hold, if exactly one does, and what is to be told about it. */
  open(req: AnyRequest): Reading {
    const built = this.#current()
    const now = unixTime()
    let found = nothing
    let furthest = -1
    const values = cookieValues(req.headers.cookie, this.#name)
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!
      if (values.indexOf(value) < index) continue
      const reading = this.#openOne(value, built, now, req)
      if (typeof reading === 'string') {
        furthest = Math.max(furthest, reasons.indexOf(reading))
      } else if (found === nothing) {
        found = reading
      } else {
        return { ...nothing, event: { type: 'rejected', reason: 'ambiguous' } }
      }
    }
    if (found !== nothing || furthest === -1) return found
    return { ...nothing, event: { type: 'rejected', reason: reasons[furthest]! } }
  }

  #openOne(value: string, built: Built, now: number, req: AnyRequest): Reading | typeof reasons[number] {
    const { codec, remembered, settings } = built
    const known = remembered.get(value)
    const opened = known ?? openOrWarn(codec, value)
    if (typeof opened === 'string') return opened
    const session = readSession(opened, settings, now)
    if (typeof session === 'string') return session
    const contents = known ?? contentsOf(opened as Opened)
    if (known === undefined) remembered.add((opened as Opened).value, contents)
    if (settings.validate !== undefined && !isValid(session, contents, settings, req)) return 'invalid'
    return { session, contents, event: { type: 'opened', keyIndex: contents.keyIndex } }
  }

  /** @throws TypeError, LenError, FormatError, HashError, ExpiredError */
  decode(value: string): object {
    if (typeof value !== 'string') throw misuse(TypeError, 'value', 'a string', value)
    const { codec, settings } = this.#current()
    const opened = codec.open(value)
    const session = typeof opened === 'string' ? opened : readSession(opened, settings, unixTime())
    if (typeof session === 'string') throw refusals[session]()
    return session
  }

  /** @throws TypeError, ValueError, SizeError */
  encode(session: unknown): string {
    checkPlain(session, 'session')
    const now = unixTime()
    const text = checkedText(session, sessionText(session))
    return this.#seal(text, now, now, this.#tail(now, now, this.settings.secure !== false))
  }

  /**
   * The line that sets the cookie.
   * @throws SizeError
   */
  lineToSet(text: string, created: number, issued: number, secure: boolean): string {
    const tail = this.#tail(created, issued, secure)
    const value = this.#seal(text, created, issued, tail)
    this.#current().remembered.add(value, { text, ours: true, created, issued, keyIndex: 0 }, true)
    return `${this.#name}=${value}${tail}`
  }

  /** The line that expires the cookie, with the attributes it is set with: a browser would keep it otherwise. */
  lineToExpire(secure: boolean): string {
    return `${this.#name}=${forget}${this.#attributes(secure)}`
  }

  /** What follows the value. */
  #tail(created: number, now: number, secure: boolean): string {
    const { persistent, maxAge } = this.settings
    return (persistent ? keepFor(Math.max(1, created + maxAge - now)) : '') + this.#attributes(secure)
  }

  #attributes(secure: boolean): string {
    const { attributes, secureAttributes } = this.#current()
    return secure ? secureAttributes : attributes
  }

  /** @throws SizeError where the line would be longer than browsers take */
  #seal(text: string, created: number, issued: number, tail: string): string {
    const length = this.#name.length + 1 + valueLength(Buffer.byteLength(text)) + tail.length
    if (length > maxLineLength) throw new SizeError(tooLarge(text, length))
    return this.#current().codec.seal(text, created, issued)
  }

  #current(): Built {
    const { settings } = this.#owner
    if (this.#built?.settings !== settings) {
      this.#built = {
        settings,
        codec: new Codec(this.#keys, boundTo(this.#name, settings.domain ?? '', this.#path)),
        remembered: new Remembered(this.#remember),
        attributes: cookieAttributes(this.#path, settings, false),
        secureAttributes: cookieAttributes(this.#path, settings, true),
      }
    }
    return this.#built
  }
}

/** What cannot be checked is refused: cryptography that stopped working is no reason for a request to end the process. */
function openOrWarn(codec: Codec, value: string): ReturnType<Codec['open']> {
  try {
    return codec.open(value)
  } catch (error) {
    warn(error)
    return 'tag'
  }
}

/** What is kept of a value whose JSON holds a session. Field by field: a spread takes a microsecond. */
function contentsOf({ text, created, issued, keyIndex }: Opened): Contents {
  return { text: text!, ours: false, created, issued, keyIndex }
}

/** The checks after the tag: times, UTF-8, JSON. */
function readSession(opened: Contents | Opened, settings: Settings, now: number): object | 'expired' | 'format' {
  const { text, created, issued } = opened
  const timely = created <= issued && issued <= now + clockSkew && now < expiry(created, issued, settings)
  if (!timely) return 'expired'
  return (text === undefined ? undefined : parseSession(text)) ?? 'format'
}

function isValid(session: object, contents: Contents, settings: Settings, req: AnyRequest): boolean {
  try {
    const valid = settings.validate!(session, sessionInfo(contents, settings), req)
    if (typeof valid === 'boolean') return valid
    Promise.resolve(valid).catch(() => {}) // an async one that rejects would end the process
    throw misuse(TypeError, 'validate', 'to return a boolean', valid)
  } catch (error) {
    warn(error)
    return false
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : `"validate" threw ${typeof error}`)
}

function tooLarge(text: string, length: number): string {
  const largest = Object.entries(JSON.parse(text) as object)
    .map(([key, value]) => ({ key, bytes: Buffer.byteLength(JSON.stringify({ [key]: value as unknown })) - '{}'.length }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 3)
    .map(({ key, bytes }) => `${key} (${bytes})`)
  return `the Set-Cookie line would be ${length} bytes, at most ${maxLineLength} are allowed; ` +
    `largest keys, in bytes: ${largest.join(', ')}`
}

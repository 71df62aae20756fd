import { boundTo, Codec, valueLength, type Contents } from './codec.js'
import { cookieValues } from './cookie-header.js'
import { ExpiredError, FormatError, HashError, LenError, SizeError, misuse } from './errors.js'
import type { SessionEvent } from './events.js'
import type { DerivedKeys } from './keys.js'
import type { Settings } from './options.js'
import { Remembered } from './remembered.js'
import { checkSession, parseSession, storableText } from './session-json.js'
import { checkPrefix, cookieAttributes, forget, isPath, isToken, keepFor, maxLineLength, setCookieLine }
  from './set-cookie.js'
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

/** A session as its cookie brought it. */
export interface OpenedSession {
  readonly session: object
  readonly contents: Contents
}

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

export function sessionInfo(created: number, issued: number, settings: Settings): SessionInfo {
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
  #name: string
  #path: string
  #built: Built | undefined

  constructor(keys: readonly DerivedKeys[], owner: { settings: Settings }, name: string, path: string, remember: number) {
    this.#keys = keys
    this.#remember = remember
    this.#owner = owner
    this.#name = name
    this.#path = path
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
    const attributes = cookieAttributes(path, settings, true)
    const shortest = setCookieLine(name, '', keepFor(settings.maxAge), attributes).length + valueLength(2)
    if (shortest > maxLineLength) {
      throw new TypeError(`"cookieName", "cookiePath" and "domain" leave no room for a session in ${maxLineLength} bytes`)
    }
  }

  /** The session that the request's cookies hold, if exactly one does, and what to tell about it. */
  open(req: AnyRequest): { opened: OpenedSession | undefined, event: SessionEvent | undefined } {
    const built = this.#current()
    const now = unixTime()
    let opened: OpenedSession | undefined
    let openedValue: string | undefined
    let furthest = -1
    for (const value of cookieValues(req.headers.cookie, this.#name)) {
      if (value === openedValue) continue
      const result = this.#openOne(value, built, now, req)
      if (typeof result === 'string') {
        furthest = Math.max(furthest, reasons.indexOf(result))
      } else if (opened !== undefined) {
        return { opened: undefined, event: { type: 'rejected', reason: 'ambiguous' } }
      } else {
        opened = result
        openedValue = value
      }
    }
    if (opened !== undefined) return { opened, event: { type: 'opened', keyIndex: opened.contents.keyIndex } }
    const reason = reasons[furthest]
    return { opened, event: reason === undefined ? undefined : { type: 'rejected', reason } }
  }

  #openOne(value: string, built: Built, now: number, req: AnyRequest): OpenedSession | typeof reasons[number] {
    const known = built.remembered.get(value)
    const contents = known ?? built.codec.open(value)
    if (typeof contents === 'string') return contents
    const result = readContents(contents, built.settings, now)
    if (typeof result === 'string') return result
    if (known === undefined) built.remembered.add(value, result.contents)
    return isValid(result, built.settings, req) ? result : 'invalid'
  }

  /** @throws LenError, FormatError, HashError, ExpiredError */
  decode(value: string): object {
    if (typeof value !== 'string') throw misuse(TypeError, 'value', 'a string', value)
    const { codec, settings } = this.#current()
    const contents = codec.open(value)
    const result = typeof contents === 'string' ? contents : readContents(contents, settings, unixTime())
    if (typeof result === 'string') throw refusals[result]()
    return result.session
  }

  /** @throws TypeError, ValueError, SizeError */
  encode(session: unknown): string {
    checkSession(session)
    const now = unixTime()
    const text = storableText(session)
    this.#fit(text, this.#lifetime(now, now), this.settings.secure !== false)
    return this.#current().codec.seal(text, now, now)
  }

  /**
   * The line that sets the cookie.
   * @throws SizeError
   */
  lineToSet(text: string, created: number, issued: number, secure: boolean): string {
    const { codec, remembered, attributes, secureAttributes } = this.#current()
    const lifetime = this.#lifetime(created, issued)
    this.#fit(text, lifetime, secure)
    const value = codec.seal(text, created, issued)
    remembered.add(value, { text, created, issued, keyIndex: 0 })
    return setCookieLine(this.#name, value, lifetime, secure ? secureAttributes : attributes)
  }

  /** The line that expires the cookie, with the attributes it is set with: a browser would keep it otherwise. */
  lineToExpire(secure: boolean): string {
    const { attributes, secureAttributes } = this.#current()
    return setCookieLine(this.#name, '', forget, secure ? secureAttributes : attributes)
  }

  #lifetime(created: number, now: number): string {
    const { persistent, maxAge } = this.settings
    return persistent ? keepFor(Math.max(1, created + maxAge - now)) : ''
  }

  #fit(text: string, lifetime: string, secure: boolean): void {
    const { attributes, secureAttributes } = this.#current()
    const length = setCookieLine(this.#name, '', lifetime, secure ? secureAttributes : attributes).length +
      valueLength(Buffer.byteLength(text))
    if (length > maxLineLength) throw new SizeError(tooLarge(text, length))
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

/** The checks after the tag: times, UTF-8, JSON. */
function readContents(
  contents: Omit<Contents, 'text'> & { text: string | undefined }, settings: Settings, now: number,
): OpenedSession | 'expired' | 'format' {
  const { text, created, issued } = contents
  const timely = created <= issued && issued <= now + clockSkew && now < expiry(created, issued, settings)
  if (!timely) return 'expired'
  const session = text === undefined ? undefined : parseSession(text)
  return session === undefined ? 'format' : { session, contents: contents as Contents }
}

function isValid({ session, contents }: OpenedSession, settings: Settings, req: AnyRequest): boolean {
  if (settings.validate === undefined) return true
  try {
    const valid = settings.validate(session, sessionInfo(contents.created, contents.issued, settings), req)
    if (typeof valid !== 'boolean') throw misuse(TypeError, 'validate', 'to return a boolean', valid)
    return valid
  } catch (error) {
    process.emitWarning(error as Error)
    return false
  }
}

function tooLarge(text: string, length: number): string {
  const size = ([key, value]: [string, unknown]) => Buffer.byteLength(JSON.stringify({ [key]: value })) - 2
  const largest = Object.entries(JSON.parse(text) as object)
    .map((entry): [string, number] => [entry[0], size(entry)])
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([key, bytes]) => `${key} (${bytes})`)
  return `the Set-Cookie line would be ${length} bytes, at most ${maxLineLength} are allowed; ` +
    `largest keys, in bytes: ${largest.join(', ')}`
}

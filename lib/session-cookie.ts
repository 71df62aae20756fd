import { associatedData, Codec, valueLength } from './codec.js'
import { checkPrefix, isPath, isToken } from './cookie-scope.js'
import { ExpiredError, FormatError, HashError, LenError, misuse } from './errors.js'
import type { SessionEvent } from './events.js'
import type { DerivedKeys } from './keys.js'
import { endByAge, isPersistent, noLifetime, unixTime, type Times } from './lifetime.js'
import type { Settings } from './options.js'
import { quoted } from './quoted.js'
import { readCookies, sessionIn, type Opener } from './reading.js'
import { CookieCache } from './cookie-cache.js'
import { stringifySession } from './session-json.js'
import { checkPlain, largestOf, sizeError } from './session-values.js'
import { cookieAttributes, forget, keepUntil, maxLineLength } from './set-cookie.js'
import type { AnyRequest } from './types.js'

const refusals = {
  length: () => new LenError('the cookie value is not 108 to 4096 characters long'),
  format: () => new FormatError('the cookie value is not canonical base64url of version 1 with a JSON object in it'),
  tag: () => new HashError('the tag of the cookie value does not match'),
  expired: () => new ExpiredError('the cookie value is expired, or from the future'),
}

/** What the settings, the name and the path make: prepared again when one of them changes. */
interface Prepared extends Opener {
  readonly attributes: string
  readonly secureAttributes: string
}

/** Whose settings hold for a cookie, and who is told of its events. */
export interface CookieOwner {
  readonly settings: Settings
  emit(event: SessionEvent, req: AnyRequest): void
}

/** The cookie of one handler: reads its value from requests, and makes the lines that set and expire it. */
export class SessionCookie {
  readonly #keys: readonly DerivedKeys[]
  readonly #cacheSize: number
  readonly #sessions: CookieOwner
  #name = ''
  #path = ''
  #prepared: Prepared | undefined

  constructor(keys: readonly DerivedKeys[], sessions: CookieOwner, name: string, path: string, cacheSize: number) {
    this.#keys = keys
    this.#cacheSize = cacheSize
    this.#sessions = sessions
    this.rename(name, path)
  }

  get name(): string {
    return this.#name
  }

  get path(): string {
    return this.#path
  }

  get settings(): Settings {
    return this.#sessions.settings
  }

  emit(event: SessionEvent, req: AnyRequest): void {
    this.#sessions.emit(event, req)
  }

  /** @throws TypeError for a name, a path or a combination with the settings that no browser would accept */
  rename(name: string, path: string): void {
    if (!isToken(name)) throw misuse(TypeError, 'cookieName', 'a token (RFC 9110 §5.6.2)', name)
    if (!isPath(path)) throw misuse(TypeError, 'cookiePath', "a path that starts with '/' (RFC 6265bis §4.1.1)", path)
    this.check(this.settings, name, path)
    this.#name = name
    this.#path = path
    this.#prepared = undefined
  }

  /** @throws TypeError where this cookie could not be set with `settings` */
  check(settings: Settings, name: string = this.#name, path: string = this.#path): void {
    checkPrefix(name, path, settings)
    const tail = keepUntil(0, settings.maxAge) + cookieAttributes(path, settings, true)
    if (name.length + 1 + valueLength('{}'.length) + tail.length > maxLineLength) {
      throw new TypeError(
        `"cookieName", "cookiePath" and "domain" leave no room for a session in ${maxLineLength} bytes`)
    }
  }

  /** The session that the request's cookies hold, why there is none, or undefined where none came. */
  read(req: AnyRequest): ReturnType<typeof readCookies> {
    return readCookies(this.#name, this.#current(), req)
  }

  /** @throws TypeError, LenError, FormatError, HashError, ExpiredError */
  decode(value: string): object {
    if (typeof value !== 'string') throw misuse(TypeError, 'value', 'a string', value)
    const { codec, settings } = this.#current()
    const contents = codec.open(value)
    const session = typeof contents === 'string' ? contents : sessionIn(contents, settings, unixTime())
    if (typeof session === 'string') throw refusals[session]()
    return session
  }

  /**
   * The line of a new session that holds `session`.
   * @throws TypeError, ValueError, SizeError
   */
  encode(session: unknown): { value: string, line: string } {
    checkPlain(session, 'session')
    const now = unixTime()
    const times = { created: now, issued: now, lifetime: noLifetime }
    const text = stringifySession(session)
    const tail = this.#tail(times, this.settings.secure !== false)
    this.#checkRoom(text, tail)
    const value = this.#current().codec.seal(text, times)
    return { value, line: `${this.#name}=${value}${tail}` }
  }

  /**
   * The line that sets the cookie.
   * @throws SizeError where it would be longer than browsers take
   */
  lineToSet(text: string, times: Times, secure: boolean): string {
    const { codec, remembered } = this.#current()
    const tail = this.#tail(times, secure)
    this.#checkRoom(text, tail)
    const value = codec.seal(text, times)
    const { created, issued, lifetime } = times
    remembered.add({ value, text, created, issued, lifetime, keyIndex: 0 })
    return `${this.#name}=${value}${tail}`
  }

  /**
   * That the line which sets the cookie would not be too long.
   * @throws SizeError
   */
  checkSize(text: string, times: Times, secure: boolean): void {
    this.#checkRoom(text, this.#tail(times, secure))
  }

  /** The line that expires the cookie, with the attributes it is set with: a browser would keep it otherwise. */
  lineToExpire(secure: boolean): string {
    return `${this.#name}=${forget}${this.#attributes(secure)}`
  }

  /** What follows the value. A cookie that ends just now is kept for a second, since Max-Age=0 would delete it. */
  #tail(times: Times, secure: boolean): string {
    const { settings } = this
    if (!isPersistent(times.lifetime, settings)) return this.#attributes(secure)
    const end = Math.max(times.issued + 1, endByAge(times, settings))
    return keepUntil(end, end - times.issued) + this.#attributes(secure)
  }

  #attributes(secure: boolean): string {
    const { attributes, secureAttributes } = this.#current()
    return secure ? secureAttributes : attributes
  }

  #checkRoom(text: string, tail: string): void {
    const bytes = this.#name.length + 1 + valueLength(Buffer.byteLength(text)) + tail.length
    if (bytes <= maxLineLength) return
    throw sizeError(bytes, largestKeys(text))
  }

  #current(): Prepared {
    const { settings } = this.#sessions
    if (this.#prepared?.settings !== settings) {
      const { domain = '', partitioned } = settings
      this.#prepared = {
        settings,
        codec: new Codec(this.#keys, associatedData(this.#name, domain, this.#path, partitioned)),
        remembered: new CookieCache(this.#cacheSize),
        attributes: cookieAttributes(this.#path, settings, false),
        secureAttributes: cookieAttributes(this.#path, settings, true),
      }
    }
    return this.#prepared
  }
}

function largestKeys(text: string): { key: string, bytes: number }[] {
  return largestOf(Object.entries(JSON.parse(text) as object).map(([key, value]) => {
    const bytes = Buffer.byteLength(JSON.stringify({ [key]: value as unknown })) - '{}'.length
    return { key: quoted(key), bytes }
  }))
}

import { associatedData, Codec, valueLength } from './codec.js'
import { checkPrefix, isPath, isToken } from './cookie-scope.js'
import { wrongValue } from './errors.js'
import type { Emit } from './events.js'
import type { DerivedKeys } from './keys.js'
import { endByAge, isPersistent, noLifetime, unixTime, type Times } from './lifetime.js'
import type { Settings } from './options.js'
import { CookieCache } from './cookie-cache.js'
import { stringifySession } from './session-json.js'
import { checkPlain, largestKeys, sizeError } from './session-values.js'
import { cookieAttributes, forget, keepUntil, maxLineLength } from './set-cookie.js'

/** All that a handler's cookie is made from. */
interface Parts {
  readonly keys: readonly DerivedKeys[]
  /** How many opened cookies are cached. */
  readonly cacheSize: number
  /** Tells what became of a session. */
  readonly emit: Emit
  readonly name: string
  readonly path: string
  readonly settings: Settings
}

/** Where a handler keeps its cookie: another one takes its place when a name, a path or an option changes. */
export interface CookieHolder {
  cookie: SessionCookie
}

/**
 * The cookie of one handler: the lines that set and expire it, and what opens it. It never changes; where a name, a
 * path or an option does, another one takes its place, and requests that began with this one keep it.
 */
export class SessionCookie {
  readonly name: string
  readonly path: string
  readonly settings: Settings
  readonly emit: Emit
  readonly codec: Codec
  readonly cache: CookieCache
  readonly #parts: Parts

  /** @throws TypeError for a name, a path or a combination with the settings that no browser would accept */
  constructor(parts: Parts) {
    const { keys, cacheSize, emit, name, path, settings } = parts
    if (!isToken(name)) throw wrongValue('cookieName', 'a token (RFC 9110 §5.6.2)', name)
    if (!isPath(path)) throw wrongValue('cookiePath', "a path that starts with '/' (RFC 6265bis §4.1.1)", path)
    checkPrefix(name, path, settings)
    this.name = name
    this.path = path
    this.settings = settings
    this.emit = emit
    this.#parts = parts
    const longestTail = keepUntil(0, settings.maxAge) + cookieAttributes(path, settings, true)
    if (this.#lineLength('{}', longestTail) > maxLineLength) {
      throw new TypeError(
        `"cookieName", "cookiePath" and "domain" leave no room for a session in ${maxLineLength} bytes`)
    }
    this.codec = new Codec(keys, associatedData(name, settings.domain ?? '', path, settings.partitioned))
    this.cache = new CookieCache(cacheSize)
  }

  /** @throws TypeError as the constructor does */
  with(changes: Partial<Parts>): SessionCookie {
    return new SessionCookie({ ...this.#parts, ...changes })
  }

  /**
   * The value and the line of a new session.
   * @throws TypeError, ValueError, SizeError
   */
  encode(session: unknown): { value: string, line: string } {
    checkPlain(session, 'session')
    const now = unixTime()
    const times = { created: now, issued: now, lifetime: noLifetime }
    const text = stringifySession(session)
    const tail = this.tailFor(text, times, this.settings.secure !== false)
    const value = this.codec.seal(text, times)
    return { value, line: `${this.name}=${value}${tail}` }
  }

  /**
   * The line that sets the cookie.
   * @throws SizeError where it would be longer than browsers take
   */
  lineToSet(text: string, times: Times, secure: boolean): string {
    const tail = this.tailFor(text, times, secure)
    const value = this.codec.seal(text, times)
    const { created, issued, lifetime } = times
    this.cache.add({ value, text, created, issued, lifetime, keyIndex: 0 })
    return `${this.name}=${value}${tail}`
  }

  /**
   * What follows the value in the line that sets the cookie.
   * @throws SizeError where the line would be longer than browsers take
   */
  tailFor(text: string, times: Times, secure: boolean): string {
    const { path, settings } = this
    let tail = cookieAttributes(path, settings, secure)
    if (isPersistent(times.lifetime, settings)) {
      // A cookie that ends just now is kept for a second, since Max-Age=0 would delete it.
      const end = Math.max(times.issued + 1, endByAge(times, settings))
      tail = keepUntil(end, end - times.issued) + tail
    }
    const bytes = this.#lineLength(text, tail)
    if (bytes > maxLineLength) throw sizeError(bytes, largestKeys(JSON.parse(text) as object))
    return tail
  }

  /** The line that expires the cookie, with the attributes it is set with: a browser would keep it otherwise. */
  lineToExpire(secure: boolean): string {
    return `${this.name}=${forget}${cookieAttributes(this.path, this.settings, secure)}`
  }

  #lineLength(text: string, tail: string): number {
    return this.name.length + 1 + valueLength(Buffer.byteLength(text)) + tail.length
  }
}

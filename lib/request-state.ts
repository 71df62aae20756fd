import { isDebugging, reportHead, reportLate, reportRead } from './debug.js'
import { LateChangeError } from './errors.js'
import type { SessionEvent } from './events.js'
import type { HeadAdditions } from './header-fields.js'
import { idleWindow, isSameLifetime, noLifetime, sessionInfo, unixTime, type Lifetime, type Times } from './lifetime.js'
import { openCookies, type Opened, type Refused } from './opening.js'
import { quoted } from './quoted.js'
import { isForwardedTls, isTls } from './request.js'
import type { CookieHolder, SessionCookie } from './session-cookie.js'
import { changedKeys, stringifyChecked, stringifySession, textOf } from './session-json.js'
import { areSame, hasTokens, type Tokens } from './session-tokens.js'
import { checkPlain, checkValues, copyOfValues } from './session-values.js'
import type { AnyRequest, AnyResponse, SessionInfo } from './types.js'
import { hasLeft, hookHead } from './write-head.js'

/** What the browser's cookie holds, as far as is known. */
interface Stored extends Times {
  /** Undefined where nothing can be compared with it. */
  readonly text: string | undefined
  /** Those of the text; undefined where only the text can be compared, or nothing. */
  readonly tokens: Tokens | undefined
}

/** No session. The times are 0 until one is sent. */
const nothingStored: Stored = { text: '{}', tokens: checkValues({}), created: 0, issued: 0, lifetime: noLifetime }

/** After clear(): the browser may hold anything, so write in any case. */
const cleared: Stored = { ...nothingStored, text: undefined, tokens: undefined }

/** What becomes of the session when the head that was decided about leaves. */
interface Decision {
  readonly line?: string
  readonly event?: SessionEvent
  /** The response becomes a 500. */
  readonly failed?: boolean
  /** What the browser's cookie holds then. */
  readonly stored: Stored
}

/**
 * The session of one request, from its first `get` to the end of the response.
 *
 * Nothing in here leads back to the request or the response, which come as arguments: this is a WeakMap's value, and
 * such a cycle would make the collector keep whole requests.
 */
export class RequestState {
  readonly holder: CookieHolder
  /** That of the holder when the request came. */
  readonly cookie: SessionCookie
  /** `sent`: the head has left, and `closed` will be called; `closed`: no further callback comes. */
  #phase: 'open' | 'sent' | 'closed' = 'open'
  #isWatched = false
  #isSignOfLife = true
  #hasCheckThrown = false
  #asked: object | undefined // the session that validate is being asked about
  #session: object | undefined // undefined until it is asked for
  #lifetime: Lifetime | undefined // undefined until limit() or clear() is called
  #stored = nothingStored
  #decision: Decision | undefined
  #isFirstAskedLate = false
  #willTellLate = false
  #read: Opened | Refused | undefined // for debugging

  constructor(holder: CookieHolder) {
    this.holder = holder
    this.cookie = holder.cookie
  }

  /** The head of a response is being watched, so that changes are saved. */
  get isWatched(): boolean {
    return this.#isWatched
  }

  /** Has the session saved on whichever response of the request leaves first. */
  watch(req: AnyRequest, res: AnyResponse): void {
    if (!this.#isWatched && hasLeft(res)) {
      this.#phase = 'closed'
      this.#tellLateSoon(req)
    }
    this.#isWatched = true
    hookHead(req, res, this)
  }

  /** The request is no sign of life: an unchanged session is not issued again. */
  keepIdle(): void {
    this.#isSignOfLife = false
  }

  /** The session, opened when it is first asked for. */
  session(req: AnyRequest): object {
    const session = this.#session ?? this.#asked ?? this.#open(req)
    if (this.#phase === 'closed') this.#tellLateSoon(req)
    return session
  }

  #open(req: AnyRequest): object {
    let read: ReturnType<typeof openCookies>
    try {
      read = openCookies(this.cookie, req, (session) => { this.#asked = session })
    } finally {
      this.#asked = undefined
    }
    const opened = read !== undefined && 'session' in read ? read : undefined
    // What validate did to the session of its own request stands: set replaces what it holds, clear all that came.
    this.#session ??= opened?.session ?? Object.create(null) as object
    if (opened !== undefined && this.#stored !== cleared) {
      const { tokens, contents: { text, created, issued, lifetime } } = opened
      this.#stored = { text, tokens, created, issued, lifetime }
    }
    if (this.#phase !== 'open') this.#isFirstAskedLate = true
    this.#read = read
    if (opened !== undefined) this.cookie.emit({ type: 'opened', keyIndex: opened.contents.keyIndex }, req)
    else if (read !== undefined) this.cookie.emit({ type: 'rejected', reason: (read as Refused).reason }, req)
    // Stryker disable next-line all: what it prints is tested in a process of its own
    if (isDebugging && !this.#isWatched) reportRead(req, this.cookie, read)
    return this.#session
  }

  /** The object stays the one that was handed out, so that what is held of it stays the session. */
  replace(req: AnyRequest, data: unknown): void {
    checkPlain(data, 'session')
    const copy = copyOfValues(data) // first, since data may be the session itself
    this.#session = Object.assign(emptied(this.session(req)), copy)
    if (this.#phase === 'closed') this.#tellLate(req)
  }

  /** Without opening the cookie, unless the head has left: then the loss is to be told. */
  clear(req: AnyRequest): void {
    if (this.#phase === 'open') {
      this.#session = emptied(this.#session ?? this.#asked ?? Object.create(null) as object)
      this.#stored = cleared
      this.#lifetime = undefined
      return
    }
    this.#session = emptied(this.session(req))
    this.#lifetime = noLifetime
    if (this.#phase === 'closed') this.#tellLate(req)
  }

  limit(req: AnyRequest, lifetime: Lifetime): void {
    this.session(req)
    this.#lifetime = lifetime
    if (this.#phase === 'closed') this.#tellLate(req)
  }

  /** @throws SizeError, ValueError */
  check(req: AnyRequest): void {
    try {
      this.cookie.tailFor(stringifySession(this.session(req)), this.#timesOfNow(), this.#isSecure(req))
    } catch (error) {
      this.#hasCheckThrown = true
      throw error
    }
  }

  info(req: AnyRequest): SessionInfo | undefined {
    this.session(req)
    if (this.#stored.issued === 0) return undefined
    const { created, issued } = this.#stored
    return sessionInfo({ created, issued, lifetime: this.#ownLifetime }, this.cookie.settings)
  }

  get #ownLifetime(): Lifetime {
    return this.#lifetime ?? this.#stored.lifetime
  }

  /** What the head that is about to leave is to carry; undefined for nothing, not one header. Node may refuse it. */
  head(req: AnyRequest): HeadAdditions | undefined {
    if (this.#session === undefined) return undefined
    const { cacheHeaders } = this.cookie.settings
    if (this.#phase !== 'open') return { line: undefined, renews: false, failed: false, cacheHeaders }
    const { line, event, failed = false } = this.#decision = this.#decide(req, this.#session)
    return { line, renews: event?.type === 'saved' && event.renewed, failed, cacheHeaders }
  }

  #decide(req: AnyRequest, session: object): Decision {
    const stored = this.#stored
    let isUnchanged = false
    try {
      const tokens = checkValues(session)
      const isEmpty = areSame(tokens, nothingStored.tokens!)
      const isAsStored = stored.tokens !== undefined && areSame(tokens, stored.tokens)
      isUnchanged = isAsStored && (isEmpty || isSameLifetime(this.#ownLifetime, stored.lifetime))
      if (isUnchanged && (isEmpty || !this.#isDue())) return { stored }
      if (!isEmpty) return this.#save(req, session, tokens, isUnchanged)
      return { line: this.cookie.lineToExpire(this.#isSecure(req)), event: { type: 'cleared' }, stored: nothingStored }
    } catch (error) {
      const event = { type: 'failed', error: error as Error } as const
      // What only came and goes back is never judged, and what check has told of the handler may answer for.
      if (isUnchanged) return { event, stored }
      return { event, failed: !this.#hasCheckThrown, stored: { ...stored, text: undefined, tokens: undefined } }
    }
  }

  #save(req: AnyRequest, session: object, tokens: Tokens, renewed: boolean): Decision {
    const text = stringifyChecked(session, tokens)
    const { created, issued, lifetime } = this.#timesOfNow()
    const stored = { text, tokens, created, issued, lifetime }
    const line = this.cookie.lineToSet(text, stored, this.#isSecure(req))
    return { line, event: { type: 'saved', bytes: line.length, renewed }, stored }
  }

  /** Whether an unchanged session is to be issued again: it is in the second half of its idle window. */
  #isDue(): boolean {
    const { issued } = this.#stored
    const idle = idleWindow(this.#ownLifetime, this.cookie.settings)
    return this.#isSignOfLife && 2 * (this.#now() - issued) >= idle
  }

  #timesOfNow(): Times {
    const now = this.#now()
    return { created: this.#stored.created || now, issued: now, lifetime: this.#ownLifetime }
  }

  /** The time, or that of creation where another server's clock was ahead. */
  #now(): number {
    return Math.max(unixTime(), this.#stored.created)
  }

  #isSecure(req: AnyRequest): boolean {
    const { secure } = this.cookie.settings
    return secure === 'auto' ? isTls(req) : secure
  }

  /** The head has left; a line that only renews yields to one that the handler wrote for the same cookie. */
  sent(req: AnyRequest, hasYielded: boolean): void {
    if (this.#phase !== 'open') return
    const decision = hasYielded ? { stored: this.#stored } : this.#decision
    this.#phase = decision === undefined ? 'closed' : 'sent'
    if (decision === undefined) return
    const { line, event, failed = false } = decision
    this.#stored = decision.stored
    if (event !== undefined) {
      this.cookie.emit(event, req, failed ? '; the answer became a 500' : '; the answer stayed as it was')
    }
    if (line !== undefined) this.#tellInsecure(req)
    // Stryker disable next-line all: what it prints is tested in a process of its own
    if (isDebugging) reportHead(req, this.cookie, this.#read, decision, hasYielded)
  }

  /** A browser on the other side of a proxy that ends TLS takes a Secure cookie alone, one without TLS takes none. */
  #tellInsecure(req: AnyRequest): void {
    const isSecure = this.#isSecure(req)
    if (toldInsecure.has(isSecure)) return
    if (isSecure ? isTls(req) || isForwardedTls(req) : !isForwardedTls(req)) return
    toldInsecure.add(isSecure)
    this.cookie.emit({ type: 'insecure', secure: isSecure }, req)
  }

  /** The response is over. */
  closed(req: AnyRequest): void {
    this.#phase = 'closed'
    this.#tellLate(req)
  }

  /** Whoever asked for the session changes it in this turn, if at all. */
  #tellLateSoon(req: AnyRequest): void {
    if (this.#willTellLate) return
    this.#willTellLate = true
    setImmediate(() => {
      this.#willTellLate = false
      this.#tellLate(req)
    })
  }

  /** The fast path: whether nothing changed since the head was decided about. */
  #isUnchanged(session: object, lifetime: Lifetime, sent: Stored): boolean {
    if (this.#isFirstAskedLate || sent.tokens === undefined || !isSameLifetime(lifetime, sent.lifetime)) return false
    try {
      return hasTokens(session, sent.tokens)
    } catch {
      return false // a getter or proxy
    }
  }

  /** What was changed since the head left is lost, and somebody should know; told once. */
  #tellLate(req: AnyRequest): void {
    const session = this.#session
    const stored = this.#stored
    const lifetime = this.#ownLifetime
    if (session === undefined || stored.text === undefined || this.#isUnchanged(session, lifetime, stored)) return
    const text = textOf(session)
    const lost = changedKeys(stored.text, session).map(quoted)
    const isLimited = text !== '{}' && !isSameLifetime(lifetime, stored.lifetime)
    const isLate = lost.length > 0 || isLimited || this.#isFirstAskedLate
    this.#stored = { ...stored, text, tokens: undefined, lifetime }
    this.#isFirstAskedLate = false
    if (!isLate) return
    const error = new LateChangeError(lost.length > 0
      ? `the session was changed after the headers had left; lost: ${lost.join(', ')}`
      : isLimited
        ? 'the lifetime of the session was changed after the headers had left, and is lost'
        : 'the session was first asked for after the headers had left, so that they could not say "Vary: Cookie"',
    { keys: lost })
    this.cookie.emit({ type: 'late', error }, req)
    // Stryker disable next-line all: what it prints is tested in a process of its own
    if (isDebugging) reportLate(req, error)
  }
}

const toldInsecure = new Set<boolean>()

/** The session without anything in it; another object where it cannot be emptied or filled, such as a frozen one. */
function emptied(session: object): object {
  for (const key of Reflect.ownKeys(session)) Reflect.deleteProperty(session, key)
  return Object.isExtensible(session) && Reflect.ownKeys(session).length === 0 ? session : Object.create(null) as object
}

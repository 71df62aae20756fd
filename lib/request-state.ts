import { isDebugging, reportHead, reportLate, reportRead, watchForLateChanges } from './debug.js'
import { LateChangeError } from './errors.js'
import type { SessionEvent } from './events.js'
import type { HeadAdditions } from './header-fields.js'
import { hookHead } from './header-hook.js'
import { idleWindow, isSameLifetime, noLifetime, sessionInfo, unixTime, type Lifetime, type Times } from './lifetime.js'
import { quoted } from './quoted.js'
import type { SessionCookie } from './session-cookie.js'
import { changedKeys, stringifyChecked, stringifySession, textOf } from './session-json.js'
import { areSame, hasTokens, type Tokens } from './session-tokens.js'
import { checkPlain, checkValues, copyOfValues } from './session-values.js'
import { isForwardedTls, isTls } from './transport.js'
import type { AnyRequest, AnyResponse, SessionInfo } from './types.js'

/** What the browser's cookie holds, as far as is known. */
interface Held extends Times {
  /** Undefined where nothing can be compared with it. */
  readonly text: string | undefined
  /** Those of the text; undefined where only the text can be compared, or nothing. */
  readonly tokens: Tokens | undefined
}

/** No session. The times are 0 until one is sent. */
const nothingHeld: Held = { text: '{}', tokens: checkValues({}), created: 0, issued: 0, lifetime: noLifetime }

/** Any session: it is to be expired, or replaced by a new one. */
const cleared: Held = { ...nothingHeld, text: undefined, tokens: undefined }

/** What becomes of the session when the head that was decided about leaves. */
interface Decision {
  readonly line: string | undefined
  readonly event: SessionEvent | undefined
  /** What the browser's cookie holds then. */
  readonly held: Held
}

/**
 * The session of one request, from its first `get` to the end of the response.
 *
 * Nothing in here leads back to the request or the response, which come as arguments: this is a WeakMap's value, and
 * such a cycle would make the collector keep whole requests.
 */
export class RequestState {
  readonly cookie: SessionCookie
  /** `sent`: the head has left, and `closed` will be told; `closed`: nothing will be told any more. */
  #phase: 'open' | 'sent' | 'closed' = 'open'
  #isWatched = false
  #isOpening = false
  #session: object | undefined // undefined until it is asked for
  #lifetime: Lifetime | undefined // undefined while it is that of what is held
  #held = nothingHeld
  #decision: Decision | undefined
  #isFirstAskedLate = false
  #willTellLate = false
  #opened: SessionEvent | undefined // for debugging

  constructor(cookie: SessionCookie) {
    this.cookie = cookie
  }

  /** The head of a response is being watched, so that changes are saved. */
  get isWatched(): boolean {
    return this.#isWatched
  }

  /** Has the session saved on a response. */
  watch(req: AnyRequest, res: AnyResponse): void {
    if (this.#isWatched) return
    this.#isWatched = true
    hookHead(req, res, this)
  }

  /** The session, opened when it is first asked for. */
  session(req: AnyRequest): object {
    const session = this.#session ?? this.#open(req)
    if (this.#phase === 'closed') this.#tellLateSoon(req)
    return session
  }

  #open(req: AnyRequest): object {
    if (this.#isOpening) return Object.create(null) as object // validate asks for what it is to decide about
    let read: ReturnType<SessionCookie['read']>
    this.#isOpening = true
    try {
      read = this.cookie.read(req)
    } finally {
      this.#isOpening = false
    }
    // What validate did to the session of its own request stands: set replaces what it holds, clear all that came.
    this.#session ??= typeof read === 'object' ? read.session : Object.create(null) as object
    if (typeof read === 'object' && this.#held !== cleared) {
      const { tokens, contents: { text, created, issued, lifetime } } = read
      this.#held = { text, tokens, created, issued, lifetime }
    }
    if (this.#phase !== 'open') this.#isFirstAskedLate = true
    if (typeof read === 'object') this.#opened = { type: 'opened', keyIndex: read.contents.keyIndex }
    else if (read !== undefined) this.#opened = { type: 'rejected', reason: read }
    if (this.#opened !== undefined) this.cookie.emit(this.#opened, req)
    if (isDebugging && !this.#isWatched) reportRead(req, this.cookie, this.#opened)
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
      this.#session = emptied(this.#session ?? Object.create(null) as object)
      this.#held = cleared
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
    this.cookie.checkSize(stringifySession(this.session(req)), this.#timesOfNow(), this.#isSecure(req))
  }

  info(req: AnyRequest): SessionInfo | undefined {
    this.session(req)
    if (this.#held.issued === 0) return undefined
    const { created, issued } = this.#held
    return sessionInfo({ created, issued, lifetime: this.#currentLifetime }, this.cookie.settings)
  }

  get #currentLifetime(): Lifetime {
    return this.#lifetime ?? this.#held.lifetime
  }

  /** What the head that is about to leave is to carry; undefined for nothing, not one header. Node may refuse it. */
  head(req: AnyRequest): HeadAdditions | undefined {
    if (this.#session === undefined) return undefined
    try {
      this.#decision = this.#decide(req, this.#session)
    } catch (error) {
      const held = { ...this.#held, text: undefined, tokens: undefined }
      this.#decision = { line: undefined, event: { type: 'failed', error: error as Error }, held }
    }
    const { line, event } = this.#decision
    return { line, failed: event?.type === 'failed', cacheHeaders: this.cookie.settings.cacheHeaders }
  }

  #decide(req: AnyRequest, session: object): Decision {
    const held = this.#held
    const tokens = checkValues(session)
    const isEmpty = areSame(tokens, nothingHeld.tokens!)
    const isHeld = held.tokens !== undefined && areSame(tokens, held.tokens)
    if (isHeld && (isEmpty || isSameLifetime(this.#currentLifetime, held.lifetime))) {
      if (!isEmpty && this.#isDue()) return this.#save(req, session, tokens, true)
      return { line: undefined, event: undefined, held }
    }
    if (!isEmpty) return this.#save(req, session, tokens, false)
    return { line: this.cookie.lineToExpire(this.#isSecure(req)), event: { type: 'cleared' }, held: nothingHeld }
  }

  #save(req: AnyRequest, session: object, tokens: Tokens, renewed: boolean): Decision {
    const text = stringifyChecked(session)
    const { created, issued, lifetime } = this.#timesOfNow()
    const held = { text, tokens, created, issued, lifetime }
    const line = this.cookie.lineToSet(text, held, this.#isSecure(req))
    return { line, event: { type: 'saved', bytes: line.length, renewed }, held }
  }

  /** Whether an unchanged session is to be issued again: it is in the second half of its idle window. */
  #isDue(): boolean {
    const { issued } = this.#held
    const idle = idleWindow(this.#currentLifetime, this.cookie.settings)
    return issued !== 0 && 2 * (this.#now() - issued) >= idle
  }

  #timesOfNow(): Times {
    const now = this.#now()
    return { created: this.#held.created || now, issued: now, lifetime: this.#currentLifetime }
  }

  /** The time, or that of creation where another server's clock was ahead. */
  #now(): number {
    return Math.max(unixTime(), this.#held.created)
  }

  #isSecure(req: AnyRequest): boolean {
    const { secure } = this.cookie.settings
    return secure === 'auto' ? isTls(req) : secure
  }

  /** The head has left. */
  sent(req: AnyRequest): void {
    const decision = this.#decision
    this.#phase = decision === undefined ? 'closed' : 'sent'
    if (decision === undefined) return
    this.#held = decision.held
    if (decision.event !== undefined) this.cookie.emit(decision.event, req)
    if (decision.line !== undefined) this.#tellInsecure(req)
    if (isDebugging) reportHead(req, this.cookie, this.#opened, decision)
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
    if (isDebugging && this.#held.text !== undefined) watchForLateChanges(req, this.#session!, this.#held.text)
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

  /** Whether nothing changed since the head was decided about: found out quickly, and so of most sessions. */
  #isUnchanged(session: object, lifetime: Lifetime, held: Held): boolean {
    if (this.#isFirstAskedLate || held.tokens === undefined || !isSameLifetime(lifetime, held.lifetime)) return false
    try {
      return hasTokens(session, held.tokens)
    } catch {
      return false // a getter or proxy
    }
  }

  /** What was changed since the head left is lost, and somebody should know; told once. */
  #tellLate(req: AnyRequest): void {
    const session = this.#session
    const held = this.#held
    const lifetime = this.#currentLifetime
    if (session === undefined || held.text === undefined || this.#isUnchanged(session, lifetime, held)) return
    const text = textOf(session)
    const lost = text === held.text ? [] : changedKeys(held.text, session).map(quoted)
    const isLimited = text !== '{}' && !isSameLifetime(lifetime, held.lifetime)
    const isLate = lost.length > 0 || isLimited || this.#isFirstAskedLate
    this.#held = { ...held, text, tokens: undefined, lifetime }
    this.#isFirstAskedLate = false
    if (!isLate) return
    const error = new LateChangeError(lost.length > 0
      ? `the session was changed after the headers had left; lost: ${lost.join(', ')}`
      : isLimited
        ? 'the lifetime of the session was changed after the headers had left, and is lost'
        : 'the session was first asked for after the headers had left, so that they could not say "Vary: Cookie"',
    { keys: lost })
    this.cookie.emit({ type: 'late', error }, req)
    if (isDebugging) reportLate(req, error)
  }
}

const toldInsecure = new Set<boolean>()

/** The session without anything in it; another object where it cannot be emptied or filled, such as a frozen one. */
function emptied(session: object): object {
  for (const key of Reflect.ownKeys(session)) Reflect.deleteProperty(session, key)
  return Object.isExtensible(session) && Reflect.ownKeys(session).length === 0 ? session : Object.create(null) as object
}

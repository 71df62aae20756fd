import { LateChangeError } from './errors.js'
import { emit, type SessionEvent } from './events.js'
import type { Settings } from './options.js'
import { sessionInfo, unixTime, type SessionCookie } from './session-cookie.js'
import { changedKeys, checkedText, checkPlain, sessionText } from './session-json.js'
import type { AnyRequest, SessionInfo } from './types.js'

/** What a response's head is to carry for a session that was asked for. */
export interface SessionHead {
  /** The Set-Cookie line of ours, if any, and the name it is for. */
  readonly name: string
  readonly line: string | undefined
  /** The session could not be stored: the response is a 500. */
  readonly failed: boolean
  readonly cacheHeaders: boolean
  /** What is to be told once the head has left. */
  readonly event: SessionEvent | undefined
  /** What the browser's cookie holds then; no text where nothing can be compared with it. */
  readonly held: Held
}

/** What a browser's cookie holds: the JSON text, and its times, 0 for a session that was not sent yet. */
interface Held {
  readonly text: string | undefined
  ours: boolean
  readonly created: number
  readonly issued: number
}

const emptyHeld: Held = { text: '{}', ours: true, created: 0, issued: 0 }

/** What `get` hands out while `validate` runs. */
const opening: object = Object.freeze(Object.create(null))

/**
 * The session of one request, from its first `get` to the end of the response.
 *
 * Nothing in here leads back to the request or the response, which come as arguments: this is a WeakMap's value, and
 * such a cycle would make the collector keep whole requests.
 */
export class RequestState {
  readonly cookie: SessionCookie
  /** The response's head is being watched. */
  hooked = false
  #asked = false
  #cleared = false
  #sent = false
  #over = false
  #session: object | undefined
  #held = emptyHeld // as far as is known

  constructor(cookie: SessionCookie) {
    this.cookie = cookie
  }

  /** The session, opened when it is first asked for. */
  session(req: AnyRequest): object {
    this.#asked = true
    return this.#session ?? this.#open(req)
  }

  #open(req: AnyRequest): object {
    this.#session = opening
    const { session, contents, event } = this.cookie.open(req)
    if (this.#session === opening) { // validate may have cleared it
      this.#session = session ?? Object.create(null) as object
      this.#held = contents ?? emptyHeld
    }
    if (event !== undefined) emit(this.cookie.settings, event, req)
    return this.#session
  }

  /** The object stays the one that was handed out, so that what is held of it stays the session. */
  replace(req: AnyRequest, data: unknown): void {
    checkPlain(data, 'session')
    const copy = { ...data } // first, since data may be the session itself
    this.#session = Object.assign(emptied(this.session(req)), copy)
    if (this.#over) this.#tellLate(req)
  }

  /** Without opening the cookie, unless the head has left: then the loss is to be told. */
  clear(req: AnyRequest): void {
    if (this.#sent) {
      this.#session = emptied(this.session(req))
      if (this.#over) this.#tellLate(req)
      return
    }
    this.#asked = true
    this.#session = emptied(this.#session ?? opening)
    this.#cleared = true
    this.#held = emptyHeld
  }

  info(req: AnyRequest): SessionInfo | undefined {
    this.session(req)
    return this.#held.issued === 0 ? undefined : sessionInfo(this.#held, this.cookie.settings)
  }

  /** What the head that is about to leave is to carry; undefined for nothing, not one header. Node may refuse it. */
  head(req: AnyRequest): SessionHead | undefined {
    if (!this.#asked) return undefined
    try {
      return this.#decide(req)
    } catch (error) {
      const held = { ...this.#held, text: undefined }
      return { ...this.#head(undefined, { type: 'failed', error: error as Error }, held), failed: true }
    }
  }

  #decide(req: AnyRequest): SessionHead {
    const session = this.#session!
    const text = sessionText(session)
    if (!this.#cleared && text !== undefined && this.#isHeld(text)) {
      if (this.#isDue(text)) return this.#save(req, text, true)
      return this.#head(undefined, undefined, this.#held)
    }
    const checked = checkedText(session, text)
    if (checked !== '{}') return this.#save(req, checked, false)
    return this.#head(this.cookie.lineToExpire(this.#isSecure(req)), { type: 'cleared' }, emptyHeld)
  }

  #save(req: AnyRequest, text: string, renewed: boolean): SessionHead {
    const now = this.#now()
    const created = this.#held.created || now
    const line = this.cookie.lineToSet(text, created, now, this.#isSecure(req))
    return this.#head(line, { type: 'saved', bytes: line.length, renewed }, { text, ours: true, created, issued: now })
  }

  #head(line: string | undefined, event: SessionEvent | undefined, held: Held): SessionHead {
    const { name, settings } = this.cookie
    return { name, line, failed: false, cacheHeaders: settings.cacheHeaders, event, held }
  }

  /** Whether `text` is what the browser holds, which may have been spelled otherwise than JSON.stringify does. */
  #isHeld(text: string): boolean {
    const held = this.#held
    if (text === held.text) return true
    if (held.ours) return false
    const respelled = sessionText(JSON.parse(held.text!) as object)
    held.ours = respelled === held.text
    return text === respelled
  }

  /** Whether an unchanged session is to be issued again: it is in the second half of its idle window. */
  #isDue(text: string): boolean {
    const { idleTimeout } = this.cookie.settings
    const { issued } = this.#held
    return idleTimeout !== undefined && issued !== 0 && text !== '{}' && 2 * (this.#now() - issued) >= idleTimeout
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
  sent(req: AnyRequest, head: SessionHead | undefined): void {
    this.#sent = true
    if (head === undefined) return
    this.#held = head.held
    const { settings } = this.cookie
    if (head.event !== undefined) emit(settings, head.event, req)
    if (head.line !== undefined && settings.secure === true && !isTls(req)) warnInsecure(settings, req)
  }

  /** The response is over. */
  closed(req: AnyRequest): void {
    this.#over = true
    this.#tellLate(req)
  }

  /** What was changed since the head left is lost, and somebody should know. */
  #tellLate(req: AnyRequest): void {
    const { text } = this.#held
    if (this.#session === undefined || text === undefined) return
    const lost = sessionText(this.#session)
    if (lost === text) return
    this.#held = { ...this.#held, text: lost } // told once
    const keys = changedKeys(text, this.#session)
    if (keys.length === 0) return // the order of keys alone
    const error = new LateChangeError(`the session was changed after the headers had left; lost: ${keys.join(', ')}`)
    emit(this.cookie.settings, { type: 'late', error }, req)
  }
}

/** The session without anything in it; another object where it cannot be emptied or filled, such as a frozen one. */
function emptied(session: object): object {
  for (const key of Reflect.ownKeys(session)) Reflect.deleteProperty(session, key)
  return Object.isExtensible(session) && Reflect.ownKeys(session).length === 0 ? session : Object.create(null) as object
}

function isTls(req: AnyRequest): boolean {
  return (req.socket as { encrypted?: boolean } | undefined)?.encrypted === true
}

let warned = false

/** Once a process; a proxy that ends TLS says so in one of two headers (RFC 7239 §5.4 is the standard one). */
function warnInsecure(settings: Settings, req: AnyRequest): void {
  const { forwarded, 'x-forwarded-proto': proto } = req.headers
  if (warned || /proto="?https/i.test(forwarded ?? '') || /https/i.test(String(proto))) return
  warned = true
  emit(settings, { type: 'insecure' }, req)
}

import { LateChangeError } from './errors.js'
import { emit, type SessionEvent } from './events.js'
import type { Settings } from './options.js'
import { sessionInfo, unixTime, type SessionCookie } from './session-cookie.js'
import { changedKeys, checkSession, sessionText, storableText } from './session-json.js'
import type { AnyRequest, SessionInfo } from './types.js'

/** What a response's head is to carry for a session that was asked for. */
export interface SessionHead {
  /** The Set-Cookie line of ours, if any, with the name it is for. */
  readonly name: string
  readonly line: string | undefined
  /** The session could not be stored: the response is a 500. */
  readonly failed: boolean
  /** Whether `Vary: Cookie` is added, and `no-store` where there is something to write. */
  readonly cacheHeaders: boolean
  readonly event: SessionEvent | undefined
  /** What the browser's cookie holds once this head has left. */
  readonly text: string | undefined
  readonly created: number
  readonly issued: number
}

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
  #session: object | undefined
  // What the browser holds, as far as is known: the JSON text, and its times, 0 for a session not sent yet.
  #text: string | undefined = '{}'
  #created = 0
  #issued = 0

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
    const { opened, event } = this.cookie.open(req)
    if (opened === undefined) {
      this.#session = Object.create(null) as object
    } else {
      this.#session = opened.session
      this.#text = opened.contents.text
      this.#created = opened.contents.created
      this.#issued = opened.contents.issued
    }
    if (event !== undefined) emit(this.cookie.settings, event, req)
    return this.#session
  }

  /** The object stays the one that was handed out, so that what is held of it stays the session. */
  replace(req: AnyRequest, data: unknown): void {
    checkSession(data)
    const copy = { ...data }
    Object.assign(empty(this.session(req)), copy)
  }

  clear(req: AnyRequest): void {
    if (this.#sent) {
      empty(this.session(req))
      return
    }
    this.#asked = true
    this.#session = empty(this.#session ?? Object.create(null) as object)
    this.#cleared = true
    this.#text = '{}'
    this.#created = 0
    this.#issued = 0
  }

  info(req: AnyRequest): SessionInfo | undefined {
    this.session(req)
    return this.#issued === 0 ? undefined : sessionInfo(this.#created, this.#issued, this.cookie.settings)
  }

  /** What the head that is about to leave is to carry; undefined for nothing, not one header. Changes nothing. */
  head(req: AnyRequest): SessionHead | undefined {
    if (!this.#asked) return undefined
    try {
      return this.#decide(req)
    } catch (error) {
      const text = sessionText(this.#session!)
      return this.#head({ failed: true, event: { type: 'failed', error: error as Error }, text })
    }
  }

  #decide(req: AnyRequest): SessionHead {
    const session = this.#session!
    const now = Math.max(unixTime(), this.#created)
    const text = sessionText(session)
    if (!this.#cleared && this.#isSame(text)) {
      return this.#isDue(now) ? this.#save(req, text!, now, true) : this.#head({ text })
    }
    const storable = storableText(session)
    if (storable !== '{}') return this.#save(req, storable, now, false)
    const line = this.cookie.lineToExpire(this.#isSecure(req))
    return this.#head({ line, event: { type: 'cleared' }, text: storable, created: 0, issued: 0 })
  }

  #save(req: AnyRequest, text: string, now: number, renewed: boolean): SessionHead {
    const created = this.#created || now
    const line = this.cookie.lineToSet(text, created, now, this.#isSecure(req))
    return this.#head({ line, event: { type: 'saved', bytes: line.length, renewed }, text, created, issued: now })
  }

  #head(part: Partial<SessionHead>): SessionHead {
    return {
      name: this.cookie.name,
      line: undefined,
      failed: false,
      cacheHeaders: this.cookie.settings.cacheHeaders,
      event: undefined,
      text: undefined,
      created: this.#created,
      issued: this.#issued,
      ...part,
    }
  }

  /** Whether `text` is what was opened. That may have been spelled otherwise than JSON.stringify does. */
  #isSame(text: string | undefined): boolean {
    if (text === this.#text) return true
    return text !== undefined && this.#text !== undefined && text === sessionText(JSON.parse(this.#text) as object)
  }

  /** Whether an unchanged session is to be issued again: it is in the second half of its idle window. */
  #isDue(now: number): boolean {
    const { idleTimeout } = this.cookie.settings
    return idleTimeout !== undefined && this.#issued !== 0 && this.#text !== '{}' && 2 * (now - this.#issued) >= idleTimeout
  }

  #isSecure(req: AnyRequest): boolean {
    const { secure } = this.cookie.settings
    return secure === 'auto' ? isTls(req) : secure
  }

  /** The head has left. */
  sent(req: AnyRequest, head: SessionHead | undefined): void {
    this.#sent = true
    if (head === undefined) return
    this.#text = head.text
    this.#created = head.created
    this.#issued = head.issued
    const { settings } = this.cookie
    if (head.event !== undefined) emit(settings, head.event, req)
    if (head.line !== undefined && settings.secure === true && !isTls(req)) warnInsecure(settings, req)
  }

  /** The response is over: what was changed since the head left is lost, and somebody should know. */
  closed(req: AnyRequest): void {
    if (this.#session === undefined || this.#text === undefined) return
    if (sessionText(this.#session) === this.#text) return
    const keys = changedKeys(this.#text, this.#session)
    if (keys.length === 0) return
    const error = new LateChangeError(`the session was changed after the headers had left; lost: ${keys.join(', ')}`)
    emit(this.cookie.settings, { type: 'late', error }, req)
  }
}

function empty(session: object): object {
  for (const key of Reflect.ownKeys(session)) Reflect.deleteProperty(session, key)
  return session
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

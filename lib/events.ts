import type { LateChangeError } from './errors.js'
import type { AnyRequest } from './types.js'
import { warn, warnOfThrown } from './warnings.js'

/**
 * Why a cookie was refused: its length, its spelling or what was sealed in it (`format`), its tag, its age, because
 * two different ones opened or more than four came (`ambiguous`), or because `validate` said so (`invalid`).
 */
export type RejectedReason = 'length' | 'format' | 'tag' | 'expired' | 'ambiguous' | 'invalid'

/**
 * What became of a session. No event holds a secret key, a cookie or a value of the session; errors name its
 * properties. New types, reasons and fields may come in minor versions.
 */
export type SessionEvent =
  /** No cookie of our name opened. At most once a request, with the reason that got furthest. */
  | { type: 'rejected', reason: RejectedReason }
  /** A cookie opened, under the key of this index. */
  | { type: 'opened', keyIndex: number }
  /** The session's cookie left, in a Set-Cookie line of so many bytes; `renewed` when only its time had changed. */
  | { type: 'saved', bytes: number, renewed: boolean }
  /** The cookie was expired. */
  | { type: 'cleared' }
  /** The session could not be stored, and the response became a 500. */
  | { type: 'failed', error: Error }
  /** The session was changed, or first asked for, after the headers had left; a change is lost. */
  | { type: 'late', error: LateChangeError }
  /**
   * `secure: true`: a Secure cookie left over plain HTTP with no sign of a TLS proxy. `secure: false`: one that is not
   * Secure left, although a proxy's header says that the browser uses TLS. Once a process each.
   */
  | { type: 'insecure', secure: boolean }

type OnEvent = ((event: SessionEvent, req: AnyRequest) => unknown) | undefined

/** Tells the `onEvent` of one RequestSessions what became of its sessions. */
export class EventSink {
  #toldOfFault = false

  /** Whatever `onEvent` does with it. Without one, what needs somebody's care becomes a process warning. */
  emit(onEvent: OnEvent, event: SessionEvent, req: AnyRequest): void {
    if (onEvent === undefined) return warnOfEvent(event)
    try {
      const result = onEvent(event, req)
      // An async listener that rejects would end the process.
      if (result !== undefined) Promise.resolve(result).catch((error: unknown) => this.#tellOfFault(error))
    } catch (error) {
      this.#tellOfFault(error)
    }
  }

  #tellOfFault(error: unknown): void {
    if (this.#toldOfFault) return
    this.#toldOfFault = true
    warnOfThrown('"onEvent"', error, 'ERR_SESHCOOKIE_ON_EVENT')
  }
}

function warnOfEvent(event: SessionEvent): void {
  if (event.type === 'failed' || event.type === 'late') {
    const { name, message, code } = event.error as Error & { code?: string }
    warn(message, name, code ?? 'ERR_SESHCOOKIE_FAILED')
  }
  if (event.type === 'insecure') {
    warn(event.secure ? secureOverHttp : notSecureOverTls, 'Warning', 'ERR_SESHCOOKIE_INSECURE')
  }
}

const secureOverHttp = 'a session cookie that is Secure left over plain HTTP: the browser will most likely drop it. ' +
  'Behind a proxy that ends TLS, let it send X-Forwarded-Proto'
const notSecureOverTls = 'a session cookie that is not Secure left, although a proxy says that the browser uses TLS: ' +
  'set "secure" to true'

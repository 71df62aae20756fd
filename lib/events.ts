import type { LateChangeError } from './errors.js'
import { labelOf } from './request.js'
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
  /**
   * The session could not be stored, and the response became a 500, unless `check` had told of it, or the session was
   * only to be renewed.
   */
  | { type: 'failed', error: Error }
  /** The session was changed, or first asked for, after the headers had left; a change is lost. */
  | { type: 'late', error: LateChangeError }
  /**
   * `secure: true`: a Secure cookie left over plain HTTP with no sign of a TLS proxy. `secure: false`: one that is not
   * Secure left, although a proxy's header says that the browser uses TLS. Once a process each.
   */
  | { type: 'insecure', secure: boolean }

type OnEvent = ((event: SessionEvent, req: AnyRequest) => unknown) | undefined

/** Tells whoever listens what became of a session; `note` is for the warning that takes a listener's place. */
export type Emit = (event: SessionEvent, req: AnyRequest, note?: string) => void

/** Never throws: neither what `onEvent` throws nor a promise of its that rejects may harm a request. */
export function emitterFor(onEvent: () => OnEvent): Emit {
  let hasWarned = false
  const warnOfFault = (error: unknown) => {
    if (!hasWarned) warnOfThrown('"onEvent"', error, 'ERR_SESHCOOKIE_ON_EVENT')
    hasWarned = true
  }
  return (event, req, note = '') => {
    const listener = onEvent()
    if (listener === undefined) return warnOfEvent(event, req, note)
    try {
      const result: unknown = listener(event, req)
      if (result !== undefined) Promise.resolve(result).catch(warnOfFault)
    } catch (error) {
      warnOfFault(error)
    }
  }
}

/** Of what needs somebody's care. */
function warnOfEvent(event: SessionEvent, req: AnyRequest, note: string): void {
  if (event.type === 'failed' || event.type === 'late') {
    const { name, message, code } = event.error as Error & { code?: string }
    warn(`${labelOf(req)}: ${message}${note}`, name, code ?? 'ERR_SESHCOOKIE_FAILED')
  }
  if (event.type === 'insecure') {
    warn(event.secure ? secureOverHttp : notSecureOverTls, 'Warning', 'ERR_SESHCOOKIE_INSECURE')
  }
}

const secureOverHttp = 'a session cookie that is Secure left over plain HTTP: the browser will most likely drop it. ' +
  'Behind a proxy that ends TLS, let it send X-Forwarded-Proto'
const notSecureOverTls = 'a session cookie that is not Secure left, although a proxy says that the browser uses TLS: ' +
  'set "secure" to true'

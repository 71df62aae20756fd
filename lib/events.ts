import type { LateChangeError } from './errors.js'
import type { Settings } from './options.js'
import type { AnyRequest } from './types.js'

/**
 * Why a cookie was refused: its length, its spelling or what was sealed in it (`format`), its tag, its age, because
 * two different ones opened (`ambiguous`), or because `validate` said so (`invalid`).
 */
export type RejectedReason = 'length' | 'format' | 'tag' | 'expired' | 'ambiguous' | 'invalid'

/** What became of a session. No event holds a secret key, a cookie or a value of the session; errors name its properties. */
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
  /** The session was changed after the headers had left; the change is lost. */
  | { type: 'late', error: LateChangeError }
  /** A Secure cookie left over plain HTTP with no sign of a TLS proxy; once a process. */
  | { type: 'insecure' }

const insecureWarning = 'a session cookie that is Secure left over plain HTTP: the browser will most likely drop it. ' +
  'Behind a proxy that ends TLS, let it send X-Forwarded-Proto'

/**
 * Tells `onEvent`, whatever it does with it; without one, what needs somebody's care becomes a process warning.
 * @internal
 */
export function emit({ onEvent }: Settings, event: SessionEvent, req: AnyRequest): void {
  if (onEvent === undefined) {
    if (event.type === 'failed' || event.type === 'late') process.emitWarning(event.error)
    if (event.type === 'insecure') process.emitWarning(insecureWarning, { code: 'ERR_SESHCOOKIE_INSECURE' })
    return
  }
  try {
    const result = onEvent(event, req)
    // An async listener that rejects would end the process.
    if (result !== undefined) Promise.resolve(result).catch(() => {})
  } catch {
    // A listener that throws harms nobody.
  }
}

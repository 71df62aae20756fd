import { randomBytes } from 'node:crypto'
import type { Key } from 'seshcookie-http'

export interface Settings {
  readonly port: number
  /** The first seals the cookies, every one opens them. */
  readonly keys: readonly Key[]
  /** Whether the first key was given, so that sessions outlive the process. */
  readonly lasting: boolean
  readonly secure: boolean
}

export const howToMakeAKey = 'node -p "crypto.randomBytes(32).toString(\'base64url\')"'

/**
 * The settings of the auth example, or what is wrong with them. They are environment variables:
 *
 * - PORT: where to listen, 8080 when it is not set; 0 is any free port
 * - SESSION_KEY: the key that seals the cookies, any string of 32 bytes or more
 * - SESSION_KEY_ALSO: one more key that opens them, while a key is replaced: the new one first, and then the old one
 * - SECURE: 1 behind a proxy that ends TLS, so that the cookie never travels without it
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings | string {
  const { PORT = '8080', SESSION_KEY, SESSION_KEY_ALSO, SECURE = '0' } = env
  if (!/^\d{1,5}$/.test(PORT) || Number(PORT) > 65535) return 'PORT must be a number from 0 to 65535.'
  if (SECURE !== '0' && SECURE !== '1') return 'SECURE must be 0 or 1.'

  const lasting = SESSION_KEY !== undefined
  const keys: Key[] = lasting ? [] : [randomBytes(32)]
  for (const [name, key] of Object.entries({ SESSION_KEY, SESSION_KEY_ALSO })) {
    if (key === undefined) continue
    const length = Buffer.byteLength(key)
    if (length < 32) return `${name} must be 32 bytes or longer, not ${length}. Make one with: ${howToMakeAKey}`
    if (key !== key.trim()) return `${name} begins or ends with white space, such as the line break of a file.`
    keys.push(key)
  }
  return { port: Number(PORT), keys, lasting, secure: SECURE === '1' }
}

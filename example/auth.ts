import { randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { SessionHandler, type Key } from 'seshcookie-http'
import { AuthHandler, Session } from './auth-handler.js'
import { FileServer } from './file-server.js'
import { secured } from './pages.js'

/**
 * A site behind a login. Each handler wraps the next: SessionHandler opens the cookie, AuthHandler asks who is there,
 * FileServer sends the file.
 */
export function createAuthServer(keys: readonly Key[]): Server {
  const files = new FileServer(secured)
  const auth = new AuthHandler(files.listener)
  const sessions = new SessionHandler(auth.listener, keys, Session, {
    // A browser takes a __Host- cookie over TLS alone, and never from a sibling domain. RFC 6265bis §4.1.3.2
    cookieName: Session.secure === true ? '__Host-session' : 'session',
  })
  return createServer(limits, sessions.listener)
}

// Milliseconds. Nobody needs longer to send a login form; who neither sends nor reads for long is let go.
const limits = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 }
const idleTimeout = 30_000
const lastRequests = 2_000

const howToMakeAKey = 'node -p "crypto.randomBytes(32).toString(\'base64url\')"'

/**
 * The program. Its settings are environment variables:
 *
 * - PORT: where to listen, 8080 when it is not set; 0 is any free port
 * - SESSION_KEY: the key that seals the cookies, any string of 32 bytes or more
 * - SESSION_KEY_ALSO: one more key that opens them, while a key is replaced: the new one first, and then the old one
 * - SECURE: 1 behind a proxy that ends TLS, so that the cookie never travels without it
 */
function main({ PORT = '8080', SESSION_KEY, SESSION_KEY_ALSO, SECURE }: NodeJS.ProcessEnv): void {
  if (!/^\d{1,5}$/.test(PORT) || Number(PORT) > 65535) return fail('PORT must be a number from 0 to 65535.')

  const keys: Key[] = SESSION_KEY === undefined ? [randomBytes(32)] : []
  for (const [name, key] of Object.entries({ SESSION_KEY, SESSION_KEY_ALSO })) {
    if (key === undefined) continue
    const length = Buffer.byteLength(key)
    if (length < 32) return fail(`${name} must be 32 bytes or longer, not ${length}. Make one with: ${howToMakeAKey}`)
    keys.push(key)
  }
  if (SECURE === '1') Session.secure = true

  const server = createAuthServer(keys)
  server.timeout = idleTimeout
  server.on('error', (error: NodeJS.ErrnoException) => {
    const inUse = `Port ${PORT} is in use. Choose another one with PORT, or 0 for any that is free.`
    fail(error.code === 'EADDRINUSE' ? inUse : error.message)
  })
  server.listen(Number(PORT), '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    console.log(`Open http://127.0.0.1:${port} and log in:`)
    console.log('  user1, password love (or user2, sex; user3, secret; user4, god)')
    if (SESSION_KEY !== undefined) return
    console.log('No SESSION_KEY is set: sessions end with this process. To make them last, start it after')
    console.log(`  export SESSION_KEY="$(${howToMakeAKey})"`)
  })

  const stop = (): void => {
    server.close()
    setTimeout(() => server.closeAllConnections(), lastRequests).unref()
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.env)

import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { Key } from 'seshcookie-http'
import { Session } from './auth-handler.js'
import { createAuthServer } from './auth-server.js'

const lastRequests = 2_000 // milliseconds that they have to finish when the server is ended
const howToMakeAKey = 'node -p "crypto.randomBytes(32).toString(\'base64url\')"'

/**
 * The program around the server. Its settings are environment variables:
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
  server.on('error', (error) => fail(`Port ${PORT} cannot be had, so choose another one with PORT: ${error.message}`))
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

main(process.env)

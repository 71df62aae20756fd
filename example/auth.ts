import type { AddressInfo } from 'node:net'
import { Session } from './auth-handler.js'
import { createAuthServer } from './auth-server.js'
import { howToMakeAKey, readSettings, type Settings } from './settings.js'

const lastRequests = 2_000 // milliseconds that they have to finish when the server is ended

function main({ port, keys, lasting, secure }: Settings): void {
  if (secure) Session.secure = true
  const server = createAuthServer(keys)

  server.on('error', (error) => fail(`Cannot listen on port ${port} (${error.message}). Set PORT to another one.`))
  server.listen(port, '127.0.0.1', () => {
    console.log(`Open http://127.0.0.1:${(server.address() as AddressInfo).port} and log in:`)
    console.log('  user1, password teapot (or user2, lantern; user3, pelican; user4, marigold)')
    if (lasting) return
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

const settings = readSettings(process.env)
if (typeof settings === 'string') fail(settings)
else main(settings)

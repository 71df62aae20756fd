import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** Starts a server on any free port of this machine until the test ends, and tells its origin. */
export async function listen(t: Test, server: Server | RequestListener): Promise<string> {
  const listening = typeof server === 'function' ? createServer(server) : server
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  t.teardown(() => {
    listening.close()
    listening.closeAllConnections()
  })
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
}

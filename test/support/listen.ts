import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'

/** Who says when it is over: a test, for one. */
export interface Scope {
  teardown(end: () => void): unknown
}

/** Starts a server on any free port of this machine until `scope` is over, and tells its origin. */
export async function listen(scope: Scope, server: Server | RequestListener): Promise<string> {
  const listening = typeof server === 'function' ? createServer(server) : server
  const sockets = new Set<Socket>()
  listening.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  scope.teardown(() => {
    listening.close()
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
}

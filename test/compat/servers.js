import { once } from 'node:events'

/** Listens on a free port of the loopback interface, where the server does not yet; gives the port. */
export async function listen(server) {
  if (!server.listening) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  return server.address().port
}

/** Closes a server and the connections that clients left open. */
export function stop(server) {
  server.closeAllConnections?.()
  server.close()
}

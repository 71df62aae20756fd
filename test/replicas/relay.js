import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** Stands between a machine and Redis. While it is cut, it takes all and passes nothing on: no error, silence. */
export class Relay {
  #server
  #sockets = new Set()
  #cut = false

  static async start(port, target) {
    const relay = new Relay()
    relay.#server = createServer((socket) => relay.#pass(socket, connect(target, '127.0.0.1')))
    relay.#server.listen(port, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  #pass(...pair) {
    for (const [index, socket] of pair.entries()) {
      const other = pair[1 - index]
      this.#sockets.add(socket)
      socket.on('data', (chunk) => { if (!this.#cut) other.write(chunk) })
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }

  cut() { this.#cut = true }

  /** What was swallowed is gone, so the connections that lack it end. */
  mend() {
    for (const socket of this.#sockets) socket.destroy()
    this.#cut = false
  }

  stop() {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

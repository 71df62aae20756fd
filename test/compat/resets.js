import net from 'node:net'

const handshake = 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n' +
  'Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

/** Clients that ask for an upgrade and reset the connection while it is refused, until `over()` or `count` of them. */
export async function reset(port, count, over = () => false) {
  for (let client = 0; client < count && !over(); client++) {
    await new Promise((resolve) => {
      const away = () => socket.resetAndDestroy()
      const socket = net.connect(port, '127.0.0.1', () => {
        // Half of them at once, half of them a moment later.
        socket.write(handshake, () => client % 2 === 0 ? away() : setImmediate(away))
      })
      socket.on('error', () => {})
      socket.on('close', resolve)
    })
  }
}

/** A client that is refused and never closes: resolves with the answer once the server has closed the connection. */
export function stay(port) {
  return new Promise((resolve) => {
    let answer = ''
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.write(handshake))
    socket.on('data', (part) => { answer += part })
    // The server's side is gone once a write is answered by a reset.
    const knock = setInterval(() => socket.write('x'), 20)
    socket.on('error', () => {})
    socket.on('close', () => { clearInterval(knock); resolve(answer) })
  })
}

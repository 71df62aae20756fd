// What a session in the cookie costs on the wire, against an id that leads to a session in a store: by how many bytes a
// request grows, and an answer that sets the cookie. Over HTTP/2 as Node's own client packs headers.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import * as http1 from 'node:http'
import * as http2 from 'node:http2'
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'
import { RequestSessions, SessionHandler } from 'seshcookie-http'

const handler = new SessionHandler(() => {}, randomBytes(32), new RequestSessions({ secure: true }), {
  cookieName: '__Host-session',
})
const attributes = `; Max-Age=86400; Expires=${new Date().toUTCString()}; Path=/; Secure; HttpOnly; SameSite=Lax`
const session = (size) => handler.encodeCookie({ text: 'x'.repeat(size - JSON.stringify({ text: '' }).length) })
const rows = [
  ['id of 32 bytes, session in a store', () => randomBytes(32).toString('base64url')],
  ...[24, 134, 512, 1024, 2096, 2880].map((size) => [`session of ${size} bytes of JSON`, () => session(size)]),
]

/** A relay that counts the bytes that clients send through it. */
class Meter {
  bytes = 0
  #relay

  async start(server) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#relay = createServer((socket) => {
      socket.on('data', (chunk) => { this.bytes += chunk.length })
      pipeline(socket, connect(server.address().port, '127.0.0.1'), socket, () => {})
    }).listen(0, '127.0.0.1')
    await once(this.#relay, 'listening')
    this.origin = `http://127.0.0.1:${this.#relay.address().port}`
    this.stop = () => {
      this.#relay.close()
      server.close()
    }
    return this
  }

  /** How many bytes something sends. */
  async of(send) {
    const before = this.bytes
    await send()
    return this.bytes - before
  }
}

const answer = (req, res) => res.end()
const meter1 = await new Meter().start(http1.createServer(answer))
const meter2 = await new Meter().start(http2.createServer(answer))
const agent = new http1.Agent({ keepAlive: true, maxSockets: 1 })

async function get1(cookie) {
  const req = http1.get(meter1.origin, { agent, headers: cookie && { cookie } })
  const [res] = await once(req, 'response')
  await once(res.resume(), 'end')
}

async function get2(client, cookie) {
  const req = client.request({ ':path': '/', ...(cookie && { cookie }) })
  await once(req, 'response')
  await once(req.resume(), 'end')
}

async function warmClient() {
  const client = http2.connect(meter2.origin)
  for (let requests = 0; requests < 3; requests++) await get2(client)
  return client
}

console.log('bytes more, because of the cookie'.padEnd(36), 'HTTP/1.1'.padStart(10), 'HTTP/2 new'.padStart(12),
  'HTTP/2 again'.padStart(14), 'Set-Cookie'.padStart(12))
for (const [name, value] of rows) {
  const cookie = `__Host-session=${value()}`
  const over1 = await meter1.of(() => get1(cookie)) - await meter1.of(() => get1())
  const client = await warmClient()
  const bare = await meter2.of(() => get2(client))
  const first = await meter2.of(() => get2(client, cookie)) - bare
  const again = await meter2.of(() => get2(client, cookie)) - bare
  client.close()
  const line = `Set-Cookie: ${cookie}${attributes}\r\n`.length
  console.log(name.padEnd(36), String(over1).padStart(10), String(first).padStart(12), String(again).padStart(14),
    String(line).padStart(12))
}
agent.destroy()
meter1.stop()
meter2.stop()

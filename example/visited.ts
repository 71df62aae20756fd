import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Session, SessionHandler } from 'seshcookie-http'

const { SESSION_KEY, PORT = '8080' } = process.env
if (!SESSION_KEY) console.log('No SESSION_KEY is set: the visits are forgotten when this process ends.')

const visited = new SessionHandler((req, res) => {
  if (req.url !== '/') return void res.writeHead(404).end()

  const session = Session.get(req)
  const count = Number(session.count ?? 0) + 1
  session.count = count

  res.setHeader('Content-Type', 'text/plain')
  res.end(count === 1 ? 'this is your first visit, welcome!\n' : `page view #${count}\n`)
}, SESSION_KEY || randomBytes(32))

const server = createServer(visited.listener)
server.on('error', (error) => {
  console.error(error.message)
  process.exitCode = 1
})
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`Open http://127.0.0.1:${(server.address() as AddressInfo).port} and reload it.`)
})

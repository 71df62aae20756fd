import { once } from 'node:events'
import http from 'node:http'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import { WebSocket, WebSocketServer } from 'ws'
import { NoSessionError, RequestSessions, Session, SessionHandler } from './library.js'
import { equal, row } from './report.js'
import { listen, stop } from './servers.js'
import { key, sessionHandler } from './story/app.js'

/** Requests without a response: the handler's `read` opens their session. */
export async function socketRows(suite) {
  const handler = sessionHandler((req, res) => res.end())
  const headers = { Cookie: `session=${handler.encodeCookie({ user: 'ann' })}` }

  const wsRow = (name, options, wanted, act, check) => row(suite, 'ws', name, async () => {
    const server = http.createServer(handler.listener)
    const sockets = new WebSocketServer({ noServer: true })
    server.on('upgrade', (req, socket, head) => {
      socket.on('error', () => socket.destroy())
      act?.(req, sockets)
      sockets.handleUpgrade(req, socket, head, (webSocket) => webSocket.send(JSON.stringify(handler.read(req))))
    })
    const client = new WebSocket(`ws://127.0.0.1:${await listen(server)}`, options)
    const upgraded = once(client, 'upgrade')
    try {
      const [message] = await once(client, 'message')
      equal(JSON.parse(message), wanted, 'what the server read')
      check?.((await upgraded)[0])
    } finally {
      client.terminate()
      stop(server)
    }
  })
  await wsRow('read', { headers }, { user: 'ann' })
  await wsRow('read without a cookie', {}, {})
  await wsRow('read, then Session.get', { headers }, { user: 'ann' }, (req) => {
    handler.read(req)
    equal({ ...Session.get(req) }, { user: 'ann' }, 'Session.get')
  })
  await wsRow('Session.get without read says so', { headers }, { user: 'ann' }, (req) => {
    try {
      Session.get(req)
    } catch (error) {
      equal(error instanceof NoSessionError, true, 'NoSessionError')
      return
    }
    throw new Error('expected a NoSessionError, got a session')
  })
  const changed = { user: 'ann', seen: true }
  await wsRow('a cookie on the 101 answer', { headers }, changed, (req, sockets) => {
    const session = handler.read(req)
    session.seen = true
    const line = `Set-Cookie: session=${handler.encodeCookie(session)}; Path=/; HttpOnly; SameSite=Lax`
    sockets.on('headers', (lines) => { lines.push(line) })
  }, (response) => {
    const [line] = response.headers['set-cookie']
    equal({ ...handler.decodeCookie(/^session=([^;]*)/.exec(line)[1]) }, changed, 'the sealed session')
  })

  await row(suite, 'socket.io', 'io.engine.use(handler.attach) is too late for a change, and that is told', async () => {
    const events = []
    const sessions = new RequestSessions({ onEvent: (event) => events.push(event) })
    const server = http.createServer()
    const sockets = new Server(server)
    sockets.engine.use(new SessionHandler(null, key, sessions).attach)
    const told = once(sockets, 'connection').then(([socket]) => { sessions.get(socket.request).seen = true })
    const client = io(`http://127.0.0.1:${await listen(server)}`, { transports: ['polling'], forceNew: true })
    await told
    await new Promise(setImmediate)
    client.disconnect()
    await sockets.close()
    equal(events.map(({ type, error }) => [type, error.keys]), [['late', ['seen']]], 'events')
  })
  for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
    await row(suite, 'socket.io', transports.join(', then '), async () => {
      const server = http.createServer(handler.listener)
      const sockets = new Server(server)
      sockets.on('connection', (socket) => socket.emit('session', handler.read(socket.request)))
      const options = { transports, extraHeaders: headers, forceNew: true }
      const client = io(`http://127.0.0.1:${await listen(server)}`, options)
      try {
        const session = await new Promise((resolve, reject) => {
          client.on('session', resolve)
          client.on('connect_error', reject)
        })
        equal(session, { user: 'ann' }, 'what the server read')
      } finally {
        client.disconnect()
        await sockets.close()
      }
    })
  }
}

/**
 * Run by stories/does-not-persist.test.ts with NODE_DEBUG=seshcookie, which a process reads when it starts: for each
 * message, a site of these settings; the answer is its port.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RequestSessions, SessionHandler, type HandlerOptions, type SessionOptions } from '../../lib/index.js'

export interface Settings { key: string, sessions: SessionOptions, handler: HandlerOptions }

process.on('message', ({ key, sessions: options, handler: names }: Settings) => {
  const sessions = new RequestSessions({ onEvent: () => {}, ...options })
  const handler = new SessionHandler((req, res) => {
    const session = sessions.get(req)
    const path = req.url!.replace(/^.*\//, '/')
    if (path === '/login') session['user'] = 'ann'
    if (path === '/logout') sessions.clear(req)
    if (path === '/flash') session['message'] = 'paid'
    if (path === '/by-hand') {
      session['seen'] = true
      res.setHeader('Set-Cookie', 'session=; Max-Age=0; Path=/')
    }
    if (path === '/large') session['large'] = 'x'.repeat(5000)
    res.write(String(session['user'] ?? 'nobody'))
    if (path === '/late') session['user'] = 'ann'
    res.end()
  }, Buffer.from(key), sessions, names)
  const server = createServer(handler.listener).listen(0, '127.0.0.1', () => {
    process.send!((server.address() as AddressInfo).port)
  })
})
process.on('disconnect', () => { process.exit() })

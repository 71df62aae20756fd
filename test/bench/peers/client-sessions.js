import { randomBytes } from 'node:crypto'
import clientSessions from 'client-sessions'
import { visit } from '../visit.js'

const options = { cookieName: 'session', secret: randomBytes(32).toString('base64url'), duration: 86_400_000 }

export function codec() {
  const own = { ...options } // it keeps the derived keys there
  return {
    seal: (session) => clientSessions.util.encode(own, session, own.duration),
    open: (value) => clientSessions.util.decode(own, value).content,
    cookie: (value) => `session=${value}`,
  }
}

export function listener(writes) {
  const middleware = clientSessions({ ...options })
  return (req, res) => middleware(req, res, () => res.end(visit(req.session, req.url, writes)))
}

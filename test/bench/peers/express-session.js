import { randomBytes } from 'node:crypto'
import session, { MemoryStore } from 'express-session'
import { visit } from '../visit.js'

/** Its cookie holds a signed number; the session is in the memory of this one process. */
export function listener(writes) {
  const middleware = session({
    secret: randomBytes(32).toString('base64url'),
    store: new MemoryStore(),
    resave: false,
    saveUninitialized: false,
  })
  return (req, res) => middleware(req, res, () => {
    const body = visit(req.session, req.url, writes)
    res.setHeader('Content-Length', body.length) // as Express does; without it the middleware's two writes are chunks
    res.end(body)
  })
}

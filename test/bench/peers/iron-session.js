import { randomBytes } from 'node:crypto'
import { getIronSession, sealData, unsealData } from 'iron-session'
import { changes, visit } from '../visit.js'

const options = { cookieName: 'session', password: randomBytes(32).toString('base64url') }

export function codec() {
  return {
    awaited: true,
    seal: (session) => sealData(session, options),
    open: (value) => unsealData(value, options),
    cookie: (value) => `session=${value}`,
  }
}

export function listener(writes) {
  return async (req, res) => {
    const session = await getIronSession(req, res, options)
    const body = visit(session, req.url, writes)
    if (changes(req.url, writes)) await session.save()
    res.end(body)
  }
}

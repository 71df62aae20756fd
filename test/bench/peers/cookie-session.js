import { randomBytes } from 'node:crypto'
import cookieSession from 'cookie-session'
import Keygrip from 'keygrip'
import { visit } from '../visit.js'

const keys = [randomBytes(32).toString('base64url')]

/** What it does to a session and back, without its Cookies class: it signs, and whoever has the cookie can read it. */
export function codec() {
  const keygrip = new Keygrip(keys)
  return {
    seal(session) {
      const value = Buffer.from(JSON.stringify(session)).toString('base64')
      return { value, signature: keygrip.sign(`session=${value}`) }
    },
    open({ value, signature }) {
      if (!keygrip.verify(`session=${value}`, signature)) throw new Error('the signature does not match')
      return JSON.parse(Buffer.from(value, 'base64').toString('utf8'))
    },
    cookie: ({ value, signature }) => `session=${value}; session.sig=${signature}`,
  }
}

export function listener(writes) {
  const middleware = cookieSession({ name: 'session', keys })
  return (req, res) => middleware(req, res, () => res.end(visit(req.session, req.url, writes)))
}

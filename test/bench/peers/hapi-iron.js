import { randomBytes } from 'node:crypto'
import Iron from '@hapi/iron'

const password = randomBytes(32).toString('base64url')

export function codec() {
  return {
    awaited: true,
    seal: (session) => Iron.seal(session, password, Iron.defaults),
    open: (value) => Iron.unseal(value, password, Iron.defaults),
    cookie: (value) => `session=${value}`,
  }
}

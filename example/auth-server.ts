import { createServer, type Server } from 'node:http'
import { SessionHandler, type Key } from 'seshcookie-http'
import { AuthHandler, Session } from './auth-handler.js'
import { FileServer } from './file-server.js'
import { secured } from './pages.js'
import { checkUser } from './users.js'

// Milliseconds. Nobody needs longer to send a login form; who neither sends nor reads for long is let go.
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000, // without it node looks at the first two twice a minute
}
const idleTimeout = 30_000

/**
 * A site behind a login. Each handler wraps the next: SessionHandler opens the cookie, AuthHandler asks who is there,
 * FileServer sends the file.
 */
export function createAuthServer(keys: readonly Key[], check = checkUser): Server {
  const files = new FileServer(secured)
  const auth = new AuthHandler(files.listener, check)
  const sessions = new SessionHandler(auth.listener, keys, Session, {
    // A browser takes a __Host- cookie over TLS alone, and never from a sibling domain. RFC 6265bis §4.1.3.2
    cookieName: Session.secure === true ? '__Host-session' : 'session',
  })
  const server = createServer(limits, sessions.listener)
  server.timeout = idleTimeout
  return server
}

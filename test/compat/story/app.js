import { Session, SessionHandler } from '../library.js'

export const key = new Uint8Array(32).fill(7)

// The story's size error is expected, and needs no warning.
Session.onEvent = () => {}

/**
 * The story's server, told without a framework. A route gets node's request, and gives
 * { status, headers, text | json | stream }: the frameworks send that in their own ways.
 */
export function makeRoutes(gate, tabs) {
  return Object.entries({
    // These never ask for the session.
    '/plain': () => ({ text: 'plain' }),
    '/plain-headers': () => ({ headers: ownHeaders, json: { plain: true } }),
    '/plain-stream': () => ({ stream: parts(['one', 'two']) }),

    '/me': (req) => ({ json: { ...Session.get(req) } }),
    '/login': (req) => {
      Session.set(req, { user: new URL(req.url, 'http://localhost').searchParams.get('user') })
      return { json: { welcome: true } }
    },
    '/own-cookies': (req) => {
      Session.get(req).own = true
      return { headers: ownHeaders, json: { own: true } }
    },
    // Waits until both tabs have read their session.
    '/tab': async (req) => {
      const session = Session.get(req)
      await tabs()
      session.tab = new URL(req.url, 'http://localhost').searchParams.get('n')
      return { json: { tab: session.tab } }
    },
    '/stream': (req) => {
      Session.get(req).streamed = true
      return { stream: parts(['one', 'two', 'three'], gate()) }
    },
    '/large': (req) => {
      Session.get(req).large = 'x'.repeat(5000)
      return { json: { large: true } }
    },
    '/throws': (req) => {
      Session.get(req).thrown = true
      throw new Error('the application failed')
    },
    '/logout': (req) => {
      Session.clear(req)
      return { json: { bye: true } }
    },
  })
}

export const ownHeaders = { 'X-Own': 'yes', 'Set-Cookie': ['a=1; Path=/', 'b=2; Path=/'] }

/** Gives the first part at once, and the others when the gate has opened. */
async function* parts(texts, gate) {
  for (const text of texts) {
    yield text
    await gate
  }
}

export function sessionHandler(listener) {
  return new SessionHandler(listener, key)
}

/** Puts the session handler around a listener. */
export function withSession(listener) {
  return sessionHandler(listener).listener
}

import { createHash, randomBytes } from 'node:crypto'
import { RequestSessions, SessionHandler } from 'seshcookie-http'

export const longestLine = 4093 // bytes of a whole Set-Cookie line

/** One handler for each kind of cookie, at /lax, /strict, and so on. Each counts the visits in its own session. */
export class CounterSite {
  events = []
  #handlers

  constructor() {
    const onEvent = (event) => this.events.push(event)
    const handler = (cookieName, options, count = visit) => {
      const sessions = new RequestSessions({ secure: true, onEvent, ...options })
      return new SessionHandler((req, res) => count(sessions, req, res), randomBytes(32), sessions, { cookieName })
    }
    this.text = longestText()
    this.#handlers = {
      '/lax': handler('lax', {}),
      '/strict': handler('strict', { sameSite: 'strict' }),
      '/none': handler('none', { sameSite: 'none' }),
      '/partitioned': handler('partitioned', { sameSite: 'none', partitioned: true }),
      '/script': handler('script', { httpOnly: false }),
      '/closing': handler('closing', { persistent: false }),
      '/domain': handler('domain', { domain: 'app.test' }),
      '/session': handler('session', {}),
      '/__Host-session': handler('__Host-session', {}),
      '/long': handler(this.text.cookieName, {}, fill(this.text.length)),
      '/longer': handler(this.text.cookieName + 'x', {}, fill(this.text.length)),
    }
  }

  listener = (req, res) => {
    const handler = this.#handlers[new URL(req.url, 'https://app.test').pathname]
    if (handler === undefined) res.writeHead(404).end()
    else handler.listener(req, res)
  }
}

function visit(sessions, req, res) {
  const session = sessions.get(req)
  const owner = new URL(req.url, 'https://app.test').searchParams.get('owner')
  if (owner !== null) session.owner = owner
  session.count = (session.count ?? 0) + 1
  send(res, `count ${session.count}, owner ${session.owner ?? 'nobody'}`)
}

/** The first visit fills the session, a later one only looks at it. */
function fill(length) {
  return (sessions, req, res) => {
    const session = sessions.get(req)
    if (session.text === undefined) session.text = 'a'.repeat(length - 1) + 'z'
    else return send(res, `found ${hash(session.text)}`)
    send(res, 'filled')
  }
}

function send(res, text) {
  res.setHeader('content-type', 'text/html; charset=utf-8')
  res.end(`<!doctype html><title>Counter</title><p>${text}</p>`)
}

export function hash(text) {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * The text and the cookie's name with which the line has its greatest length to the byte. The cookie grows by 32 bytes
 * at a time, the spaces that hide the length, so the name takes up what is left.
 */
function longestText() {
  const sessions = new RequestSessions({ secure: true })
  const handler = new SessionHandler(null, randomBytes(32), sessions, { cookieName: 'long' })
  let [length, size] = [0, 0]
  try {
    for (;; length++) size = handler.encodeSetCookie({ text: 'a'.repeat(length + 1) }).length
  } catch (error) {
    if (error.code !== 'ERR_SESHCOOKIE_SIZE') throw error
  }
  return { length, cookieName: 'long'.padEnd(4 + longestLine - size, '_') }
}

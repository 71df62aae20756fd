import { openText, recallText, remember, sealText } from './floor.js'
import { visit } from './visit.js'

/*
 * The floor of a server: handlers that do what ours make possible, in the fewest plain calls, with nothing around
 * them. An entry in a WeakMap for each request; where the session is used, the cookie opened or recalled, one
 * JSON.stringify to see a change, and the headers given to writeHead, which is the quickest way to give them. No hook
 * that would see them given in another way, no check but the tag's, nothing that notices a change that comes too late.
 * Of what it writes it remembers the logins, as no browser here sends another cookie back.
 */

const states = new WeakMap()
const attributes = '; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax'

/** The JSON in the request's only cookie, without spaces at the end. */
function textOf({ cookie }, remembers) {
  if (cookie === undefined) return '{}'
  const recalled = remembers ? recallText(cookie) : undefined
  return recalled ?? openText(cookie.slice(cookie.indexOf('=') + 1)).trimEnd()
}

function asking(writes, remembers) {
  return (req, res) => {
    const state = { session: undefined }
    states.set(req, state)
    const before = textOf(req.headers, remembers)
    state.session = JSON.parse(before)
    const body = visit(state.session, req.url, writes)
    const after = JSON.stringify(state.session)
    if (after === before) {
      res.writeHead(200, ['Content-Length', body.length, 'Vary', 'Cookie'])
    } else {
      const value = sealText(after, Math.floor(Date.now() / 1000))
      if (remembers && before === '{}') remember(value, after)
      const line = `session=${value}${attributes}`
      res.writeHead(200, [
        'Content-Length', body.length, 'Set-Cookie', line, 'Vary', 'Cookie', 'Cache-Control', 'no-store',
      ])
    }
    res.end(body)
  }
}

function ignoring(req, res) {
  states.set(req, { session: undefined })
  res.end(visit.constant)
}

/** A listener. `use`: 'ignored', 'read' or 'written'. */
export function listener(use, remembers = true) {
  return use === 'ignored' ? ignoring : asking(use === 'written', remembers)
}

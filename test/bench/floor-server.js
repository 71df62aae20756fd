import { openText, recallText, remember, rememberSealed, sealText } from './floor.js'
import { visit } from './visit.js'

/*
 * The floor of a server: handlers that do what ours make possible, in the fewest plain calls, with nothing around
 * them. An entry in a WeakMap for each request; where the session is used, the cookie opened or recalled, one
 * JSON.stringify to see a change, and the headers given to writeHead, which is the quickest way to give them. No check
 * but the tag's. Of what it writes it remembers the logins, as no browser here sends another cookie back.
 *
 * The hooked floor keeps the promises of a library that does not know the handler: the head may leave in any way, its
 * fields can be read with getHeader, a change that comes too late is noticed, and what was written last is remembered.
 */

const states = new WeakMap()
const attributes = '; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax'

/** The JSON in the request's only cookie, without spaces at the end. */
function textOf({ cookie }, remembers) {
  if (cookie === undefined) return '{}'
  const recalled = remembers ? recallText(cookie) : undefined
  return recalled ?? openText(cookie.slice(cookie.indexOf('=') + 1)).trimEnd()
}

/** The names and values of the fields that the head has to have. */
function fieldsFor(state, { remembers, hooked }) {
  const text = JSON.stringify(state.session)
  if (text === state.text) return ['Vary', 'Cookie']
  const value = sealText(text, Math.floor(Date.now() / 1000))
  if (remembers && state.text === '{}') remember(value, text)
  else if (remembers && hooked) rememberSealed(value, text)
  state.text = text
  return ['Vary', 'Cookie', 'Set-Cookie', `session=${value}${attributes}`, 'Cache-Control', 'no-store']
}

function hook(res, state, options) {
  const { writeHead } = res
  res.writeHead = function (...args) {
    if (state.session !== undefined) {
      const fields = fieldsFor(state, options)
      for (let i = 0; i < fields.length; i += 2) res.setHeader(fields[i], fields[i + 1])
    }
    const result = Reflect.apply(writeHead, res, args)
    res.on('close', () => {
      if (state.session !== undefined && JSON.stringify(state.session) !== state.text) throw new Error('late')
    })
    return result
  }
}

/** A listener. `use`: 'ignored', 'read' or 'written'. */
export function listener(use, { remembers = true, hooked = false } = {}) {
  const options = { remembers, hooked }
  return (req, res) => {
    const state = { session: undefined, text: undefined }
    states.set(req, state)
    if (hooked) hook(res, state, options)
    if (use === 'ignored') return res.end(visit.constant)
    state.text = textOf(req.headers, remembers)
    state.session = JSON.parse(state.text)
    const body = visit(state.session, req.url, use === 'written')
    if (!hooked) {
      const fields = fieldsFor(state, options)
      fields.push('Content-Length', body.length)
      res.writeHead(200, fields)
    }
    res.end(body)
  }
}

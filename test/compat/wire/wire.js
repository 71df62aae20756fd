import { Session } from '../library.js'
import { header, comparable, setCookies } from '../raw.js'
import { equal } from '../report.js'
import { sessionHandler } from '../story/app.js'

/*
 * One answer is sent twice: by a bare server, and by one with the library, where the session was
 *   untouched  never asked for: the same bytes
 *   read       asked for and not changed: only Vary is added, and leaves as one line
 *   changed    exactly one Set-Cookie, Vary and no-store are added, everything else is the same, in order and case
 *   failed     made too large: the status is 500, and the own cookies are the only ones
 */
export const modes = ['untouched', 'read', 'changed', 'failed']

export const ownCookies = {
  'no own cookie': [],
  'one own cookie': ['a=1; Path=/'],
  'two own cookies': ['a=1; Path=/', 'b=2'],
}

export const codec = sessionHandler(() => {})
export const cookie = `session=${codec.encodeCookie({ n: 1 })}`

/** What the handler does with the session. */
export function act(mode, req) {
  if (mode === undefined || mode === 'untouched') return
  const session = Session.get(req)
  equal(session.n, 1, 'the opened session')
  if (mode === 'changed') session.n = 2
  if (mode === 'failed') session.large = 'x'.repeat(5000)
}

/** Answers by a row; an error becomes a 500 that names it. */
export async function respond(way, cookies, res, req) {
  try {
    await way(res, cookies, req)
  } catch (error) {
    if (res.headersSent) {
      res.end(error.code)
      return
    }
    res.statusCode = 500
    res.removeHeader('Content-Length')
    res.end(error.code)
  }
}

/** Compares the answers of the library's server with the bare server's. */
export function compareAll(mode, bare, wrapped, { bypass = false } = {}) {
  equal(wrapped.length, bare.length, 'messages')
  for (const [i, message] of bare.entries()) {
    if (mode === 'failed' && !bypass && !isInformational(message)) compareFailed(message, wrapped[i])
    else compare(mode, message, wrapped[i], bypass)
  }
}

function compareFailed(bare, wrapped) {
  equal(wrapped.start.split(' ')[1], '500', 'the status')
  equal(setCookies(wrapped, ''), setCookies(bare, ''), 'cookies')
  withoutMember(wrapped.lines, bare, 'vary', 'Cookie', ['cookie', '*'])
  withoutMember(wrapped.lines, bare, 'cache-control', 'no-store', ['no-store'])
}

function compare(mode, bare, wrapped, bypass) {
  equal(wrapped.start, bare.start, 'the status line')
  equal(wrapped.body, bare.body, 'the body')
  equal(wrapped.trailers, bare.trailers, 'the trailers')
  if (mode === 'untouched' || bypass || isInformational(bare)) {
    equal(comparable(wrapped), comparable(bare), 'the head with and without the library')
    return
  }
  const ours = setCookies(wrapped, 'session')
  equal(ours.length, mode === 'changed' ? 1 : 0, `Set-Cookie lines of ours, in\n${comparable(wrapped).join('\n')}\n`)
  if (mode === 'changed') equal({ ...codec.decodeCookie(/=([^;]*)/.exec(ours[0])[1]) }, { n: 2 }, 'the sealed session')
  const lines = withoutMember(withoutMember(wrapped.lines, bare, 'vary', 'Cookie', ['cookie', '*']),
    bare, 'cache-control', 'no-store', mode === 'changed' ? ['no-store'] : [])
    .filter(([name, value]) => !(name.toLowerCase() === 'set-cookie' && ours.includes(value)))
  equal(comparable({ ...wrapped, lines }), comparable({ ...bare, lines: withOneVary(bare.lines) }),
    'the head without what the library adds, and the bare one')
}

/** Several lines of Vary leave as one, at the place of the last, where the library adds to them. */
function withOneVary(lines) {
  const isVary = ([name]) => name.toLowerCase() === 'vary'
  const whole = lines.filter(isVary).map(([, value]) => value).join(', ')
  const last = lines.findLast(isVary)
  return lines.filter((line) => !isVary(line) || line === last).map((line) => line === last ? [line[0], whole] : line)
}

function isInformational({ start }) {
  return / 1\d\d/.test(start)
}

/** The lines less `member` in the list header `name`, where it was added; one of `wanted` must have been there. */
function withoutMember(lines, bare, name, member, wanted) {
  const members = (message) => (header(message, name) ?? '').toLowerCase().split(/\s*,\s*/)
  if (wanted.length > 0 && !members({ lines }).some((one) => wanted.includes(one))) {
    throw new Error(`expected ${member} in ${name}, got ${header({ lines }, name)}`)
  }
  if (members(bare).includes(member.toLowerCase())) return lines
  return lines.flatMap(([given, value]) => {
    if (given.toLowerCase() !== name) return [[given, value]]
    const rest = value.split(', ').filter((one) => one !== member)
    return rest.length === 0 ? [] : [[given, rest.join(', ')]]
  })
}

import t from 'tap'
import { collectWarnings } from '../support/warnings.js'
import { RequestSessions, SessionHandler } from '../../lib/index.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { key } from '../support/sessions.js'

/** The names of the cookies that are set when two handlers of one RequestSessions have attached to one request. */
function namesOfLines(first: object, second: object): string[] {
  const sessions = new RequestSessions()
  const { req, res } = requestAndResponse()
  for (const options of [first, second]) {
    new SessionHandler(null, key, sessions, options).attach(req, res)
    sessions.get(req).a = 1
  }
  res.writeHead(200)
  const lines = [res.getHeader('set-cookie') ?? []].flat() as string[]
  return lines.map((line) => `${line.split('=', 1)[0]} ${/Path=[^;]*/.exec(line)![0]}`).sort()
}

t.test('two handlers of one RequestSessions set', async (t) => {
  collectWarnings(t)
  t.strictSame(namesOfLines({}, {}), ['session Path=/'], 'one line for one cookie')
  t.strictSame(namesOfLines({}, { cookieName: 'b' }), ['b Path=/', 'session Path=/'], 'two for two names')
  t.strictSame(namesOfLines({}, { cookiePath: '/b' }), ['session Path=/', 'session Path=/b'], 'two for two paths')
  await new Promise(setImmediate) // for the warnings
})

t.test('a request that another handler only read is saved by the one that attaches to it', async (t) => {
  collectWarnings(t)
  const sessions = new RequestSessions()
  const first = new SessionHandler(null, key, sessions)
  const second = new SessionHandler(null, Buffer.alloc(32, 7), sessions)
  const { req, res } = requestAndResponse()
  first.read(req)
  second.attach(req, res)
  sessions.get(req).a = 1
  res.writeHead(200)
  const value = /^session=([^;]+)/.exec(String(res.getHeader('set-cookie')))![1]!
  t.strictSame({ ...second.decodeCookie(value) }, { a: 1 })
  await new Promise(setImmediate) // for the warning
})

t.test('one handler that meets itself is not warned of', async (t) => {
  const warnings = collectWarnings(t)
  const sessions = new RequestSessions()
  const handler = new SessionHandler(null, key, sessions)
  const { req, res } = requestAndResponse()
  handler.read(req)
  handler.attach(req, res)
  handler.attach(req, res)
  handler.read(req)
  await new Promise(setImmediate)
  t.strictSame(warnings, [])
})

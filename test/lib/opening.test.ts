/** What is read of a request's cookies, and what is left of it when reading throws. */
import type { IncomingMessage } from 'node:http'
import t from 'tap'
import { RequestSessions, SessionHandler, type SessionEvent } from '../../lib/index.js'
import { breakCrypto, replaceCrypto } from '../support/node-crypto.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { deriveKeys, noLifetime, seal } from '../support/second-implementation.js'
import { key } from '../support/sessions.js'
import { collectWarnings } from '../support/warnings.js'

function setUp() {
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({ onEvent: (event) => { events.push(event) } })
  const handler = new SessionHandler(null, key, sessions, { cacheSize: 0 })
  return { events, sessions, handler, cookie: `session=${handler.encodeCookie({ a: 1 })}` }
}

/**
 * Calls `work` at every depth of the stack, from the deepest one up, so that it is cut off at one place in it after
 * another until there is room for all of it.
 */
function withLittleStack(work: () => void): RangeError | undefined {
  let thrown: RangeError | undefined
  const dive = (): void => {
    try {
      dive()
    } catch {
      // as deep as it goes
    }
    try {
      work()
    } catch (error) {
      if (error instanceof RangeError) thrown = error
    }
  }
  dive()
  return thrown
}

t.test('a RangeError out of open', async (t) => {
  const breaks: [name: string, read: (read: () => void) => unknown][] = [
    ['as the stack is nearly used up', withLittleStack],
    ['thrown by node:crypto', (read) => {
      const undo = replaceCrypto({ createHmac: () => { throw new RangeError('Maximum call stack size exceeded') } })
      try {
        read()
      } catch (error) {
        return error
      } finally {
        undo()
      }
      return undefined
    }],
  ]
  for (const [name, provoke] of breaks) {
    t.test(`${name}, leaves the state as it was`, async (t) => {
      collectWarnings(t) // of an onEvent for which there was no room
      const { events, sessions, handler, cookie } = setUp()
      const { req, res } = requestAndResponse(cookie)
      handler.attach(req, res)
      const error = provoke(() => { sessions.get(req) })
      t.ok(error instanceof RangeError, String(error))
      t.strictSame(events.filter(({ type }) => type !== 'opened'), [], 'it is no refusal')
      const session = sessions.get(req)
      t.strictSame({ ...session }, { a: 1 }, 'the next get opens the cookie')
      t.ok(Object.isExtensible(session))
      session['b'] = 2
      res.writeHead(200)
      const line = String(res.getHeader('set-cookie'))
      t.strictSame({ ...handler.decodeCookie(line.slice('session='.length).split(';')[0]!) }, { a: 1, b: 2 }, 'and it is saved')
      const types = events.map(({ type }) => type)
      t.equal(types.at(-1), 'saved')
      t.ok(types.length <= 2, `${types.join()}: each is told once`)
    })
  }
})

t.test('cryptography that stopped working refuses the cookie with a warning', async (t) => {
  const warnings = collectWarnings(t)
  const { events, handler, cookie } = setUp()
  const undo = breakCrypto('createHmac')
  try {
    t.strictSame({ ...handler.read({ headers: { cookie } } as IncomingMessage) }, {})
  } finally {
    undo()
  }
  await new Promise(setImmediate)
  t.strictSame(events, [{ type: 'rejected', reason: 'tag' }])
  t.match(warnings, [{ code: 'ERR_SESHCOOKIE_OPEN', message: 'opening a cookie threw Error: no createHmac' }])
})

t.test('what was sealed and is no session is refused', async (t) => {
  const { events, handler } = setUp()
  const keys = await deriveKeys(key)
  const scope = { name: 'session', domain: '', path: '/', partitioned: false }
  const now = Math.floor(Date.now() / 1000)
  const nested = (depth: number) => '['.repeat(depth - 1) + ']'.repeat(depth - 1)
  const texts = ['[]', '{', Buffer.from('{"a":"\xff"}', 'latin1'), '{"a":1e999}', `{"a":${nested(65)}}`,
    `{"\\u0061":${nested(1400)}}`, '{"a":{"__proto__":1}}']
  for (const text of texts) {
    const value = await seal(keys, scope, Buffer.alloc(16), { created: now, issued: now, lifetime: noLifetime }, text)
    t.strictSame({ ...handler.read({ headers: { cookie: `session=${value}` } } as IncomingMessage) }, {})
    t.throws(() => handler.decodeCookie(value), { code: 'ERR_SESHCOOKIE_FORMAT' })
    t.strictSame(events.splice(0), [{ type: 'rejected', reason: 'format' }])
  }
})

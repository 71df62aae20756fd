/** Bugs of the Go package this is a port of, each with the test that keeps it out. */
import { Readable } from 'node:stream'
import t from 'tap'
import { SizeError, ValueError, type SessionOptions } from '../../lib/index.js'
import { serveSessions, type Handle } from '../support/sessions.js'

const store: Handle = (req, _res, sessions) => { sessions.get(req)['user'] = 'ann' }

t.test('in Go, a handler that writes without WriteHeader loses its session; here it does not when it', async (t) => {
  const ways: [name: string, write: Handle][] = [
    ['writes and ends', (_req, res) => { res.write('a'); res.end('b') }],
    ['ends with a body', (_req, res) => { res.end('ab') }],
    ['ends without a body', (_req, res) => { res.end() }],
    ['sets the status alone', (_req, res) => { res.statusCode = 404; res.end('ab') }],
    ['sets a header alone', (_req, res) => { res.setHeader('Content-Length', 2); res.end('ab') }],
    ['pipes', (_req, res) => { Readable.from(['a', 'b']).pipe(res) }],
    ['flushes its headers', (_req, res) => { res.flushHeaders(); res.end('ab') }],
    ['writes later', async (_req, res) => { await new Promise(setImmediate); res.write('a'); res.end('b') }],
    ['calls writeHead', (_req, res) => { res.writeHead(200); res.end('ab') }],
  ]
  for (const [name, write] of ways) {
    t.test(name, async (t) => {
      const served = await serveSessions(t, (req, res, sessions) => {
        store(req, res, sessions)
        return write(req, res, sessions)
      })
      const answer = await served.ask('/')
      t.strictSame(served.sessionIn(answer), { user: 'ann' })
    })
  }
})

t.test('in Go, an unchanged session is sometimes rewritten (map order); here it never is, with', async (t) => {
  const letters = Array.from('abcdefghijklmnopqrstuvwxyz')
  const sessions: [name: string, session: object][] = [
    ['many names', Object.fromEntries(letters.map((letter, index) => [letter, index]))],
    ['names the other way round', Object.fromEntries(letters.toReversed().map((letter, index) => [letter, index]))],
    ['maps in maps', { b: { d: { z: 1, a: 2 }, c: [{ y: 1, b: 2 }] }, a: { x: 1, b: 2 } }],
    ['numbers as names', { 10: 'x', 9: 'y', b: 1, 1: 'z', a: 2 }],
  ]
  for (const [name, session] of sessions) {
    for (const cacheSize of [0, 1000]) {
      t.test(`${name}, cacheSize ${cacheSize}`, async (t) => {
        const served = await serveSessions(t, (req, res, sessions) => {
          res.end(JSON.stringify(sessions.get(req)))
        }, { cacheSize })
        const cookie = `session=${served.handler.encodeCookie(session as Record<string, never>)}`
        for (let visit = 0; visit < 20; visit++) {
          const answer = await served.ask('/', cookie)
          t.strictSame(answer.all('set-cookie'), [])
          t.equal(answer.body, JSON.stringify(session))
        }
      })
    }
  }
})

t.test('in Go, clearing uses Path=/ and drops the attributes; here it has those of setting, by', async (t) => {
  const options: SessionOptions =
    { secure: true, domain: 'a.example', sameSite: 'none', partitioned: true, httpOnly: false, maxAge: 60 }
  const ways: [name: string, clear: Handle][] = [
    ['clear', (req, _res, sessions) => { sessions.clear(req) }],
    ['delete', (req, _res, sessions) => { delete sessions.get(req)['user'] }],
  ]
  for (const [name, clear] of ways) {
    t.test(name, async (t) => {
      const served = await serveSessions(t, (req, res, sessions) => {
        const handle = req.url === '/set' ? store : clear
        handle(req, res, sessions)
        res.end()
      }, { options, cookiePath: '/app', cookieName: '__Secure-s' })
      const [set] = (await served.ask('/set')).all('set-cookie')
      const [, cookie, attributes] = /^(__Secure-s=[\w-]+); Max-Age=60; Expires=[^;]+(; Path=\/app;.*)$/.exec(set!)!
      t.strictSame((await served.ask('/', cookie)).all('set-cookie'),
        [`__Secure-s=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT${attributes}`])
    })
  }
})

t.test('in Go, what cannot be stored passes in silence; here the answer is a 500 and the event tells, for', async (t) => {
  const rows: [name: string, value: unknown, Kind: typeof SizeError | typeof ValueError, message: RegExp][] = [
    ['a cookie too large', 'x'.repeat(4000), SizeError, /^the Set-Cookie line would be \d+ bytes, .* value \(40\d\d\)/],
    ['a Map', new Map(), ValueError, /^session\.value is an instance of Map: store /],
    ['a Date', new Date(0), ValueError, /^session\.value is an instance of Date: store /],
    ['a bigint', 1n, ValueError, /^session\.value is a bigint: store /],
    ['NaN', NaN, ValueError, /^session\.value is NaN$/],
  ]
  for (const [name, value, Kind, message] of rows) {
    t.test(name, async (t) => {
      const served = await serveSessions(t, (req, res, sessions) => {
        if (req.url === '/set') sessions.get(req)['value'] = value as string
        res.end(JSON.stringify(sessions.get(req)['user']))
      })
      const cookie = `session=${served.handler.encodeCookie({ user: 'ann' })}`
      const answer = await served.ask('/set', cookie)
      t.equal(answer.status, 500)
      t.strictSame(answer.all('set-cookie'), [])
      const errors = served.events.flatMap((event) => event.type === 'failed' ? event.error : [])
      t.match(errors, [{ message }])
      t.type(errors[0], Kind)
      t.equal((await served.ask('/', cookie)).body, '"ann"', 'and the cookie the browser has still opens')
    })
  }
})

import t, { type Test } from 'tap'
import { createServer, ServerResponse, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { RequestSessions, Session, SessionHandler } from '../../lib/index.js'
import { ask } from '../support/client.js'
import { listen } from '../support/listen.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { attachSessions, key, pairIn, serveSessions } from '../support/sessions.js'
import { setTime } from '../support/time.js'
import { collectWarnings } from '../support/warnings.js'

const response = () => ({ writeHead() {} }) as unknown as ServerResponse

const request = (cookie?: string) => ({ headers: cookie === undefined ? {} : { cookie } }) as IncomingMessage

t.test('the listener', async (t) => {
  t.test('gets the server as this, and what it returns is returned', async (t) => {
    const seen: unknown[] = []
    const promise = Promise.resolve()
    const handler = new SessionHandler(function (this: unknown, req, res) {
      seen.push(this)
      res.end(Session.has(req) ? 'seen' : '')
      return promise
    }, key)
    const server = createServer((req, res) => {
      seen.push(Reflect.apply(handler.listener, server, [req, res]))
    })
    const origin = await listen(t, (req, res) => server.emit('request', req, res))
    t.equal((await ask(origin, '/')).body, 'seen')
    t.strictSame(seen, [server, promise])
  })

  t.test('passes on what the inner one throws', async (t) => {
    const handler = new SessionHandler(() => { throw new Error('inner') }, key)
    t.throws(() => handler.listener(request(), response()), { message: 'inner' })
    const rejecting = new SessionHandler(async () => { throw new Error('inner') }, key)
    await t.rejects(rejecting.listener(request(), response()) as Promise<unknown>, { message: 'inner' })
  })

  t.test('can be on several servers', async (t) => {
    const handler = new SessionHandler((req, res) => { Session.get(req).a = 1; res.end() }, key)
    for (const origin of [await listen(t, handler.listener), await listen(t, handler.listener)]) {
      t.equal((await ask(origin, '/')).all('set-cookie').length, 1)
    }
  })
})

t.test('a request that no handler saw', async (t) => {
  const sessions = new RequestSessions()
  const handler = new SessionHandler(() => {}, key, sessions)
  const seen = request()
  handler.read(seen)
  const error = { name: 'NoSessionError', code: 'ERR_SESHCOOKIE_NO_SESSION', message: /none is in front.* another RequestSessions.* two copies/ }
  for (const [name, req] of [
    ['another', request()], ['a copy', Object.create(seen)], ['a proxy', new Proxy(seen, {})], ['undefined', undefined],
  ] as [string, IncomingMessage][]) {
    t.throws(() => sessions.get(req), error, `get, ${name}`)
    t.throws(() => sessions.set(req, {}), error, `set, ${name}`)
    t.throws(() => sessions.clear(req), error, `clear, ${name}`)
    t.throws(() => sessions.info(req), error, `info, ${name}`)
    t.equal(sessions.has(req), false, `has, ${name}`)
  }
  for (const name of ['req', 'raw']) {
    const message = new RegExp(`give its "${name}"$`)
    t.throws(() => sessions.get({ headers: {}, [name]: seen } as never), { code: error.code, message }, name)
  }
  t.equal(sessions.has(seen), true)
  t.throws(() => Session.get(seen), error, 'other sessions')
})

t.test('read', async (t) => {
  const sessions = new RequestSessions()
  const handler = new SessionHandler((req, res) => { sessions.get(req).b = 2; res.end() }, key, sessions)
  const value = handler.encodeCookie({ a: 1 })
  const req = request(`other=1; session=${value}`)
  const session = handler.read(req)
  t.strictSame({ ...session }, { a: 1 })
  t.equal(sessions.get(req), session)
  t.equal(handler.read(req), session)

  t.test('before a response came, as checkContinue does', async (t) => {
    const server = createServer(handler.listener)
    server.on('checkContinue', (req, res) => {
      t.equal(handler.read(req).a, 1)
      res.writeContinue()
      server.emit('request', req, res)
    })
    const answer = await ask(await listen(t, server), '/', { cookie: `session=${value}`, expect: '100-continue' })
    t.equal(answer.all('set-cookie').length, 1)
  })
})

t.test('attach does what the listener does before it calls the inner one', async (t) => {
  const sessions = new RequestSessions({ onEvent: (event) => { events.push(event.type) } })
  const events: string[] = []
  const handler = new SessionHandler(null, key, sessions)
  const origin = await listen(t, (req, res) => {
    for (let times = 0; times < 3; times++) handler.attach(req, res)
    sessions.get(req).a = 1
    res.end()
  })
  const answer = await ask(origin, '/')
  t.equal(answer.setCookie.length, 1)
  t.strictSame(answer.all('vary'), ['Cookie'])
  t.strictSame(events, ['saved'])
  await ask(origin, '/', { cookie: pairIn(answer) })
  t.strictSame(events, ['saved', 'opened'])

  t.test('after read, and before it', async (t) => {
    for (const isReadFirst of [true, false]) {
      const { req, res } = requestAndResponse()
      if (isReadFirst) handler.read(req).b = 2
      handler.attach(req, res)
      if (!isReadFirst) handler.read(req).b = 2
      res.writeHead(200)
      t.match(res.getHeader('set-cookie'), /^session=/)
    }
  })

  t.test('is bound, and calls next each time, whose result and errors are the caller\'s', async (t) => {
    const { attach, listener } = new SessionHandler(null, key, sessions)
    t.equal(listener, attach, 'the listener of a handler made with null is the same function')
    const [req, res] = [request(), response()]
    let calls = 0
    for (const expected of [1, 2]) {
      t.equal(attach(req, res, () => sessions.has(req) && ++calls) as unknown, expected)
    }
    t.throws(() => attach(req, res, () => { throw new Error('next') }), { message: 'next' })
    t.equal(attach(req, res), undefined)
  })

  t.test('refuses what is no request and response', async (t) => {
    for (const [req, got] of [
      [undefined, 'undefined'], [null, 'null'], [{}, 'object'], [{ headers: null }, 'object'],
      [{ headers: {}, req: request() }, 'object that holds one: give its "req"'],
      [{ headers: {}, raw: request() }, 'object that holds one: give its "raw"'],
    ]) {
      const refused = { name: 'TypeError', message: new RegExp(`^"req" expected a request of node:http, got ${got as string}$`) }
      t.throws(() => handler.attach(req as never, response()), refused)
      t.throws(() => handler.read(req as never), refused)
    }
    for (const [res, got] of [[undefined, 'undefined'], [{}, 'object']]) {
      const refused = { name: 'TypeError', message: `"res" expected a response of node:http, got ${got as string}` }
      t.throws(() => handler.attach(request(), res as never), refused)
    }
  })
})

t.test('createServer refuses a handler in place of its listener', async (t) => {
  const handler = new SessionHandler(() => {}, key)
  const refused = { name: 'TypeError', message: /^"options" of createServer expected no SessionHandler: .*createServer\(handler\.listener\)$/ }
  t.throws(() => createServer(handler as never), refused, 'node:http')
  t.throws(() => createHttpsServer(handler as never), refused, 'node:https')

  t.test('and nobody else is disturbed', async (t) => {
    for (const copy of [handler, { ...handler }, Object.assign({}, handler)]) {
      t.match(inspect(copy, { getters: true, depth: 9, showHidden: true }), /cacheSize: 1000/)
      t.strictSame(JSON.parse(JSON.stringify(copy)), { sessions: {}, cacheSize: 1000 })
    }
    t.strictSame({ ...handler }.listener, handler.listener)
  })
})

t.test('a misspelt property throws, for objects of the class itself', async (t) => {
  const sessions = new RequestSessions()
  const handler = new SessionHandler(() => {}, key, sessions)
  t.throws(() => { (sessions as unknown as Record<string, unknown>)['maxage'] = 5 }, TypeError)
  t.throws(() => { (handler as unknown as Record<string, unknown>)['cookiename'] = 's' }, TypeError)
  class Own extends RequestSessions {
    purpose = 'a field of its own'
  }
  class OwnHandler extends SessionHandler {
    purpose = 'a field of its own'
  }
  t.equal(new Own().purpose, 'a field of its own')
  t.equal(new OwnHandler(() => {}, key).purpose, 'a field of its own')
})

t.test('two handlers of one RequestSessions on one request', async (t) => {
  /** Two handlers, and a request with a cookie for each. */
  const meet = (t: Test, cookieName: string) => {
    const warnings = collectWarnings(t)
    const sessions = new RequestSessions()
    const first = new SessionHandler(null, key, sessions)
    const second = new SessionHandler(null, key, sessions, { cookieName })
    const cookies = [`session=${first.encodeCookie({ a: 1 })}`, `${cookieName}=${second.encodeCookie({ o: 1 })}`]
    const { req, res } = requestAndResponse(cookies.slice(0, cookieName === 'session' ? 1 : 2).join('; '))
    return {
      req, res, sessions, first, second,
      warned: async () => {
        await new Promise(setImmediate)
        const message = /^two SessionHandlers .* met on one request, .*: give each its own RequestSessions$/
        t.match(warnings, [{ name: 'Warning', code: 'ERR_SESHCOOKIE_SHARED', message }])
        t.equal(warnings.length, 1, 'told once')
      },
    }
  }
  const rows: [name: string, cookieName: string, how: 'read' | 'attach'][] = [
    ['the second reads', 'other', 'read'],
    ['the second reads the same cookie', 'session', 'read'],
    ['the second attaches, for the same cookie', 'session', 'attach'],
  ]
  for (const [name, cookieName, how] of rows) {
    t.test(`${name}: the first one keeps its session, and one warning says so`, async (t) => {
      const { req, res, sessions, first, second, warned } = meet(t, cookieName)
      first.attach(req, res)
      const session = sessions.get(req)
      const read = second[how](req, res)
      if (cookieName === 'other') t.strictSame({ ...read! }, { o: 1 }, 'what the second reads is its own cookie')
      second[how](req, res)
      t.equal(sessions.get(req), session)
      session.b = 2
      res.writeHead(200)
      const [, value] = /^session=([^;]+)/.exec(String(res.getHeader('set-cookie')))!
      t.strictSame({ ...first.decodeCookie(value!) }, { a: 1, b: 2 })
      await warned()
    })
  }

  t.test('two with cookies of their own are both saved, and get gives the session of the inner one', async (t) => {
    const { req, res, sessions, first, second, warned } = meet(t, 'other')
    first.attach(req, res)
    sessions.get(req).first = 1
    second.attach(req, res)
    t.strictSame({ ...sessions.get(req) }, { o: 1 })
    sessions.get(req).second = 1
    res.writeHead(200)
    const [inner, outer] = [res.getHeader('set-cookie')].flat().map((line) => String(line).split(/[=;]/, 2))
    t.strictSame([inner![0], { ...second.decodeCookie(inner![1]!) }], ['other', { o: 1, second: 1 }])
    t.strictSame([outer![0], { ...first.decodeCookie(outer![1]!) }], ['session', { a: 1, first: 1 }])
    await warned()
  })

  t.test('a handler that attaches takes over from one that only read', async (t) => {
    const { req, res, sessions, first, second, warned } = meet(t, 'other')
    t.strictSame({ ...first.read(req) }, { a: 1 })
    second.attach(req, res)
    t.strictSame({ ...sessions.get(req) }, { o: 1 })
    await warned()
  })
})

t.test('encodeSetCookie is the line of a new session', async (t) => {
  setTime(t, 1_800_000_000)
  for (const [secure, attributes] of [
    ['auto', '; Secure'], [true, '; Secure'], [false, ''],
  ] as const) {
    const sessions = new RequestSessions({ secure, domain: 'example.com' })
    const handler = new SessionHandler(null, key, sessions, { cookiePath: '/a' })
    const line = handler.encodeSetCookie({ a: 1 })
    const tail = `; Max-Age=86400; Expires=Sat, 16 Jan 2027 08:00:00 GMT; Path=/a; Domain=example.com${attributes}; HttpOnly; SameSite=Lax`
    t.ok(line.endsWith(tail), line)
    t.strictSame({ ...handler.decodeCookie(/^session=([^;]+)/.exec(line)![1]!) }, { a: 1 })
    t.throws(() => handler.encodeSetCookie({ a: 'x'.repeat(3000) }), { code: 'ERR_SESHCOOKIE_SIZE' })
    t.throws(() => handler.encodeSetCookie({ a: NaN }), { code: 'ERR_SESHCOOKIE_VALUE' })
    t.throws(() => handler.encodeSetCookie(null as never), TypeError)
  }
})

t.test('nothing on Object.prototype passes for a request\'s own', async (t) => {
  const served = await serveSessions(t, (req, res, sessions) => {
    const session = sessions.get(req)
    session.seen = true
    res.end(JSON.stringify(session))
  })
  const cookie = `session=${served.handler.encodeCookie({ user: 'attacker' })}`
  const polluted = { cookie, 'encrypted': true, 'x-forwarded-proto': 'https' }
  const clean = () => { for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name) }
  t.teardown(clean)
  Object.assign(Object.prototype, polluted)
  const answer = await served.ask('/').finally(clean)
  t.equal(answer.body, '{"seen":true}')
  t.notMatch(answer.setCookie[0], '; Secure')
  t.strictSame(served.types(), ['saved'])
})

t.test('encodeCookie and decodeCookie', async (t) => {
  const handler = new SessionHandler(() => {}, key, new RequestSessions())
  const session = { s: 'é😀\u2028\u0000\ud800', n: -1.5, t: true, z: null, l: [1, ['x']], o: { then: 1, toString: 2 }, e: {} }
  const value = handler.encodeCookie(session)
  t.match(value, /^[\w-]{108,}$/)
  t.equal(JSON.stringify(handler.decodeCookie(value)), JSON.stringify(session))
  t.equal(Object.getPrototypeOf(handler.decodeCookie(value)), null)
  t.not(handler.encodeCookie(session), value, 'a fresh IV')
  for (const wrong of [undefined, null, 1, {}, [value], Buffer.from(value), new String(value)]) {
    t.throws(() => handler.decodeCookie(wrong as never), { name: 'TypeError', message: /^"value" expected a string/ })
  }
  t.throws(() => handler.encodeCookie({ cart: [0, 1, 2, { price: NaN }] }),
    { name: 'ValueError', code: 'ERR_SESHCOOKIE_VALUE', message: 'session.cart[3].price is NaN' })
})

t.test('the largest session that fits', async (t) => {
  const served = await serveSessions(t, (req, res, sessions) => {
    sessions.get(req).s = 's'.repeat(Number(req.url!.slice(1)))
    res.end()
  }, { options: { secure: true }, cookieName: '__Host-session' })
  const overhead = '{"s":""}'.length
  for (const [bytes, fits] of [[2890, true], [2891, true], [2892, false], [5000, false]] as const) {
    const answer = await served.ask(`/${bytes - overhead}`)
    t.equal(answer.status, fits ? 200 : 500, `${bytes} bytes of JSON`)
    const line = answer.all('set-cookie')[0]
    if (fits) t.equal(line!.length <= 4093, true, `a line of ${line!.length}`)
    else t.match(served.events.at(-1), { error: { message: /^the Set-Cookie line would be \d+ bytes, at most 4093 .* s \(\d+\)$/ } })
  }
})

t.test('a line has 4093 bytes at most, to the byte', async (t) => {
  const longest = (cookieName: string) => {
    const handler = new SessionHandler(null, key, new RequestSessions(), { cookieName })
    let length = 0
    for (let count = 2800; ; count++) {
      try {
        length = handler.encodeSetCookie({ s: 's'.repeat(count) }).length
      } catch {
        return length
      }
    }
  }
  const names = Array.from({ length: 64 }, (_, index) => 's'.repeat(index + 1))
  t.equal(Math.max(...names.map(longest)), 4093)

  let length = 0
  for (let count = 3500; ; count++) {
    try {
      length = new SessionHandler(null, key, new RequestSessions(), { cookieName: 's'.repeat(count) }).encodeSetCookie({}).length
    } catch (error) {
      t.match(error, { name: 'TypeError', message: /leave no room/ })
      break
    }
  }
  t.equal(length, 4093, 'of an empty session, under the longest name')
})

t.test('the caller may wipe its key, and change its array', async (t) => {
  const bytes = Buffer.alloc(32, 5)
  const keys = [bytes]
  const handler = new SessionHandler(() => {}, keys, new RequestSessions())
  const value = handler.encodeCookie({ a: 1 })
  bytes.fill(0)
  keys[0] = Buffer.alloc(32, 6)
  t.strictSame({ ...handler.decodeCookie(value) }, { a: 1 })
  const other = new SessionHandler(() => {}, Buffer.alloc(32, 5))
  t.strictSame({ ...other.decodeCookie(handler.encodeCookie({ b: 1 })) }, { b: 1 })
})

t.test('a handler that is gone does not count', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const sessions = new RequestSessions({ secure: true })
  const references: WeakRef<SessionHandler>[] = []
  const make = () => { references.push(new WeakRef(new SessionHandler(() => {}, key, sessions, { cookieName: '__Host-a' }))) }
  make()
  t.throws(() => { sessions.secure = false }, { message: /__host-/ })
  while (references[0]!.deref() !== undefined) {
    await new Promise(setImmediate)
    collect()
  }
  sessions.httpOnly = false // before the finalizer of the handler runs
  await new Promise(setImmediate)
  collect()
  sessions.secure = false
  t.equal(sessions.secure, false)
})

t.test('what is too large is told with its three largest keys, and not with what they hold', async (t) => {
  const handler = new SessionHandler(() => {}, key, new RequestSessions())
  const session = { small: 1, largest: 'x'.repeat(3000), third: 'é'.repeat(20), second: ['y'.repeat(100)], smaller: '' }
  t.throws(() => handler.encodeCookie(session), {
    name: 'SizeError',
    code: 'ERR_SESHCOOKIE_SIZE',
    message: /^the Set-Cookie line would be \d+ bytes, at most 4093 .*: largest \(3012\), second \(113\), third \(50\)$/,
    limit: 4093,
    largest: [{ key: 'largest', bytes: 3012 }, { key: 'second', bytes: 113 }, { key: 'third', bytes: 50 }],
  })
  t.throws(() => handler.encodeCookie({ 'a\nb': 'x'.repeat(3500) }), { code: 'ERR_SESHCOOKIE_SIZE', largest: [{ key: '"a\\nb"' }] })
})

t.test('the accessor is a property of a framework\'s requests', async (t) => {
  const sessions = new RequestSessions()
  const handler = new SessionHandler(null, key, sessions)
  const prototype = Object.defineProperty({ headers: {} }, 'session', sessions.accessor)
  const req = Object.create(prototype) as IncomingMessage & { session: object | null | undefined }
  t.ok(sessions.accessor.configurable)
  t.throws(() => req.session, { code: 'ERR_SESHCOOKIE_NO_SESSION' })
  handler.attach(req, response())
  const { session } = req
  t.equal(session, sessions.get(req))
  req.session = { a: 1 }
  t.equal(req.session, session)
  t.strictSame({ ...sessions.get(req) }, { a: 1 })
  req.session = null
  t.strictSame({ ...sessions.get(req) }, {})
  t.throws(() => { req.session = undefined }, TypeError)
})

t.test('a request keeps the name, path and settings of its cookie that it began with', async (t) => {
  setTime(t, 1_800_000_000)
  for (const assign of [
    (handler: SessionHandler) => { handler.cookieName = 'other' },
    (handler: SessionHandler) => { handler.cookiePath = '/other' },
    (handler: SessionHandler) => { handler.sessions.httpOnly = false },
    (handler: SessionHandler) => { handler.sessions.domain = 'example.com' },
  ]) {
    const { req, res, sessions, handler, line } = attachSessions({}, { a: 1 })
    assign(handler)
    t.equal(sessions.get(req).a, 1)
    sessions.get(req).a = 2
    res.writeHead(200)
    t.match(line(), /^session=[^;]+; Max-Age=86400; Expires=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/)
    t.not(handler.encodeSetCookie({}).replace(/=[^;]+/, ''), line()!.replace(/=[^;]+/, ''))
  }
})

t.test('two responses of one request: whichever leaves first saves the session', async (t) => {
  const types: string[] = []
  const sessions = new RequestSessions({ onEvent: (event) => { types.push(event.type) } })
  const handler = new SessionHandler(null, key, sessions)
  for (const first of [0, 1]) {
    const { req, res } = requestAndResponse()
    const responses = [res, new ServerResponse(req)]
    for (const response of [...responses, ...responses]) handler.attach(req, response)
    sessions.get(req).a = 1
    responses[first]!.writeHead(200)
    sessions.get(req).a = 2
    responses[1 - first]!.writeHead(200)
    t.match(responses[first]!.getHeader('set-cookie'), /^session=/)
    t.equal(responses[first]!.getHeader('vary'), 'Cookie')
    t.strictSame({ ...responses[1 - first]!.getHeaders() }, { vary: 'Cookie' })
  }
  t.strictSame(types, ['saved', 'saved'])
})

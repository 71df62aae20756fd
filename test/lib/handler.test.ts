import t from 'tap'
import { createServer, ServerResponse, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { RequestSessions, Session, SessionHandler } from '../../lib/index.js'
import { ask } from '../support/client.js'
import { listen } from '../support/listen.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { key, serveSessions } from '../support/sessions.js'
import { setTime } from '../support/time.js'
import { collectWarnings } from '../support/warnings.js'

const response = () => ({ writeHead() {} }) as unknown as ServerResponse

const request = (cookie?: string) => ({ headers: cookie === undefined ? {} : { cookie } }) as IncomingMessage

t.test('defaults', async (t) => {
  const handler = new SessionHandler(() => {}, key)
  t.equal(handler.cookieName, 'session')
  t.equal(handler.cookiePath, '/')
  t.equal(handler.cacheSize, 1000)
  t.equal(handler.sessions, Session)
})

t.test('wrong arguments', async (t) => {
  const rows: [name: string, args: unknown[], error: { name: string, message?: string | RegExp }][] = [
    ['no listener', [undefined, key], { name: 'TypeError', message: '"listener" expected a function, got undefined' }],
    ['an object for a listener', [{}, key], { name: 'TypeError' }],
    ['no key', [() => {}], { name: 'TypeError', message: /^"key" expected .*32 bytes.*randomBytes.*, got undefined$/ }],
    ['options for sessions', [() => {}, key, { cookieName: 'a' }], { name: 'TypeError', message: '"sessions" expected a RequestSessions, got object; options are the fourth argument' }],
    ['sessions of another copy', [() => {}, key, { limit() {} }], { name: 'TypeError', message: /^"sessions" expected a RequestSessions, got .*; this one is of another copy of the package$/ }],
    ['null for sessions', [() => {}, key, null], { name: 'TypeError' }],
    ['a name with a space', [() => {}, key, Session, { cookieName: 'a b' }], { name: 'TypeError', message: /^"cookieName" expected a token/ }],
    ['an empty name', [() => {}, key, Session, { cookieName: '' }], { name: 'TypeError' }],
    ['a path without a slash', [() => {}, key, Session, { cookiePath: 'a' }], { name: 'TypeError', message: /^"cookiePath" expected a path/ }],
    ['an unknown option', [() => {}, key, Session, { cookiename: 'a' }], { name: 'TypeError', message: /got the unknown name cookiename$/ }],
    ['an unknown option with an escape sequence', [() => {}, key, Session, { '\u001b[2J': 'a' }], { name: 'TypeError', message: /got the unknown name "\\u001b\[2J"$/ }],
    ['options that are none', [() => {}, key, Session, 'x'], { name: 'TypeError' }],
    ['cacheSize: -1', [() => {}, key, Session, { cacheSize: -1 }], { name: 'RangeError' }],
    ['cacheSize: 1.5', [() => {}, key, Session, { cacheSize: 1.5 }], { name: 'RangeError' }],
    ['cacheSize: NaN', [() => {}, key, Session, { cacheSize: NaN }], { name: 'RangeError' }],
    ['cacheSize: 1e7', [() => {}, key, Session, { cacheSize: 1e7 }], { name: 'RangeError' }],
    ["cacheSize: '1'", [() => {}, key, Session, { cacheSize: '1' }], { name: 'TypeError' }],
    ['a name that leaves no room', [() => {}, key, Session, { cookieName: 'n'.repeat(4000) }], { name: 'TypeError', message: /no room/ }],
  ]
  for (const [name, args, error] of rows) {
    t.test(name, async (t) => {
      t.throws(() => Reflect.construct(SessionHandler, args), error)
    })
  }
})

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
  t.equal(answer.all('set-cookie').length, 1)
  t.strictSame(answer.all('vary'), ['Cookie'])
  t.strictSame(events, ['saved'])
  await ask(origin, '/', { cookie: answer.all('set-cookie')[0]!.split(';')[0]! })
  t.strictSame(events, ['saved', 'opened'])

  t.test('after read, and before it', async (t) => {
    for (const isReadFirst of [true, false]) {
      const origin = await listen(t, (req, res) => {
        if (isReadFirst) handler.read(req).b = 2
        handler.attach(req, res)
        if (!isReadFirst) handler.read(req).b = 2
        res.end()
      })
      const answer = await ask(origin, '/')
      t.equal(answer.all('set-cookie').length, 1)
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
    for (const [req, res, message] of [
      [undefined, response(), '"req" expected a request of node:http, got undefined'],
      [{ headers: {}, req: request() }, response(), '"req" expected a request of node:http, got object that holds one: give its "req"'],
      [{ headers: {}, raw: request() }, response(), '"req" expected a request of node:http, got object that holds one: give its "raw"'],
      [request(), undefined, '"res" expected a response of node:http, got undefined'],
      [request(), {}, '"res" expected a response of node:http, got object'],
    ]) {
      t.throws(() => handler.attach(req as never, res as never), { name: 'TypeError', message: message as string })
    }
    for (const req of [undefined, null, {}, { headers: null }]) {
      const message = /^"req" expected a request of node:http, got /
      t.throws(() => handler.attach(req as never, response()), { name: 'TypeError', message })
      t.throws(() => handler.read(req as never), { name: 'TypeError', message })
    }
  })
})

t.test('createServer refuses a handler in place of its listener', async (t) => {
  const handler = new SessionHandler(() => {}, key)
  const refused = { name: 'TypeError', message: /createServer\(handler\.listener\)$/ }
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
  type Meet = (other: SessionHandler, req: IncomingMessage, res: ServerResponse) => unknown
  const rows: [name: string, cookieName: string, meet: Meet][] = [
    ['the second reads', 'other', (other, req) => other.read(req)],
    ['the second reads the same cookie', 'session', (other, req) => other.read(req)],
    ['the second attaches, for the same cookie', 'session', (other, req, res) => other.attach(req, res)],
  ]
  for (const [name, cookieName, meet] of rows) {
    t.test(`${name}: the first one keeps its session, and one warning says so`, async (t) => {
      const warnings = collectWarnings(t)
      const sessions = new RequestSessions()
      const other = new SessionHandler(null, key, sessions, { cookieName })
      const handler = new SessionHandler((req, res) => {
        const session = sessions.get(req)
        session.a = 1
        meet(other, req, res)
        t.equal(sessions.get(req), session)
        sessions.get(req).b = 2
        res.end()
      }, key, sessions)
      const origin = await listen(t, handler.listener)
      for (let times = 0; times < 2; times++) {
        const answer = await ask(origin, '/', { cookie: `x${cookieName}=${other.encodeCookie({ o: 1 })}` })
        t.equal(answer.all('set-cookie').length, 1)
        t.strictSame({ ...handler.decodeCookie(/^session=([^;]+)/.exec(answer.all('set-cookie')[0]!)![1]!) }, { a: 1, b: 2 })
      }
      await new Promise(setImmediate)
      t.match(warnings, [{ code: 'ERR_SESHCOOKIE_SHARED' }])
      t.equal(warnings.length, 1)
    })
  }

  t.test('two with cookies of their own are both saved, and get gives the session of the inner one', async (t) => {
    const warnings = collectWarnings(t)
    const sessions = new RequestSessions()
    const inner = new SessionHandler((req, res) => {
      sessions.get(req).inner = 1
      res.end()
    }, key, sessions, { cookieName: 'inner' })
    const outer = new SessionHandler((req, res) => {
      sessions.get(req).outer = 1
      return inner.listener(req, res)
    }, key, sessions, { cookieName: 'outer' })
    const lines = (await ask(await listen(t, outer.listener), '/')).all('set-cookie')
    const valueOf = (name: string) => lines.find((line) => line.startsWith(`${name}=`))!.split(/[=;]/, 2)[1]!
    t.strictSame({ ...inner.decodeCookie(valueOf('inner')) }, { inner: 1 })
    t.strictSame({ ...outer.decodeCookie(valueOf('outer')) }, { outer: 1 })
    await new Promise(setImmediate)
    t.match(warnings, [{ code: 'ERR_SESHCOOKIE_SHARED' }])
  })

  t.test('what the second reads is its own cookie', async (t) => {
    collectWarnings(t)
    const sessions = new RequestSessions()
    const [handler, other] = [new SessionHandler(null, key, sessions), new SessionHandler(null, key, sessions, { cookieName: 'other' })]
    const req = request(`other=${other.encodeCookie({ o: 1 })}`)
    handler.attach(req, response())
    t.strictSame({ ...other.read(req) }, { o: 1 })
    t.strictSame({ ...sessions.get(req) }, {})
  })

  t.test('a handler that attaches takes over from one that only read', async (t) => {
    const warnings = collectWarnings(t)
    const sessions = new RequestSessions()
    const [first, second] = [new SessionHandler(null, key, sessions), new SessionHandler(null, key, sessions, { cookieName: 'other' })]
    const req = request(`session=${first.encodeCookie({ a: 1 })}; other=${second.encodeCookie({ o: 1 })}`)
    t.strictSame({ ...first.read(req) }, { a: 1 })
    second.attach(req, response())
    t.strictSame({ ...sessions.get(req) }, { o: 1 })
    await new Promise(setImmediate)
    t.match(warnings, [{ code: 'ERR_SESHCOOKIE_SHARED' }])
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
  const polluted = Object.prototype as unknown as Record<string, unknown>
  const served = await serveSessions(t, (req, res, sessions) => {
    const session = sessions.get(req)
    session.seen = true
    res.end(JSON.stringify(session))
  })
  const planted = `session=${served.handler.encodeCookie({ user: 'attacker' })}`
  t.teardown(() => {
    for (const name of ['cookie', 'encrypted', 'x-forwarded-proto']) delete polluted[name]
  })
  let answer
  try {
    polluted['cookie'] = planted
    polluted['encrypted'] = true
    polluted['x-forwarded-proto'] = 'https'
    answer = await served.ask('/')
  } finally {
    for (const name of ['cookie', 'encrypted', 'x-forwarded-proto']) delete polluted[name]
  }
  t.equal(answer.body, '{"seen":true}')
  t.notMatch(answer.all('set-cookie')[0], '; Secure')
  t.strictSame(served.events.map(({ type }) => type), ['saved'])
})

t.test('headers that hold no cookie string', async (t) => {
  const handler = new SessionHandler(() => {}, key, new RequestSessions())
  for (const cookie of [undefined, ['session=a'], 1, null, {}]) {
    t.strictSame({ ...handler.read({ headers: { cookie } } as never) }, {})
  }
})

t.test('encodeCookie and decodeCookie', async (t) => {
  const handler = new SessionHandler(() => {}, key, new RequestSessions())
  const session = { s: 'é😀\u2028\u0000\ud800', n: -1.5, t: true, z: null, l: [1, ['x']], o: { then: 1, toString: 2 }, e: {} }
  const value = handler.encodeCookie(session)
  t.match(value, /^[\w-]{108,}$/)
  t.equal(JSON.stringify(handler.decodeCookie(value)), JSON.stringify(session))
  t.equal(Object.getPrototypeOf(handler.decodeCookie(value)), null)
  t.not(handler.encodeCookie(session), value, 'a fresh IV')
  for (const wrong of [undefined, null, 1, {}, Buffer.from(value)]) {
    t.throws(() => handler.decodeCookie(wrong as never), { name: 'TypeError', message: /^"value" expected a string/ })
  }
  t.throws(() => handler.encodeCookie({ cart: [0, 1, 2, { price: NaN }] }),
    { name: 'ValueError', code: 'ERR_SESHCOOKIE_VALUE', message: 'session.cart[3].price is NaN' })
  for (const wrong of [null, undefined, 1, 'x', [], new Date()]) {
    t.throws(() => handler.encodeCookie(wrong as never), { name: /^(TypeError|ValueError)$/ })
  }
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

t.test('a cookie opens only under the name, path and domain it was issued for', async (t) => {
  const make = (cookieName: string, cookiePath: string, domain?: string) =>
    new SessionHandler(() => {}, key, new RequestSessions({ domain }), { cookieName, cookiePath })
  const handlers = [
    make('a', '/'), make('b', '/'), make('a', '/b'), make('a', '/', 'example.com'), make('a', '/', 'example.org'),
    make('ab', '/'), make('a', '/b/'),
  ]
  for (const [i, issuer] of handlers.entries()) {
    const value = issuer.encodeCookie({ i })
    for (const [j, opener] of handlers.entries()) {
      if (i === j) t.strictSame({ ...opener.decodeCookie(value) }, { i })
      else t.throws(() => opener.decodeCookie(value), { code: 'ERR_SESHCOOKIE_HASH' })
    }
  }
})

t.test('name, path and domain changed after cookies were remembered', async (t) => {
  const sessions = new RequestSessions()
  const handler = new SessionHandler(() => {}, key, sessions)
  const value = handler.encodeCookie({ a: 1 })
  const open = () => ({ ...handler.read(request(`${handler.cookieName}=${value}`)) })
  t.strictSame(open(), { a: 1 })
  const rows: [name: string, change: () => void, back: () => void][] = [
    ['name', () => { handler.cookieName = 'other' }, () => { handler.cookieName = 'session' }],
    ['path', () => { handler.cookiePath = '/other' }, () => { handler.cookiePath = '/' }],
    ['domain', () => { sessions.domain = 'example.com' }, () => { sessions.domain = undefined }],
  ]
  for (const [name, change, back] of rows) {
    change()
    t.strictSame(open(), {}, `${name} changed`)
    back()
    t.strictSame(open(), { a: 1 }, `${name} changed back`)
  }
  t.throws(() => { handler.cookieName = 'a;b' }, TypeError)
  t.throws(() => { handler.cookiePath = 'x' }, TypeError)
  t.throws(() => { handler.cookieName = '__Host-a' }, { message: /"secure" expected true/ })
  t.equal(handler.cookieName, 'session')
  t.equal(handler.cookiePath, '/')
})

t.test('remembered or not, each request gets an object of its own, and checks are made anew', async (t) => {
  for (const cacheSize of [0, 1, 1000]) {
    const events: unknown[] = []
    let valid = true
    const sessions = new RequestSessions({ validate: () => valid, onEvent: (event) => { events.push(event) } })
    const handler = new SessionHandler(() => {}, key, sessions, { cacheSize })
    const header = `session=${handler.encodeCookie({ a: { b: 1 } })}`
    const [one, two] = [handler.read(request(header)), handler.read(request(header))]
    t.strictSame(one, two)
    t.not(one, two)
    t.not(one.a, two.a)
    valid = false
    t.strictSame({ ...handler.read(request(header)) }, {}, 'validate')
    valid = true
    sessions.maxAge = 1
    const real = Date.now
    Date.now = () => real() + 2000
    t.strictSame({ ...handler.read(request(header)) }, {}, 'times')
    Date.now = real
    sessions.maxAge = 86_400
    t.strictSame({ ...handler.read(request(header)) }, { a: { b: 1 } })
    t.strictSame(events, [
      { type: 'opened', keyIndex: 0 }, { type: 'opened', keyIndex: 0 }, { type: 'rejected', reason: 'invalid' },
      { type: 'rejected', reason: 'expired' }, { type: 'opened', keyIndex: 0 },
    ])
  }
})

t.test('sessions do not change to what a handler of theirs cannot send', async (t) => {
  const sessions = new RequestSessions({ secure: true })
  const keep = new SessionHandler(() => {}, key, sessions, { cookieName: '__Host-kept' })
  t.throws(() => { sessions.secure = false }, { message: /"secure" expected true, since the cookie's name starts with __host-/ })
  t.throws(() => { sessions.domain = 'example.com' }, { message: /"domain" expected none/ })
  t.equal(sessions.secure, true)
  t.equal(keep.cookieName, '__Host-kept')
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
  for (const assign of [
    (handler: SessionHandler) => { handler.cookieName = 'other' },
    (handler: SessionHandler) => { handler.cookiePath = '/other' },
    (handler: SessionHandler) => { handler.sessions.httpOnly = false },
    (handler: SessionHandler) => { handler.sessions.domain = 'example.com' },
  ]) {
    const sessions = new RequestSessions()
    const handler = new SessionHandler(null, key, sessions)
    const { req, res } = requestAndResponse(`session=${handler.encodeCookie({ a: 1 })}`)
    handler.attach(req, res)
    assign(handler)
    t.equal(sessions.get(req).a, 1)
    sessions.get(req).a = 2
    res.writeHead(200)
    t.match(res.getHeader('set-cookie'), /^session=[^;]+; Max-Age=86400; Expires=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/)
    t.not(handler.encodeSetCookie({}).replace(/=[^;]+/, ''), String(res.getHeader('set-cookie')).replace(/=[^;]+/, ''))
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
    responses[1 - first]!.writeHead(200)
    t.match(responses[first]!.getHeader('set-cookie'), /^session=/)
    t.equal(responses[first]!.getHeader('vary'), 'Cookie')
    t.strictSame({ ...responses[1 - first]!.getHeaders() }, { vary: 'Cookie' })
  }
  t.strictSame(types, ['saved', 'saved'])
})

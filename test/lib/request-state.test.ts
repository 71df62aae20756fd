import t from 'tap'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { runInNewContext } from 'node:vm'
import {
  RequestSessions, SessionHandler, type AnyRequest, type LifetimeOptions, type SessionData, type SessionEvent,
  type SessionInfo, type SessionOptions,
} from '../../lib/index.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { ask, askHttp2 } from '../support/client.js'
import { listen } from '../support/listen.js'
import { attachSessions, key, pairIn, serveSessions, type Handle } from '../support/sessions.js'
import { setTime, until } from '../support/time.js'
import { collectWarnings } from '../support/warnings.js'

/** What is done to the session of a request. */
type Act = (sessions: RequestSessions, req: AnyRequest) => void
type Received = 'none' | 'valid' | 'forged' | 'expired' | 'empty'

const expire = 'session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; SameSite=Lax'

/** What is written: each way a cookie can come in, with each thing that a handler can do to its session. */
const rows: [name: string, received: Received[], handle: Handle, written: object | 'expire' | 'nothing'][] = [
  ['never asked for', ['none', 'valid', 'forged', 'expired', 'empty'], () => {}, 'nothing'],
  ['has() only', ['none', 'valid'], (req, _, sessions) => { sessions.has(req) }, 'nothing'],
  ['read', ['none', 'valid', 'forged', 'expired', 'empty'], (req, _, sessions) => { sessions.get(req) }, 'nothing'],
  ['info() only', ['none', 'valid'], (req, _, sessions) => { sessions.info(req) }, 'nothing'],
  ['changed', ['valid'], (req, _, sessions) => { sessions.get(req).b = 2 }, { a: 1, b: 2 }],
  ['changed', ['none', 'forged', 'expired', 'empty'], (req, _, sessions) => { sessions.get(req).b = 2 }, { b: 2 }],
  ['the same value', ['valid'], (req, _, sessions) => { sessions.get(req).a = 1 }, 'nothing'],
  ['set to the same', ['valid'], (req, _, sessions) => { sessions.set(req, { a: 1 }) }, 'nothing'],
  ['set to other data', ['none', 'valid', 'forged'], (req, _, sessions) => { sessions.set(req, { c: 3 }) }, { c: 3 }],
  ['set to itself', ['valid'], (req, _, sessions) => { sessions.set(req, sessions.get(req)) }, 'nothing'],
  ['set to nothing', ['valid'], (req, _, sessions) => { sessions.set(req, {}) }, 'expire'],
  ['set to nothing', ['none', 'forged', 'expired', 'empty'], (req, _, sessions) => { sessions.set(req, {}) }, 'nothing'],
  ['emptied', ['valid'], (req, _, sessions) => { delete sessions.get(req).a }, 'expire'],
  ['emptied by undefined', ['valid'], (req, _, sessions) => { sessions.get(req).a = undefined }, 'expire'],
  ['undefined added', ['none', 'valid'], (req, _, sessions) => { sessions.get(req).z = undefined }, 'nothing'],
  ['cleared', ['none', 'valid', 'forged', 'expired', 'empty'], (req, _, sessions) => { sessions.clear(req) }, 'expire'],
  ['read and cleared', ['none', 'valid'], (req, _, sessions) => {
    sessions.get(req)
    sessions.clear(req)
  }, 'expire'],
  ['cleared and stored again', ['none', 'valid', 'forged'], (req, _, sessions) => {
    sessions.clear(req)
    sessions.get(req).d = 4
  }, { d: 4 }],
  ['cleared and the same stored again', ['valid'], (req, _, sessions) => {
    sessions.clear(req)
    sessions.set(req, { a: 1 })
  }, { a: 1 }],
  ['stored in the object held from before clear', ['valid'], (req, _, sessions) => {
    const held = sessions.get(req)
    sessions.clear(req)
    held.e = 5
  }, { e: 5 }],
  ['changed and cleared', ['none', 'valid'], (req, _, sessions) => {
    sessions.get(req).b = 2
    sessions.clear(req)
  }, 'expire'],
]

t.test('what is written', async (t) => {
  for (const [name, receivedKinds, handle, written] of rows) {
    for (const received of receivedKinds) {
      t.test(`${name}, received ${received}`, async (t) => {
        const served = await serveSessions(t, (req, res, sessions) => {
          handle(req, res, sessions)
          res.end('body')
        })
        const value = served.handler.encodeCookie(received === 'empty' ? {} : { a: 1 })
        if (received === 'expired') setTime(t, Math.floor(Date.now() / 1000) + 86_400)
        const cookies = {
          none: undefined,
          valid: value,
          empty: value,
          expired: value,
          forged: `${value.slice(0, -1)}${value.endsWith('A') ? 'Q' : 'A'}`,
        }
        const answer = await served.ask('/', cookies[received] && `session=${cookies[received]}`)
        t.equal(answer.status, 200)
        t.equal(answer.body, 'body')
        const session = served.sessionIn(answer)
        t.strictSame(session, written === 'nothing' ? undefined : written === 'expire' ? '' : written)
        if (written === 'expire') t.equal(answer.all('set-cookie')[0], expire)
        const asked = name !== 'never asked for' && name !== 'has() only'
        t.strictSame(answer.all('vary'), asked ? ['Cookie'] : [])
        t.strictSame(answer.all('cache-control'), written === 'nothing' ? [] : ['no-store'])
      })
    }
  }
})

t.test('what counts as a change', async (t) => {
  const before = '{"n":1,"list":[1,{"x":null}],"deep":{"a":{"b":"c"}},"s":"é","f":1.5,"z":0}'
  type Data = {
    n?: unknown
    list: [number, { x?: unknown }, ...unknown[]]
    deep: { a: { b?: unknown } }
    [key: string]: unknown
  }
  const rows: [name: string, change: (session: Data) => void, written: boolean][] = [
    ['nothing', () => {}, false],
    ['the same number', (s) => { s.n = 1 }, false],
    ['the same string', (s) => { s.s = 'é' }, false],
    ['a nested value replaced by an equal one', (s) => { s.deep.a = { b: 'c' } }, false],
    ['a nested value replaced by an equal one of another realm',
      (s) => { s.deep.a = runInNewContext('({ b: "c" })') }, false],
    ['an array replaced by an equal one', (s) => { s.list = [1, { x: null }] }, false],
    ['deleted and put back as the last key', (s) => { delete s.z; s.z = 0 }, false],
    ['a missing key deleted', (s) => { delete s.missing }, false],
    ['undefined added', (s) => { s.u = undefined }, false],
    ['an own property that is not enumerable', (s) => { Object.defineProperty(s, 'hidden', { value: 1 }) }, false],
    ['-0 for 0', (s) => { s.z = -0 }, false],
    ['pushed and popped', (s) => { s.list.push(1); s.list.pop() }, false],
    ['a nested change', (s) => { s.deep.a.b = 'd' }, true],
    ['a nested deletion', (s) => { delete s.deep.a.b }, true],
    ['a nested addition', (s) => { Object.assign(s.deep.a, { e: 1 }) }, true],
    ['pushed', (s) => { s.list.push('new') }, true],
    ['an object in an array changed', (s) => { s.list[1].x = 1 }, true],
    ['the order in an array', (s) => { s.list.reverse() }, true],
    ['the order of keys', (s) => { const n = s.n; delete s.n; s.n = n }, true],
    ['a key deleted', (s) => { delete s.n }, true],
    ['a key set to undefined', (s) => { s.n = undefined }, true],
    ['a number for the same string of digits', (s) => { s.n = '1' }, true],
    ['true for 1', (s) => { s.n = true }, true],
    ['null for 0', (s) => { s.z = null }, true],
    ['an empty array for an empty object', (s) => { s.deep = [] as never }, true],
    ['composed and decomposed letters', (s) => { s.s = 'e\u0301' }, true],
    ['a small difference', (s) => { s.f = 1.5000000000000002 }, true],
    ['a key with an empty name', (s) => { s[''] = 1 }, true],
    ['a property called constructor', (s) => { s.constructor = 1 as never }, true],
  ]
  for (const [name, change, written] of rows) {
    t.test(name, async (t) => {
      const served = await serveSessions(t, (req, res, sessions) => {
        change(sessions.get(req) as never)
        res.end()
      })
      const answer = await served.ask('/', JSON.parse(before))
      t.equal(answer.status, 200)
      t.equal(answer.setCookie.length, written ? 1 : 0)
      t.strictSame(served.types(), written ? ['opened', 'saved'] : ['opened'])
    })
  }
})

t.test('what JSON would drop or spell as the old text is refused, and the cookie stays as it was', async (t) => {
  type Data = { none: unknown, empty: object, list: unknown[], [key: string | symbol]: unknown }
  const rows: [name: string, change: (session: Data) => void, path: string][] = [
    ['NaN where null was', (s) => { s.none = NaN }, 'session.none'],
    ['Infinity in an array where null was', (s) => { s.list[0] = Infinity }, 'session.list[0]'],
    ['a hole where null was', (s) => { delete s.list[0] }, 'session.list[0]'],
    ['a Map for {}', (s) => { s.empty = new Map([['a', 1]]) }, 'session.empty'],
    ['a function beside old data', (s) => { s.run = () => {} }, 'session.run'],
    ['a symbol beside old data', (s) => { s.tag = Symbol('tag') }, 'session.tag'],
    ['a symbol as a name', (s) => { s[Symbol('tag')] = 1 }, 'session[Symbol(tag)]'],
    ['a property of an array', (s) => { Object.assign(s.list, { total: 1 }) }, 'session.list.total'],
  ]
  for (const [name, change, path] of rows) {
    t.test(name, async (t) => {
      const { req, res, sessions, events, line } = attachSessions({}, { none: null, empty: {}, list: [null] })
      change(sessions.get(req) as never)
      res.writeHead(200)
      t.equal(res.statusCode, 500)
      t.equal(line(), undefined)
      t.match(events.slice(1), [{ type: 'failed', error: { code: 'ERR_SESHCOOKIE_VALUE', path } }])
    })
  }
})

t.test('times', async (t) => {
  const start = 1_800_000_000
  const at = (age: number) => new Date((start + age) * 1000)
  const times = (created: number, issued: number) =>
    ({ createdAt: at(created), issuedAt: at(issued), expiresAt: at(created + 86_400) })

  t.test('a rewritten session keeps its creation, and Max-Age counts down', async (t) => {
    const infos: (SessionInfo | undefined)[] = []
    const served = await serveSessions(t, (req, res, sessions) => {
      infos.push(sessions.info(req))
      sessions.get(req).n = infos.length
      res.end()
    })
    let cookie: string | undefined
    for (const [age, left] of [[0, 86_400], [86_000, 400], [86_399, 1], [86_400, 86_400]] as const) {
      setTime(t, start + age)
      const answer = await served.ask('/', cookie)
      t.match(answer.setCookie[0], `; Max-Age=${left};`)
      cookie = pairIn(answer)
    }
    t.strictSame(infos, [undefined, times(0, 0), times(0, 86_000), undefined])
    t.match(served.events.at(-2), { type: 'rejected', reason: 'expired' })
  })

  t.test('info tells of what was sent, once it was sent', async (t) => {
    setTime(t, start)
    const { req, res, sessions, handler, line } = attachSessions()
    sessions.get(req).a = 1
    t.equal(sessions.info(req), undefined)
    res.writeHead(200)
    t.strictSame(sessions.info(req), times(0, 0))
    const next = requestAndResponse(pairIn(line()))
    handler.attach(next.req, next.res)
    sessions.clear(next.req)
    t.equal(sessions.info(next.req), undefined)
    next.res.writeHead(200)
    t.equal(sessions.info(next.req), undefined)
  })

  t.test('no renewal of an empty session, of one that was not asked for, or past maxAge', async (t) => {
    const served = await serveSessions(t, (req, res, sessions) => {
      if (req.url === '/read') sessions.get(req)
      res.end()
    }, { options: { idleTimeout: 1800, maxAge: 3000 } })
    setTime(t, start)
    const [value, empty] = [{ a: 1 }, {}].map((session) => `session=${served.handler.encodeCookie(session)}`)
    setTime(t, start + 1700)
    t.strictSame((await served.ask('/read', empty)).setCookie, [])
    t.strictSame((await served.ask('/', value)).setCookie, [])
    const [renewed] = (await served.ask('/read', value)).setCookie
    t.match(renewed, '; Max-Age=1300;')
    setTime(t, start + 3000)
    await served.ask('/read', pairIn(renewed))
    t.match(served.events.at(-1), { type: 'rejected', reason: 'expired' })
  })

  t.test('a clock that is behind the one that issued the cookie', async (t) => {
    setTime(t, start + 60)
    const { req, res, sessions, handler, line } = attachSessions({}, { a: 1 })
    setTime(t, start)
    sessions.get(req).n = 1
    res.writeHead(200)
    t.strictSame({ ...handler.decodeCookie(pairIn(line()).slice('session='.length)) }, { a: 1, n: 1 }, 'it opens again')
    t.match(line(), '; Max-Age=86400;')
  })
})

t.test('late changes', async (t) => {
  const read: Act = (sessions, req) => { sessions.get(req) }
  const limit: Act = (sessions, req) => { sessions.limit(req, { maxAge: 10 }) }
  const rows: [name: string, before: Act, after: Act, lost: string | undefined][] = [
    ['a change', read, (sessions, req) => { sessions.get(req).b = 2 }, 'b'],
    ['two of them', read, (sessions, req) => {
      Object.assign(sessions.get(req), { 'b': 2, 'c d': { e: 1 } })
    }, 'b, "c d"'],
    ['one after another in time', (sessions, req) => { sessions.get(req).a = 2 },
      (sessions, req) => { sessions.get(req).b = 2 }, 'b'],
    ['first asked for, and changed', () => {}, (sessions, req) => { delete sessions.get(req).a }, 'a'],
    ['first asked for by clear', () => {}, (sessions, req) => { sessions.clear(req) }, 'a'],
    ['first asked for by set', () => {}, (sessions, req) => { sessions.set(req, { a: 2 }) }, 'a'],
    ['a bigint', () => {}, (sessions, req) => { sessions.get(req).big = 1n as never }, 'big'],
    ['first asked for, and not changed', () => {}, read, ''],
    ['first asked for by info', () => {}, (sessions, req) => { sessions.info(req) }, ''],
    ['limited', read, limit, ''],
    ['limited and changed', read, (sessions, req) => {
      limit(sessions, req)
      sessions.get(req).b = 1
    }, 'b'],
    ['limited to what it is', limit, limit, undefined],
    ['limited when it is empty', (sessions, req) => { sessions.clear(req) }, limit, undefined],
    ['cleared, and filled again', read, (sessions, req) => {
      sessions.clear(req)
      sessions.get(req).a = 1
    }, undefined],
    ['limited before, and cleared', limit, (sessions, req) => { sessions.clear(req) }, 'a'],
    ['the order of keys', (sessions, req) => { sessions.get(req).b = 2 }, (sessions, req) => {
      const session = sessions.get(req)
      delete session.a
      session.a = 1
    }, undefined],
    ['changed and changed back', read, (sessions, req) => {
      sessions.get(req).b = 2
      delete sessions.get(req).b
    }, undefined],
    ['a Map, which JSON spells as an object', (sessions, req) => { sessions.get(req).m = {} },
      (sessions, req) => { sessions.get(req).m = new Map([[1, 2]]) as never }, 'm'],
    ['changed before, not after', (sessions, req) => { sessions.get(req).b = 2 }, () => {}, undefined],
    ['never asked for', () => {}, () => {}, undefined],
  ]
  for (const [name, before, after, lost] of rows) {
    for (const leaves of ['write', 'end'] as const) {
      t.test(`${name}, after ${leaves}`, async (t) => {
        let closed = false
        const served = await serveSessions(t, (req, res, sessions) => {
          res.on('close', () => { closed = true })
          before(sessions, req)
          res[leaves]('x')
          after(sessions, req)
          res.end()
        })
        t.equal((await served.ask('/', { a: 1 })).status, 200)
        await until(() => closed)
        await new Promise(setImmediate)
        const late = served.events.filter((event) => event.type === 'late')
        t.equal(late.length, lost === undefined ? 0 : 1)
        if (lost === undefined) return
        const message = lost !== '' ? `lost: ${lost}`
          : name === 'limited' ? /^the lifetime of the session was changed after/ : /^the session was first asked for after/
        t.match(late[0], { error: { code: 'ERR_SESHCOOKIE_LATE', name: 'LateChangeError', message } })
        t.strictSame(late[0]!.error.keys, lost === '' ? [] : lost.split(', '))
      })
    }
  }

  const changes: [name: string, change: (session: any) => void, lost: string[] | undefined][] = [
    ['a value of the same type', (session) => { session.a = 2 }, ['a']],
    ['an element of an array', (session) => { session.list[1] = 3 }, ['list']],
    ['one more element', (session) => { session.list.push(3) }, ['list']],
    ['one element less', (session) => { session.list.pop() }, ['list']],
    ['an element of a nested array', (session) => { session.list[0][0] = 2 }, ['list']],
    ['more elements than can be looked at', (session) => {
      for (let level = 0; level < 40; level++) session.list = [session.list, session.list]
    }, ['list']],
    ['a nested value', (session) => { session.o.x = null }, ['o']],
    ['one more name', (session) => { session.z = null }, ['z']],
    ['one more name that is undefined', (session) => { session.z = undefined }, undefined],
    ['a name of Object.prototype', (session) => { session.toString = 1 }, ['toString']],
    ['a name of Object.prototype that cannot be stored', (session) => { session.toString = () => {} }, ['toString']],
    ['one more nested name', (session) => { session.o.z = 1 }, ['o']],
    ['another nested name', (session) => { delete session.o.y; session.o.z = 2 }, ['o']],
    ['a nested object for an equal one', (session) => { session.o = { x: 1, y: 2 } }, undefined],
    ['undefined for what was', (session) => { session.a = undefined }, ['a']],
    ['a name that JSON left out', (session) => { session.u = 1 }, ['u']],
    ['a getter that throws', (session) => {
      Object.defineProperty(session, 'a', { enumerable: true, configurable: true, get() { throw new Error() } })
    }, ['a']],
    ['a value that moves into the array before it', (session) => {
      session.last.push('x')
      session.end = undefined
    }, ['last', 'end']],
    ['nothing', () => {}, undefined],
  ]
  for (const [name, change, lost] of changes) {
    t.test(`${name}, in a session of many kinds of values`, async (t) => {
      const { req, res, sessions, events } = attachSessions()
      const session = sessions.get(req)
      Object.assign(session, { a: 1, u: undefined, list: [[1], 2], o: { x: 1, y: 2 }, last: ['x'], end: 'x' })
      res.writeHead(200)
      change(session)
      res.emit('close')
      sessions.get(req)
      await new Promise(setImmediate)
      const keys = events.flatMap((event) => event.type === 'late' ? [event.error.keys] : [])
      t.strictSame(keys, lost === undefined ? [] : [lost], 'told once')
    })
  }

  for (const isMended of [false, true]) {
    t.test(`a session that could not be stored is not late, too${isMended ? ', when it is mended' : ''}`, async (t) => {
      const { req, res, sessions, types } = attachSessions()
      sessions.get(req).big = 1n as never
      res.writeHead(200)
      if (isMended) delete sessions.get(req).big
      t.doesNotThrow(() => res.emit('close'))
      t.equal(res.statusCode, 500)
      t.strictSame(types(), ['failed'])
    })
  }
})

t.test('a session first asked for when the head has left, over', async (t) => {
  const protocols: [name: string, serveOne: (listener: RequestListener) => Promise<unknown>][] = [
    ['HTTP/1.1', async (listener) => ask(await listen(t, listener), '/')],
    ['HTTP/2', async (listener) => askHttp2(await listen(t, createHttp2Server(listener as never)), '/')],
  ]
  for (const [name, serveOne] of protocols) {
    for (const when of ['before the end', 'after the end', 'after close']) {
      t.test(`${name}, ${when}`, async (t) => {
        const events: SessionEvent[] = []
        const sessions = new RequestSessions({ onEvent: (event) => events.push(event) })
        const inner = new SessionHandler((req, res) => {
          const change = () => { sessions.set(req, { a: 1 }) }
          if (when === 'before the end') {
            res.flushHeaders()
            change()
          }
          res.end()
          if (when === 'after the end') change()
          if (when === 'after close') res.on('close', () => setImmediate(change))
        }, key, sessions)
        const other = new RequestSessions()
        await serveOne(new SessionHandler(inner.listener, key, other, { cookieName: 'other' }).listener)
        await until(() => events.length > 0)
        await new Promise(setImmediate)
        t.match(events, [{ type: 'late', error: { message: /lost: a$/ } }])
        t.equal(events.length, 1)
      })
    }
  }
})

t.test('after the response the session is what the cookie holds', async (t) => {
  const rows: [name: string, act: Act, wanted: object][] = [
    ['read', (sessions, req) => { sessions.get(req) }, { a: 1 }],
    ['changed', (sessions, req) => { sessions.get(req).b = 2 }, { a: 1, b: 2 }],
    ['cleared', (sessions, req) => { sessions.clear(req) }, {}],
    ['refused', (sessions, req) => { sessions.get(req).b = 1n as never }, { a: 1, b: 1n }],
    ['never asked for', () => {}, { a: 1 }],
    ['changed too late', (sessions, req) => {
      setImmediate(() => { Object.assign(sessions.get(req), { toJSON: 1 }) })
    }, { a: 1, toJSON: 1 }],
  ]
  for (const [name, act, wanted] of rows) {
    t.test(name, async (t) => {
      const { req, res, sessions, events } = attachSessions({}, { a: 1 })
      act(sessions, req)
      const before = name === 'never asked for' ? undefined : sessions.get(req)
      res.writeHead(200)
      res.emit('close')
      await new Promise(setImmediate)
      const session = sessions.get(req)
      t.strictSame({ ...session }, wanted)
      t.equal(Object.getPrototypeOf(session), null)
      t.equal(before ?? sessions.get(req), session, 'the object that was handed out')
      t.equal(sessions.info(req) === undefined, name === 'cleared')
      await new Promise(setImmediate)
      const late = events.flatMap((event) => event.type === 'late' ? [event.error.keys] : [])
      t.strictSame(late, name === 'never asked for' ? [[]] : name === 'changed too late' ? [['toJSON']] : [])
    })
  }

  t.test('and what is changed then is late, each change once', async (t) => {
    const { req, res, sessions, events } = attachSessions({}, { a: 1 })
    sessions.get(req).b = 2
    res.writeHead(200)
    res.emit('close')
    const changes: [act: Act, lost: string[] | undefined][] = [
      [() => { sessions.set(req, { a: 1, b: 2 }) }, undefined],
      [() => { sessions.set(req, { a: 3 }) }, ['a', 'b']],
      [() => { sessions.clear(req) }, ['a']],
      [() => { sessions.set(req, { a: 3 }) }, ['a']],
      [() => { sessions.limit(req, { maxAge: 10 }) }, []],
      [() => { sessions.limit(req, {}) }, []],
    ]
    for (const [act, lost] of changes) {
      events.length = 0
      for (let times = 0; times < 2; times++) act(sessions, req)
      const told = events.map((event) => event.type === 'late' && event.error.keys)
      t.strictSame(told, lost === undefined ? [] : [lost], 'at once, though all of them are made in one turn')
    }
  })
})

t.test('a text that was sealed in another spelling is unchanged when it means the same', async (t) => {
  const { associatedData, Codec } = await import('../../lib/codec.js')
  const { noLifetime } = await import('../../lib/lifetime.js')
  const { deriveKeys } = await import('../../lib/keys.js')
  let closed = 0
  const served = await serveSessions(t, (req, res, sessions) => {
    res.on('close', () => { closed++ })
    if (req.url === '/late') res.flushHeaders()
    const session = sessions.get(req)
    if (req.url === '/change') session.b = 2
    res.end(JSON.stringify(session))
    if (req.url === '/change-late') session.s = 'b'
  })
  const now = Math.floor(Date.now() / 1000)
  const sealed = (text: string, time: number) => new Codec(deriveKeys(key), associatedData('session', '', '/', false))
    .seal(text, { created: time, issued: time, lifetime: noLifetime })
  const value = sealed('\n{ "a" : 1.0, "s": "\\u0061", "a": 1e0, "n": -0 }', now)
  t.equal(JSON.stringify(served.handler.decodeCookie(value)), '{"a":1,"s":"a","n":0}', 'as JSON has it')
  for (const path of ['/', '/late']) {
    const answer = await served.ask(path, `session=${value}`)
    t.equal(answer.body, '{"a":1,"s":"a","n":0}')
    t.strictSame(answer.all('set-cookie'), [])
  }
  await until(() => closed === 2)
  await new Promise(setImmediate)
  t.match(served.events, [{ type: 'opened' }, { type: 'opened' }, { type: 'late', error: { keys: [] } }])
  await served.ask('/change-late', `session=${value}`)
  await until(() => closed === 3)
  await until(() => served.events.at(-1)!.type === 'late')
  t.match(served.events.at(-1), { error: { message: /lost: s$/ } }, 'what was changed, and nothing that is spelled otherwise')
  const empty = sealed('{ }', now - 100)
  served.sessions.idleTimeout = 150
  t.strictSame((await served.ask('/', `session=${empty}`)).all('set-cookie'), [], 'an empty one is not renewed')
  served.sessions.idleTimeout = undefined
  t.strictSame(served.sessionIn(await served.ask('/change', `session=${value}`)), { a: 1, s: 'a', n: 0, b: 2 })
  t.equal((await served.ask('/', `session=${sealed('{"a":1e400}', now)}`)).status, 200)
  t.strictSame(served.events.at(-1), { type: 'rejected', reason: 'format' }, 'what could not be stored again')
})

t.test('nothing is shared between requests', async (t) => {
  const constant = { cart: { items: [] as string[] }, list: [[1]] }
  const visitor = () => {
    const { req, sessions } = attachSessions()
    return {
      set: (data: object) => { sessions.set(req, data) },
      session: () => sessions.get(req) as typeof constant,
    }
  }
  const [alice, bob, carol] = [visitor(), visitor(), visitor()]
  alice.set(constant)
  alice.session().cart.items.push('secret')
  alice.session().list[0]!.push(2)
  bob.set(constant)
  t.strictSame(bob.session().cart.items, [], 'a constant of the application')
  carol.set(alice.session())
  carol.session().cart.items.push('more')
  t.strictSame(alice.session().cart.items, ['secret'], 'the session of another request')
  t.equal(Object.getPrototypeOf(carol.session()), null)
  t.strictSame(constant, { cart: { items: [] }, list: [[1]] })
})

t.test('set tells at once what JSON does not carry, and leaves the session as it was', async (t) => {
  const { req, sessions } = attachSessions({}, { a: 1 })
  t.throws(() => sessions.set(req, { a: { b: [NaN] } }), { code: 'ERR_SESHCOOKIE_VALUE', path: 'session.a.b[0]' })
  t.strictSame({ ...sessions.get(req) }, { a: 1 })
})

t.test('set to what is too large fails when it is stored, whatever is cut from it by then', async (t) => {
  const constant = { list: Array.from({ length: 1e6 }, () => [1]) }
  const { req, res, sessions, events } = attachSessions()
  sessions.set(req, constant)
  ;(sessions.get(req) as typeof constant).list[0]![0] = 2
  res.writeHead(200)
  t.equal(res.statusCode, 500)
  t.match(events, [{ type: 'failed', error: { code: 'ERR_SESHCOOKIE_SIZE' } }])
  t.strictSame(constant.list[0], [1])
})

t.test('check tells what storing the session now would meet', async (t) => {
  const { req, res, sessions } = attachSessions()
  const rows: [data: object, code: string | undefined][] = [
    [{}, undefined], [{ a: 1 }, undefined], [{ a: 'x'.repeat(2800) }, undefined],
    [{ a: 'x'.repeat(3500) }, 'ERR_SESHCOOKIE_SIZE'], [{ a: 'x'.repeat(5000) }, 'ERR_SESHCOOKIE_SIZE'],
    [{ a: 1n }, 'ERR_SESHCOOKIE_VALUE'],
  ]
  for (const [data, code] of rows) {
    sessions.clear(req)
    Object.assign(sessions.get(req), data)
    if (code === undefined) t.doesNotThrow(() => sessions.check(req))
    else t.throws(() => sessions.check(req), { code })
  }
  sessions.clear(req)
  res.writeHead(200)
  t.equal(res.statusCode, 200)
})

t.test('check counts what the line will have in it', async (t) => {
  const { req, res, sessions, types } = attachSessions({ secure: true })
  sessions.get(req).s = 'x'.repeat(2938)
  t.throws(() => sessions.check(req), { code: 'ERR_SESHCOOKIE_SIZE' })
  sessions.limit(req, { persistent: false }) // without Max-Age and Expires
  t.doesNotThrow(() => sessions.check(req))
  res.writeHead(200)
  t.equal(types()[0], 'saved')
})

t.test('limit', async (t) => {
  const start = 1_800_000_000
  const expires = (seconds: number) => new Date((start + seconds) * 1000)
  const sent = (seconds: number) => `; Max-Age=${seconds}; Expires=${expires(seconds).toUTCString()}; Path=/`

  const rows: [name: string, options: SessionOptions, lifetime: LifetimeOptions, end: number, tail: string][] = [
    ['nothing', {}, {}, 86_400, sent(86_400)],
    ['undefined', {}, { maxAge: undefined, idleTimeout: undefined, persistent: undefined }, 86_400, sent(86_400)],
    ['a shorter maxAge', {}, { maxAge: 28_800 }, 28_800, sent(28_800)],
    ['a longer maxAge, which does not count', {}, { maxAge: 100_000 }, 86_400, sent(86_400)],
    ['until the browser closes', {}, { persistent: false }, 86_400, '; Path=/'],
    ['a shorter one until the browser closes', {}, { maxAge: 28_800, persistent: false }, 28_800, '; Path=/'],
    ['persistent where others are not', { persistent: false }, { persistent: true }, 86_400, sent(86_400)],
    ['idle where others are not', {}, { idleTimeout: 600 }, 600, sent(86_400)],
    ['idle for less than others', { idleTimeout: 1200 }, { idleTimeout: 600 }, 600, sent(86_400)],
    ['idle for longer, which does not count', { idleTimeout: 600 }, { idleTimeout: 1200 }, 600, sent(86_400)],
    ['the least', {}, { maxAge: 1, idleTimeout: 1 }, 1, sent(1)],
    ['the most', { maxAge: 34_560_000 }, { maxAge: 34_560_000 }, 34_560_000, sent(34_560_000)],
  ]
  for (const [name, options, lifetime, end, tail] of rows) {
    t.test(`to ${name}`, async (t) => {
      setTime(t, start)
      const infos: (SessionInfo | undefined)[] = []
      const served = await serveSessions(t, (req, res, sessions) => {
        sessions.get(req).a = 1
        if (req.url === '/limit') sessions.limit(req, lifetime)
        res.flushHeaders()
        infos.push(sessions.info(req))
        res.end()
      }, { options })
      const first = await served.ask('/limit')
      t.match(first.all('set-cookie')[0], new RegExp(`^session=[\\w-]+${tail}; HttpOnly`))
      const cookie = first.all('set-cookie')[0]!.split(';')[0]!
      await served.ask('/', cookie)
      t.strictSame(infos.map((info) => info!.expiresAt), [expires(end), expires(end)])
      setTime(t, start + end - 1)
      await served.ask('/', cookie)
      t.match(served.events.at(-1), { type: end > 600 ? 'opened' : /opened|saved/ })
      setTime(t, start + end)
      await served.ask('/', cookie)
      t.ok(served.events.some((event) => event.type === 'rejected' && event.reason === 'expired'))
    })
  }

  t.test('is kept when the session is written again, and by set, and forgotten by clear', async (t) => {
    setTime(t, start)
    const served = await serveSessions(t, (req, res, sessions) => {
      if (req.url === '/limit') {
        sessions.get(req).a = 1
        sessions.limit(req, { maxAge: 100 })
      }
      if (req.url === '/write') sessions.get(req).b = 2
      if (req.url === '/set') sessions.set(req, { c: 3 })
      if (req.url === '/clear') {
        sessions.limit(req, { maxAge: 50 })
        sessions.clear(req)
        sessions.get(req).d = 4
      }
      if (req.url === '/give-back') sessions.limit(req, {})
      res.end()
    })
    let cookie = ''
    const lines: (string | undefined)[] = []
    for (const path of ['/limit', '/', '/write', '/set', '/give-back', '/limit', '/clear']) {
      const [line] = (await served.ask(path, cookie)).all('set-cookie')
      lines.push(line && /Max-Age=\d+/.exec(line)![0])
      if (line !== undefined) cookie = line.split(';')[0]!
    }
    t.strictSame(lines, ['Max-Age=100', undefined, 'Max-Age=100', 'Max-Age=100', 'Max-Age=86400', 'Max-Age=100', 'Max-Age=86400'])
  })

  t.test('writes an unchanged session, and nothing where nothing changes', async (t) => {
    setTime(t, start)
    const served = await serveSessions(t, (req, res, sessions) => {
      if (req.url !== '/') sessions.limit(req, { maxAge: Number(req.url!.slice(1)) })
      if (req.url === '/10') sessions.limit(req, {}) // the second call replaces the first
      res.end()
    })
    const limited = await served.ask('/100', { a: 1 })
    t.strictSame(served.sessionIn(limited), { a: 1 })
    const saved = { type: 'saved', bytes: limited.setCookie[0]!.length, renewed: false }
    t.strictSame(served.events, [{ type: 'opened', keyIndex: 0 }, saved])
    t.strictSame((await served.ask('/100', pairIn(limited))).setCookie, [], 'the same again')
    t.strictSame((await served.ask('/10', { a: 1 })).setCookie, [], 'and given back')
    t.strictSame((await served.ask('/100')).setCookie, [], 'of an empty session')
  })

  t.test('info tells the new end at once', async (t) => {
    setTime(t, start)
    const { req, sessions } = attachSessions({}, { a: 1 })
    sessions.limit(req, { maxAge: 100 })
    t.strictSame(sessions.info(req)!.expiresAt, expires(100))
    sessions.limit(req, {})
    t.strictSame(sessions.info(req)!.expiresAt, expires(86_400))
  })

  const wrong: [lifetime: unknown, error: { name: string, message?: string | RegExp }][] = [
    [undefined, { name: 'TypeError', message: '"lifetime" expected an object, got undefined' }],
    [null, { name: 'TypeError' }],
    [60, { name: 'TypeError' }],
    [{ maxage: 60 }, { name: 'TypeError', message: /expected only maxAge, idleTimeout, persistent, got the unknown name maxage$/ }],
    [{ maxAge: '60' }, { name: 'TypeError', message: /^"maxAge" expected a whole number of seconds/ }],
    [{ maxAge: 0 }, { name: 'RangeError' }],
    [{ maxAge: 1.5 }, { name: 'RangeError' }],
    [{ maxAge: NaN }, { name: 'RangeError' }],
    [{ maxAge: 34_560_001 }, { name: 'RangeError' }],
    [{ idleTimeout: 0 }, { name: 'RangeError', message: /^"idleTimeout" expected/ }],
    [{ persistent: 'no' }, { name: 'TypeError', message: '"persistent" expected a boolean, got a string of 2 bytes' }],
    [{ persistent: null }, { name: 'TypeError' }],
  ]
  t.test('refuses what the options refuse, and changes nothing', async (t) => {
    const { req, sessions } = attachSessions({}, { a: 1 })
    sessions.limit(req, { maxAge: 100 })
    const before = sessions.info(req)
    for (const [lifetime, error] of wrong) t.throws(() => sessions.limit(req, lifetime as never), error)
    t.strictSame(sessions.info(req), before)
  })
})

t.test('set, clear and limit within validate neither throw out of get nor loop', async (t) => {
  const clear: Act = (sessions, req) => { sessions.clear(req) }
  const acts: [name: string, act: Act, valid: boolean, session: object, written: RegExp | undefined][] = [
    ['get', (sessions, req) => { sessions.get(req) }, true, { a: 1 }, undefined],
    ['get, and a change of what it gives', (sessions, req) => { sessions.get(req).b = 1 }, true, { a: 1, b: 1 },
      /^session=[\w-]{108}/],
    ['info', (sessions, req) => { sessions.info(req) }, true, { a: 1 }, undefined],
    ['set', (sessions, req) => { sessions.set(req, { b: 2 }) }, true, { b: 2 }, /^session=.+Max-Age=86300/],
    ['set to nothing', (sessions, req) => { sessions.set(req, {}) }, true, {}, /^session=; Max-Age=0/],
    ['clear', clear, true, {}, /^session=; Max-Age=0/],
    ['clear, and refused', clear, false, {}, /^session=; Max-Age=0/],
    ['clear, and a new session', (sessions, req) => {
      clear(sessions, req)
      sessions.get(req).c = 3
    }, true, { c: 3 }, /^session=.+Max-Age=86400/],
    ['limit', (sessions, req) => { sessions.limit(req, { maxAge: 200 }) }, true, { a: 1 }, /Max-Age=100/],
  ]
  for (const [name, act, valid, session, written] of acts) {
    t.test(name, async (t) => {
      setTime(t, 1_800_000_000)
      let calls = 0
      const { req, res, sessions, line } = attachSessions({
        validate: (_, __, req): boolean => {
          calls++
          act(sessions, req)
          return valid
        },
      }, { a: 1 })
      setTime(t, 1_800_000_100)
      t.strictSame({ ...sessions.get(req) }, session)
      res.writeHead(200)
      t.equal(calls, 1)
      if (written === undefined) t.equal(line(), undefined)
      else t.match(line(), written)
    })
  }
})

t.test('set within validate replaces what the session holds, and neither its age nor its lifetime', async (t) => {
  const start = 1_700_000_000
  setTime(t, start)
  const first = attachSessions({ maxAge: 1000 })
  const { sessions, handler } = first
  sessions.set(first.req, { a: 1 })
  sessions.limit(first.req, { maxAge: 500, persistent: false })
  first.res.writeHead(200)
  sessions.validate = (_, __, req) => {
    sessions.set(req, { b: 2 })
    return true
  }
  setTime(t, start + 100)
  const { req, res } = requestAndResponse(pairIn(first.line()))
  handler.attach(req, res)
  t.match(sessions.info(req), { createdAt: new Date(start * 1000), expiresAt: new Date((start + 500) * 1000) })
  res.writeHead(200)
  t.match(String(res.getHeader('set-cookie')), /^session=[\w-]{108,}; Path/)
})

t.test('get within onEvent and validate', async (t) => {
  const seen: unknown[] = []
  const { req, sessions } = attachSessions({
    onEvent: ({ type }, req) => { seen.push(type, { ...sessions.get(req) }) },
    validate: (session, _, req): boolean => {
      seen.push({ ...session }, { ...sessions.get(req) })
      return true
    },
  }, { a: 1 })
  t.strictSame({ ...sessions.get(req) }, { a: 1 })
  t.strictSame(seen, [{ a: 1 }, { a: 1 }, 'opened', { a: 1 }])
})

t.test('a session that cannot be changed in place', async (t) => {
  const rows: [name: string, spoil: (session: object) => void][] = [
    ['frozen', (session) => { Object.freeze(session) }],
    ['sealed', (session) => { Object.seal(session) }],
    ['not extensible', (session) => { Object.preventExtensions(session) }],
    ['with a fixed property', (session) => { Object.defineProperty(session, 'a', { configurable: false }) }],
  ]
  for (const [name, spoil] of rows) {
    for (const data of [{}, { b: 2 }]) {
      const { req, res, sessions, line } = attachSessions({}, { a: 1 })
      spoil(sessions.get(req))
      if ('b' in data) sessions.set(req, data)
      else sessions.clear(req)
      t.strictSame({ ...sessions.get(req) }, data, name)
      res.writeHead(200)
      t.match(line(), 'b' in data ? /^session=[\w-]{108}/ : /^session=; Max-Age=0/, name)
    }
  }
})

t.test('after the end a session is looked at once for each turn in which somebody asked for it', async (t) => {
  const { req, res, sessions, events } = attachSessions()
  sessions.get(req)
  res.writeHead(200)
  res.emit('close')
  const turn = globalThis.setImmediate
  let turns = 0
  globalThis.setImmediate = ((callback: () => void) => {
    turns++
    return turn(callback)
  }) as typeof setImmediate
  t.teardown(() => { globalThis.setImmediate = turn })
  for (const name of ['a', 'b']) {
    for (let times = 0; times < 3; times++) sessions.get(req)[name] = times
    await new Promise((resolve) => { turn(resolve) })
  }
  t.strictSame(events.map((event) => event.type === 'late' && event.error.keys), [['a'], ['b']])
  t.equal(turns, 2)
})

t.test('validate is called once for each distinct cookie', async (t) => {
  let calls = 0
  const { handler } = attachSessions({ validate: () => { calls++; return false } })
  const pair = `session=${handler.encodeCookie({ a: 1 })}`
  handler.read(requestAndResponse(`${pair}; ${pair}; ${pair}`).req)
  t.equal(calls, 1)
})

t.test('Secure', async (t) => {
  const rows: [secure: boolean | 'auto', tls: boolean, wanted: boolean][] = [
    ['auto', false, false], ['auto', true, true], [true, false, true], [true, true, true], [false, false, false],
    [false, true, false],
  ]
  for (const [secure, tls, wanted] of rows) {
    for (const data of [{ a: 1 }, {}]) {
      const { sessions, handler } = attachSessions({ secure })
      const { req, res } = requestAndResponse(undefined, tls)
      handler.attach(req, res)
      sessions.clear(req)
      Object.assign(sessions.get(req), data)
      res.writeHead(200)
      const title = `${secure}, ${tls}, ${JSON.stringify(data)}`
      t.equal(/; Secure;/.test(String(res.getHeader('set-cookie'))), wanted, title)
    }
  }
})

t.test('set and clear leave the object that was handed out the session, whatever is in it', async (t) => {
  const { req, sessions } = attachSessions({}, { a: 1 })
  const session = sessions.get(req)
  Object.assign(session, { [Symbol('b')]: 2 })
  sessions.set(req, { b: 2 })
  t.equal(sessions.get(req), session)
  t.strictSame({ ...session }, { b: 2 })
  Object.assign(session, { [Symbol('b')]: 2 })
  sessions.clear(req)
  t.equal(sessions.get(req), session)
  t.strictSame(Reflect.ownKeys(session), [])
})

t.test('a session that ends before its response leaves is kept for a second, and not longer or less', async (t) => {
  const now = 1_800_000_000
  for (const [age, left] of [[98, 2], [99, 1], [100, 1], [101, 1], [1000, 1]] as const) {
    setTime(t, now)
    const { req, res, sessions, line } = attachSessions({ maxAge: 100 }, { a: 1 })
    setTime(t, now + 50)
    sessions.get(req).b = 2
    setTime(t, now + age)
    res.writeHead(200)
    t.match(line(), `; Max-Age=${left}; `, `at the age of ${age}`)
  }
})

t.test('renewal', async (t) => {
  const start = 1_800_000_000
  const large = { large: 'x'.repeat(2940) }
  const get: Act = (sessions, req) => { sessions.get(req) }
  const rows: [name: string, session: SessionData, act: Act, types: string[], status?: number][] = [
    ['is made by any get', { a: 1 }, get, ['opened', 'saved']],
    ['is made by one that says no more', { a: 1 }, (sessions, req) => { sessions.get(req, {}) }, ['opened', 'saved']],
    ['is made by one that says so', { a: 1 }, (sessions, req) => { sessions.get(req, { renew: true }) }, ['opened', 'saved']],
    ['is not made where one get says so', { a: 1 }, (sessions, req) => {
      for (const options of [undefined, { renew: false }, { renew: true }]) sessions.get(req, options)
    }, ['opened']],
    ['is not made then, and a change is saved', { a: 1 }, (sessions, req) => {
      sessions.get(req, { renew: false }).b = 1
    }, ['opened', 'saved']],
    ['for which there is no room is left out', large, get, ['opened', 'failed']],
    ['is not made, and a change for which there is no room is a 500', large, (sessions, req) => {
      sessions.get(req).b = 1
    }, ['opened', 'failed'], 500],
  ]
  for (const [name, session, act, expected, status = 200] of rows) {
    t.test(name, async (t) => {
      setTime(t, start)
      const { sessions, handler, types } = attachSessions({ persistent: false, idleTimeout: 100 })
      const { req, res } = requestAndResponse(`session=${handler.encodeCookie(session)}`)
      sessions.persistent = true // and so the line is longer
      setTime(t, start + 60)
      handler.attach(req, res)
      act(sessions, req)
      res.writeHead(200)
      t.strictSame(types(), expected)
      t.equal(res.statusCode, status)
      t.equal(res.getHeader('vary'), 'Cookie')
      const isForOne = expected.includes('saved') || status === 500
      t.equal(res.getHeader('cache-control'), isForOne ? 'no-store' : undefined)
    })
  }

  t.test('get refuses other options', async (t) => {
    const { req, sessions } = attachSessions()
    const rows: [options: unknown, message: RegExp][] = [
      [null, /^"options" expected an object, got null$/],
      [{ renew: 1 }, /^"renew" expected a boolean, got number$/],
      [{ renews: false }, /^"options" expected only renew, got the unknown name renews$/],
    ]
    for (const [options, message] of rows) t.throws(() => sessions.get(req, options as never), { name: 'TypeError', message })
    t.strictSame({ ...sessions.get(req, { renew: undefined }) }, {})
  })
})

t.test('once check has thrown, the answer is the handler\'s', async (t) => {
  for (const isMended of [false, true]) {
    const { req, res, sessions, types, line } = attachSessions({}, { a: 1 })
    sessions.get(req).a = NaN
    t.throws(() => sessions.check(req), { code: 'ERR_SESHCOOKIE_VALUE' })
    if (isMended) sessions.get(req).a = 2
    res.writeHead(422)
    t.equal(res.statusCode, 422)
    t.equal(res.getHeader('vary'), 'Cookie')
    t.equal(line() !== undefined, isMended)
    t.strictSame(types(), ['opened', isMended ? 'saved' : 'failed'])
  }
})

t.test('the warning says which request it was, and what became of the answer', async (t) => {
  const large = 'x'.repeat(2940)
  const rows: [name: string, act: Act, became: string][] = [
    ['a change', (sessions, req) => { sessions.get(req).a = NaN }, 'became a 500'],
    ['a change after check', (sessions, req) => {
      sessions.get(req).a = NaN
      try { sessions.check(req) } catch { /* the handler says so itself */ }
    }, 'stayed as it was'],
    ['a renewal', (sessions, req) => { sessions.get(req) }, 'stayed as it was'],
  ]
  for (const [name, act, became] of rows) {
    t.test(name, async (t) => {
      const warnings = collectWarnings(t)
      setTime(t, 1_800_000_000)
      const { sessions, handler } = attachSessions({ persistent: false, idleTimeout: 100, onEvent: undefined })
      const { req, res } = requestAndResponse(`session=${handler.encodeCookie({ large })}`)
      Object.assign(req, { method: 'POST', url: '/cart?secret' })
      sessions.persistent = true
      setTime(t, 1_800_000_060)
      handler.attach(req, res)
      act(sessions, req)
      res.writeHead(200)
      await new Promise(setImmediate)
      t.equal(warnings.length, 1)
      t.match(warnings[0]!.message, new RegExp(`POST /cart.*; the answer ${became}$`))
      t.notMatch(warnings[0]!.message, /secret/)
    })
  }
})

t.test('a request that is attached after its headers left is late', async (t) => {
  type Meet = (handler: SessionHandler, req: IncomingMessage, res: ServerResponse) => void
  const rows: [name: string, meet: Meet, keys: string[]][] = [
    ['changed', ({ attach, sessions }, req, res) => {
      attach(req, res)
      sessions.get(req).x = 1
    }, ['x']],
    ['asked for', ({ attach, sessions }, req, res) => {
      attach(req, res)
      sessions.get(req)
    }, []],
    ['read and changed before', (handler, req, res) => {
      handler.read(req).x = 1
      handler.attach(req, res)
    }, ['x']],
  ]
  for (const [name, meet, keys] of rows) {
    const { handler, sessions, events } = attachSessions()
    const { req, res } = requestAndResponse()
    res.flushHeaders()
    meet(handler, req, res)
    await until(() => events.length > 0)
    t.match(events, [{ type: 'late', error: { keys } }], name)
    sessions.get(req).y = 2
    await until(() => events.length > 1)
    t.match(events[1], { type: 'late', error: { keys: ['y'] } }, `${name}, and changed in a later turn`)
  }
  const { handler, events } = attachSessions()
  const { req, res } = requestAndResponse()
  res.flushHeaders()
  handler.attach(req, res)
  await new Promise(setImmediate)
  t.strictSame(events, [], 'unless nobody asks for the session')
})

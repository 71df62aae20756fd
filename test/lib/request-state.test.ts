import t from 'tap'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { runInNewContext } from 'node:vm'
import { createServer as createHttp2Server, type Http2ServerResponse } from 'node:http2'
import { RequestSessions, SessionHandler, type AnyRequest, type LateChangeError, type LifetimeOptions, type SessionData,
  type SessionEvent, type SessionInfo, type SessionOptions } from '../../lib/index.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { ask, askHttp2 } from '../support/client.js'
import { listen } from '../support/listen.js'
import { key, serveSessions, type Handle } from '../support/sessions.js'
import { setTime, until } from '../support/time.js'

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
      const value = served.handler.encodeCookie(JSON.parse(before))
      const answer = await served.ask('/', `session=${value}`)
      t.equal(answer.status, 200)
      t.equal(answer.all('set-cookie').length, written ? 1 : 0)
      t.strictSame(served.events.map(({ type }) => type), written ? ['opened', 'saved'] : ['opened'])
    })
  }
})

t.test('an equal object of another realm is no change', async (t) => {
  for (const cacheSize of [0, 1000]) {
    t.test(`cacheSize: ${cacheSize}`, async (t) => {
      const served = await serveSessions(t, (req, res, sessions) => {
        sessions.get(req).user = runInNewContext('({ id: 1 })') as { id: number }
        res.end()
      }, { cacheSize })
      const first = await served.ask('/')
      const cookie = first.all('set-cookie')[0]!.split(';')[0]!
      for (let times = 0; times < 2; times++) t.strictSame((await served.ask('/', cookie)).all('set-cookie'), [])
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
      const served = await serveSessions(t, (req, res, sessions) => {
        change(sessions.get(req) as never)
        res.end()
      })
      const answer = await served.ask('/', `session=${served.handler.encodeCookie({ none: null, empty: {}, list: [null] })}`)
      t.equal(answer.status, 500)
      t.strictSame(answer.all('set-cookie'), [])
      t.match(served.events.slice(1), [{ type: 'failed', error: { code: 'ERR_SESHCOOKIE_VALUE', path } }])
    })
  }
})

t.test('a getter that throws when it is read the second time hides nothing', async (t) => {
  class Nameless extends Map { static override readonly name = 1 as never }
  const rows: [name: string, beside: object, path: string][] = [
    ['NaN', { a: NaN }, 'session.a'],
    ['a Map', { a: new Map([['a', 1]]) }, 'session.a'],
    ['a hole', { a: [1, , 3] }, 'session.a[1]'],
    ['a Map whose class has no name', { a: new Nameless() }, 'session.a'],
    ['nothing', {}, 'session'],
  ]
  for (const [name, beside, path] of rows) {
    t.test(`beside ${name}`, async (t) => {
      const served = await serveSessions(t, (req, res, sessions) => {
        let reads = 0
        const getter = () => {
          if (++reads > 1) throw new Error('secret')
          return 1
        }
        const session = sessions.get(req)
        Object.defineProperty(session, 'first', { get: getter, enumerable: true, configurable: true })
        Object.assign(session, beside)
        res.end()
      })
      const answer = await served.ask('/')
      t.equal(answer.status, 500)
      t.strictSame(answer.setCookie, [])
      t.match(served.events, [{ type: 'failed', error: { code: 'ERR_SESHCOOKIE_VALUE', path } }])
      t.equal(served.events.length, 1)
    })
  }
})

t.test('a session that no cookie holds is refused without looking at all of it', async (t) => {
  const served = await serveSessions(t, (req, res, sessions) => {
    const session = sessions.get(req) as { items: unknown[] }
    session.items = [1]
    if (req.url === '/hole') session.items[100_000_000] = 1
    if (req.url === '/doubled') for (let level = 0; level < 40; level++) session.items = [session.items, session.items]
    if (req.url === '/late') res.flushHeaders()
    if (req.url === '/late') for (let level = 0; level < 40; level++) session.items = [session.items, session.items]
    res.end()
  })
  t.equal((await served.ask('/hole')).status, 500)
  t.match(served.events.at(-1), { error: { path: 'session.items[1]', found: 'a hole' } })
  t.equal((await served.ask('/doubled')).status, 500)
  t.match(served.events.at(-1), { error: { code: 'ERR_SESHCOOKIE_SIZE' } })
  await served.ask('/late')
  await until(() => served.events.at(-1)!.type === 'late')
  t.match(served.events.at(-1), { error: { keys: ['items'] } })
})

t.test('times', async (t) => {
  const start = 1_800_000_000

  t.test('a rewritten session keeps its creation, and Max-Age counts down', async (t) => {
    const infos: (SessionInfo | undefined)[] = []
    const served = await serveSessions(t, (req, res, sessions) => {
      infos.push(sessions.info(req))
      sessions.get(req).n = infos.length
      res.end()
    })
    setTime(t, start)
    let answer = await served.ask('/')
    t.match(answer.all('set-cookie')[0], /; Max-Age=86400;/)
    let cookie = answer.all('set-cookie')[0]!.split(';')[0]!
    setTime(t, start + 86_000)
    answer = await served.ask('/', cookie)
    t.match(answer.all('set-cookie')[0], /; Max-Age=400;/)
    cookie = answer.all('set-cookie')[0]!.split(';')[0]!
    setTime(t, start + 86_399)
    await served.ask('/', cookie)
    setTime(t, start + 86_400)
    await served.ask('/', cookie)
    const at = (seconds: number) => new Date(seconds * 1000)
    t.strictSame(infos, [
      undefined,
      { createdAt: at(start), issuedAt: at(start), expiresAt: at(start + 86_400) },
      { createdAt: at(start), issuedAt: at(start + 86_000), expiresAt: at(start + 86_400) },
      undefined,
    ])
    t.match(served.events.at(-2), { type: 'rejected', reason: 'expired' })
  })

  t.test('clear makes a new creation time', async (t) => {
    const served = await serveSessions(t, (req, res, sessions) => {
      sessions.clear(req)
      sessions.get(req).a = 1
      t.equal(sessions.info(req), undefined)
      res.end()
    })
    setTime(t, start)
    const value = served.handler.encodeCookie({ a: 1 })
    setTime(t, start + 1000)
    const answer = await served.ask('/', `session=${value}`)
    t.match(answer.all('set-cookie')[0], /; Max-Age=86400;/)
  })

  t.test('info tells of what was sent, once it was sent', async (t) => {
    const infos: (SessionInfo | undefined)[] = []
    const served = await serveSessions(t, (req, res, sessions) => {
      if (req.url === '/in') sessions.get(req).a = 1
      else sessions.clear(req)
      infos.push(sessions.info(req))
      res.flushHeaders()
      infos.push(sessions.info(req))
      res.end()
    })
    setTime(t, start)
    const answer = await served.ask('/in')
    await served.ask('/out', answer.all('set-cookie')[0]!.split(';')[0])
    const now = new Date(start * 1000)
    t.strictSame(infos, [
      undefined, { createdAt: now, issuedAt: now, expiresAt: new Date((start + 86_400) * 1000) }, undefined, undefined,
    ])
  })

  const idle: [age: number, written: 'nothing' | 'renewed' | 'refused'][] =
    [[0, 'nothing'], [899, 'nothing'], [900, 'renewed'], [1799, 'renewed'], [1800, 'refused']]
  for (const [age, written] of idle) {
    t.test(`idleTimeout 1800, read at the age of ${age}: ${written}`, async (t) => {
      const served = await serveSessions(t, (req, res, sessions) => {
        res.end(JSON.stringify([sessions.get(req), sessions.info(req)?.expiresAt]))
      }, { options: { idleTimeout: 1800 } })
      setTime(t, start)
      const value = served.handler.encodeCookie({ a: 1 })
      setTime(t, start + age)
      const answer = await served.ask('/', `session=${value}`)
      const lines = answer.all('set-cookie')
      t.equal(lines.length, written === 'renewed' ? 1 : 0)
      if (written === 'renewed') {
        t.match(lines[0], `; Max-Age=${86_400 - age};`)
        t.match(served.events.at(-1), { type: 'saved', renewed: true, bytes: lines[0]!.length })
        t.strictSame(served.sessionIn(answer), { a: 1 })
      }
      t.equal(answer.body, written === 'refused'
        ? '[{},null]' : JSON.stringify([{ a: 1 }, new Date((start + 1800) * 1000)]))
    })
  }

  t.test('no renewal of an empty session, of one that was not asked for, or past maxAge', async (t) => {
    const served = await serveSessions(t, (req, res, sessions) => {
      if (req.url === '/read') sessions.get(req)
      res.end()
    }, { options: { idleTimeout: 1800, maxAge: 3000 } })
    setTime(t, start)
    const value = served.handler.encodeCookie({ a: 1 })
    const empty = served.handler.encodeCookie({})
    setTime(t, start + 1700)
    t.strictSame((await served.ask('/read', `session=${empty}`)).all('set-cookie'), [])
    t.strictSame((await served.ask('/', `session=${value}`)).all('set-cookie'), [])
    const renewed = (await served.ask('/read', `session=${value}`)).all('set-cookie')[0]!
    t.match(renewed, '; Max-Age=1300;')
    setTime(t, start + 3000)
    await served.ask('/read', renewed.split(';')[0])
    t.match(served.events.at(-1), { type: 'rejected', reason: 'expired' })
  })

  t.test('a clock that is behind the one that issued the cookie', async (t) => {
    const served = await serveSessions(t, (req, res, sessions) => {
      sessions.get(req).n = 1
      res.end()
    })
    setTime(t, start + 60)
    const value = served.handler.encodeCookie({ a: 1 })
    setTime(t, start)
    const answer = await served.ask('/', `session=${value}`)
    t.strictSame(served.sessionIn(answer), { a: 1, n: 1 }, 'what was saved opens again')
    t.match(answer.all('set-cookie')[0], '; Max-Age=86400;')
  })
})

t.test('late changes', async (t) => {
  const rows: [name: string, handle: Handle, lost: string | undefined][] = [
    ['after write', (req, res, sessions) => {
      sessions.get(req).a = 1
      res.write('x')
      sessions.get(req).b = 2
      res.end()
    }, 'b'],
    ['after end', (req, res, sessions) => {
      const session = sessions.get(req)
      res.end()
      session.b = 2
      session['c d'] = { e: 1 }
    }, 'b, "c d"'],
    ['first asked for after the head', (req, res, sessions) => {
      res.write('x')
      delete sessions.get(req).a
      res.end()
    }, 'a'],
    ['cleared after the head', (req, res, sessions) => {
      res.write('x')
      sessions.clear(req)
      res.end()
    }, 'a'],
    ['replaced after the head', (req, res, sessions) => {
      res.write('x')
      sessions.set(req, { a: 2 })
      res.end()
    }, 'a'],
    ['a bigint', (req, res, sessions) => {
      res.write('x')
      sessions.get(req).big = 1n as never
      res.end()
    }, 'big'],
    ['first asked for after the head, and not changed', (req, res, sessions) => {
      res.write('x')
      sessions.get(req)
      res.end()
    }, ''],
    ['first asked for by info after the end', (req, res, sessions) => {
      res.end()
      sessions.info(req)
    }, ''],
    ['limited after the head', (req, res, sessions) => {
      sessions.get(req)
      res.write('x')
      sessions.limit(req, { maxAge: 10 })
      res.end()
    }, ''],
    ['limited and changed after the head', (req, res, sessions) => {
      sessions.get(req)
      res.write('x')
      sessions.limit(req, { maxAge: 10 })
      sessions.get(req).b = 1
      res.end()
    }, 'b'],
    ['limited to what it is after the head', (req, res, sessions) => {
      sessions.limit(req, { maxAge: 10 })
      res.write('x')
      sessions.limit(req, { maxAge: 10 })
      res.end()
    }, undefined],
    ['limited when it is empty', (req, res, sessions) => {
      sessions.clear(req)
      res.write('x')
      sessions.limit(req, { maxAge: 10 })
      res.end()
    }, undefined],
    ['limited and cleared after the head', (req, res, sessions) => {
      sessions.limit(req, { maxAge: 10 })
      res.write('x')
      sessions.clear(req)
      res.end()
    }, 'a'],
    ['the order of keys', (req, res, sessions) => {
      const session = sessions.get(req)
      session.b = 2
      res.write('x')
      delete session.a
      session.a = 1
      res.end()
    }, undefined],
    ['changed and changed back', (req, res, sessions) => {
      const session = sessions.get(req)
      res.write('x')
      session.b = 2
      delete session.b
      res.end()
    }, undefined],
    ['a Map, which JSON spells as an object', (req, res, sessions) => {
      const session = sessions.get(req)
      session.m = {}
      res.write('x')
      session.m = new Map([[1, 2]]) as never
      res.end()
    }, 'm'],
    ['changed before, not after', (req, res, sessions) => {
      sessions.get(req).b = 2
      res.write('x')
      res.end()
    }, undefined],
    ['never asked for', (_, res) => { res.end() }, undefined],
  ]
  for (const [name, handle, lost] of rows) {
    t.test(name, async (t) => {
      let closed = false
      const served = await serveSessions(t, (req, res, sessions) => {
        res.on('close', () => { closed = true })
        return handle(req, res, sessions)
      })
      const answer = await served.ask('/', `session=${served.handler.encodeCookie({ a: 1 })}`)
      await until(() => closed)
      await new Promise(setImmediate)
      t.equal(answer.status, 200)
      const late = served.events.filter((event) => event.type === 'late')
      t.equal(late.length, lost === undefined ? 0 : 1)
      if (lost === undefined) return
      const keys = lost === '' ? [] : lost.split(', ')
      t.match(late[0], { error: { code: 'ERR_SESHCOOKIE_LATE', name: 'LateChangeError', message: lost === '' ? /\w/ : `lost: ${lost}` } })
      t.strictSame((late[0] as { error: LateChangeError }).error.keys, keys)
    })
  }

  const changes: [name: string, change: (session: any) => void, lost: string[] | undefined][] = [
    ['a value of the same type', (session) => { session.a = 2 }, ['a']],
    ['an element of an array', (session) => { session.list[1] = 3 }, ['list']],
    ['one more element', (session) => { session.list.push(3) }, ['list']],
    ['one element less', (session) => { session.list.pop() }, ['list']],
    ['an element of a nested array', (session) => { session.list[0][0] = 2 }, ['list']],
    ['a nested value', (session) => { session.o.x = null }, ['o']],
    ['one more name', (session) => { session.z = undefined }, undefined],
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
      const events: SessionEvent[] = []
      const sessions = new RequestSessions({ onEvent: (event) => { events.push(event) } })
      const { req, res } = requestAndResponse()
      new SessionHandler(null, key, sessions).attach(req, res)
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

  t.test('a session that could not be stored is not late, too', async (t) => {
    let closed = false
    const served = await serveSessions(t, (req, res, sessions) => {
      res.on('close', () => { closed = true })
      sessions.get(req).big = 1n as never
      res.end()
    })
    const answer = await served.ask('/')
    await until(() => closed)
    t.equal(answer.status, 500)
    t.strictSame(served.events.map(({ type }) => type), ['failed'])
  })

  t.test('nor is one that can be stored again after the head', async (t) => {
    const events: string[] = []
    const sessions = new RequestSessions({ onEvent: ({ type }) => { events.push(type) } })
    const { req, res } = requestAndResponse()
    new SessionHandler(null, key, sessions).attach(req, res)
    sessions.get(req).big = 1n as never
    res.writeHead(200)
    delete sessions.get(req).big
    t.doesNotThrow(() => res.emit('close'))
    t.strictSame(events, ['failed'])
  })
})

t.test('a session first asked for when the head has left, over', async (t) => {
  type Response = ServerResponse | Http2ServerResponse
  const overHttp1 = (listener: RequestListener) => listen(t, listener).then((origin) => ask(origin, '/'))
  const overHttp2 = (listener: RequestListener) =>
    listen(t, createHttp2Server(listener as never)).then((origin) => askHttp2(origin, '/'))
  for (const [name, serveOne] of [['HTTP/1.1', overHttp1], ['HTTP/2', overHttp2]] as const) {
    for (const when of ['before the end', 'after the end', 'after close']) {
      t.test(`${name}, ${when}`, async (t) => {
        const events: SessionEvent[] = []
        const sessions = new RequestSessions({ onEvent: (event) => events.push(event) })
        const other = new RequestSessions()
        const inner = new SessionHandler<SessionData, never, never>((req: IncomingMessage, res: Response) => {
          const change = () => { sessions.set(req, { a: 1 }) }
          if (when === 'before the end') {
            (res as ServerResponse).flushHeaders()
            change()
          }
          (res as ServerResponse).end()
          if (when === 'after the end') change()
          if (when === 'after close') res.on('close', () => setImmediate(change))
        }, key, sessions)
        await serveOne(new SessionHandler(inner.listener, key, other, { cookieName: 'other' }).listener as RequestListener)
        await until(() => events.length > 0)
        await new Promise(setImmediate)
        t.match(events, [{ type: 'late', error: { message: /lost: a$/ } }])
        t.equal(events.length, 1)
      })
    }
  }
})

t.test('after the response the session is what the cookie holds', async (t) => {
  const rows: [name: string, handle: Handle, wanted: object][] = [
    ['read', (req, _, sessions) => { sessions.get(req) }, { a: 1 }],
    ['changed', (req, _, sessions) => { sessions.get(req).b = 2 }, { a: 1, b: 2 }],
    ['cleared', (req, _, sessions) => { sessions.clear(req) }, {}],
    ['refused', (req, _, sessions) => { sessions.get(req).b = 1n as never }, { a: 1, b: 1n }],
    ['never asked for', () => {}, { a: 1 }],
  ]
  for (const [name, handle, wanted] of rows) {
    t.test(name, async (t) => {
      const after: [session: object, again: object, info: unknown][] = []
      let before: object | undefined
      const served = await serveSessions(t, (req, res, sessions) => {
        handle(req, res, sessions)
        if (name !== 'never asked for') before = sessions.get(req)
        res.on('close', () => setImmediate(() => {
          const session = sessions.get(req)
          after.push([session, sessions.get(req), sessions.info(req)])
        }))
        res.end()
      })
      await served.ask('/', `session=${served.handler.encodeCookie({ a: 1 })}`)
      await until(() => after.length > 0)
      const [[session, again, info]] = after as [typeof after[0]]
      t.strictSame({ ...session }, wanted)
      if (before !== undefined) t.equal(session, before, 'the object that was handed out')
      t.equal(Object.getPrototypeOf(session), null)
      t.equal(session, again, 'one object')
      t.equal(info === undefined, name === 'cleared')
      await new Promise(setImmediate)
      const late = served.events.filter(({ type }) => type === 'late')
      t.match(late, name === 'never asked for' ? [{ error: { keys: [] } }] : [])
      t.equal(late.length, name === 'never asked for' ? 1 : 0)
    })
  }

  t.test('but for what it was changed to too late', async (t) => {
    const sessions: unknown[] = []
    const served = await serveSessions(t, (req, res, all) => {
      const session = all.get(req)
      res.on('close', () => setImmediate(() => sessions.push(session, all.get(req))))
      res.end()
      Object.assign(session, { toJSON: () => 1 })
    })
    await served.ask('/')
    await until(() => sessions.length > 0)
    t.equal(sessions[1], sessions[0], 'the object that was handed out')
  })

  t.test('and what is changed then is late', async (t) => {
    const served = await serveSessions(t, (req, res, sessions) => {
      sessions.get(req).b = 2
      res.on('close', () => setImmediate(() => {
        sessions.set(req, { a: 1, b: 2 })
        sessions.set(req, { a: 3 })
        sessions.clear(req)
        sessions.set(req, { a: 3 })
        sessions.limit(req, { maxAge: 10 })
        sessions.limit(req, {})
      }))
      res.end()
    })
    await served.ask('/', `session=${served.handler.encodeCookie({ a: 1 })}`)
    await until(() => served.events.length > 6)
    t.strictSame(served.events.slice(2).map((event) => event.type === 'late' && event.error.keys),
      [['a', 'b'], ['a'], ['a'], [], []], 'each of them is told, though all of them are made in one turn')
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
  const sessions = new RequestSessions()
  const handler = new SessionHandler(() => {}, key, sessions)
  const visitor = () => {
    const req = { headers: {} } as IncomingMessage
    handler.read(req)
    return req
  }
  const [alice, bob, carol] = [visitor(), visitor(), visitor()]
  const itemsOf = (req: IncomingMessage) => (sessions.get(req) as typeof constant).cart.items
  sessions.set(alice, constant)
  itemsOf(alice).push('secret')
  sessions.set(bob, constant)
  t.strictSame(itemsOf(bob), [], 'a constant of the application')
  sessions.set(carol, sessions.get(alice))
  itemsOf(carol).push('more')
  t.strictSame(itemsOf(alice), ['secret'], 'the session of another request')
  t.strictSame(constant, { cart: { items: [] }, list: [[1]] })
})

t.test('set tells at once what JSON does not carry, and leaves the session as it was', async (t) => {
  const sessions = new RequestSessions()
  const handler = new SessionHandler(() => {}, key, sessions)
  const req = { headers: {} } as IncomingMessage
  handler.read(req)
  sessions.set(req, { a: 1 })
  t.throws(() => sessions.set(req, { a: { b: [NaN] } }), { code: 'ERR_SESHCOOKIE_VALUE', path: 'session.a.b[0]' })
  t.strictSame({ ...sessions.get(req) }, { a: 1 })
})

t.test('set to what is too large fails when it is stored, whatever is cut from it by then', async (t) => {
  const constant = { list: Array.from({ length: 1e6 }, () => [1]) }
  const served = await serveSessions(t, (req, res, sessions) => {
    sessions.set(req, constant)
    ;(sessions.get(req) as typeof constant).list[0]![0] = 2
    res.end()
  })
  t.equal((await served.ask('/')).status, 500)
  t.match(served.events, [{ type: 'failed', error: { code: 'ERR_SESHCOOKIE_SIZE' } }])
  t.strictSame(constant.list[0], [1])
})

t.test('check tells what storing the session now would meet', async (t) => {
  const served = await serveSessions(t, (req, res, sessions) => {
    const rows: [data: object, code: string | undefined][] = [
      [{}, undefined], [{ a: 1 }, undefined], [{ a: 'x'.repeat(2800) }, undefined],
      [{ a: 'x'.repeat(3500) }, 'ERR_SESHCOOKIE_SIZE'], [{ a: 'x'.repeat(5000) }, 'ERR_SESHCOOKIE_SIZE'], [{ a: 1n }, 'ERR_SESHCOOKIE_VALUE'],
    ]
    for (const [data, code] of rows) {
      sessions.clear(req)
      Object.assign(sessions.get(req), data)
      if (code === undefined) t.doesNotThrow(() => sessions.check(req))
      else t.throws(() => sessions.check(req), { code })
    }
    sessions.clear(req)
    res.end()
  })
  t.equal((await served.ask('/')).status, 200)
})

t.test('check counts what the line will have in it', async (t) => {
  const text = 'x'.repeat(2938)
  const served = await serveSessions(t, (req, res, sessions) => {
    sessions.get(req).s = text
    t.throws(() => sessions.check(req), { code: 'ERR_SESHCOOKIE_SIZE' })
    sessions.limit(req, { persistent: false }) // without Max-Age and Expires
    t.doesNotThrow(() => sessions.check(req))
    res.end()
  }, { options: { secure: true } })
  t.strictSame(served.sessionIn(await served.ask('/')), { s: text })
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
    const cookie = `session=${served.handler.encodeCookie({ a: 1 })}`
    const limited = await served.ask('/100', cookie)
    t.strictSame(served.sessionIn(limited), { a: 1 })
    t.strictSame(served.events, [{ type: 'opened', keyIndex: 0 }, { type: 'saved', bytes: limited.all('set-cookie')[0]!.length, renewed: false }])
    t.strictSame((await served.ask('/100', limited.all('set-cookie')[0]!.split(';')[0]!)).all('set-cookie'), [], 'the same again')
    t.strictSame((await served.ask('/10', cookie)).all('set-cookie'), [], 'and given back')
    t.strictSame((await served.ask('/100')).all('set-cookie'), [], 'of an empty session')
  })

  t.test('holds where the setting is lowered later, as the setting does', async (t) => {
    setTime(t, start)
    const served = await serveSessions(t, (req, res, sessions) => {
      res.end(String(sessions.info(req)?.expiresAt.getTime()))
    })
    const limited = await serveSessions(t, (req, res, sessions) => {
      sessions.get(req).a = 1
      sessions.limit(req, { maxAge: 100 })
      res.end()
    })
    const [line] = (await limited.ask('/')).all('set-cookie')
    const cookie = line!.split(';')[0]!
    served.sessions.maxAge = 50
    t.equal((await served.ask('/', cookie)).body, String(expires(50).getTime()))
    served.sessions.maxAge = 1000
    t.equal((await served.ask('/', cookie)).body, String(expires(100).getTime()))
  })

  t.test('renews in the second half of its own idle window', async (t) => {
    setTime(t, start)
    const served = await serveSessions(t, (req, res, sessions) => {
      const session = sessions.get(req)
      if (req.url === '/in') {
        session.a = 1
        sessions.limit(req, { idleTimeout: 600 })
      }
      res.end()
    })
    const cookie = (await served.ask('/in')).all('set-cookie')[0]!.split(';')[0]!
    setTime(t, start + 299)
    t.strictSame((await served.ask('/', cookie)).all('set-cookie'), [])
    setTime(t, start + 300)
    t.match((await served.ask('/', cookie)).all('set-cookie')[0], '; Max-Age=86100; ')
    t.match(served.events.at(-1), { renewed: true })
  })

  t.test('info tells the new end at once', async (t) => {
    setTime(t, start)
    const sessions = new RequestSessions()
    const handler = new SessionHandler(() => {}, key, sessions)
    const req = { headers: { cookie: `session=${handler.encodeCookie({ a: 1 })}` } } as IncomingMessage
    handler.read(req)
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
    const sessions = new RequestSessions()
    const handler = new SessionHandler(() => {}, key, sessions)
    const req = { headers: { cookie: `session=${handler.encodeCookie({ a: 1 })}` } } as IncomingMessage
    handler.read(req)
    sessions.limit(req, { maxAge: 100 })
    const before = sessions.info(req)
    for (const [lifetime, error] of wrong) t.throws(() => sessions.limit(req, lifetime as never), error)
    t.strictSame(sessions.info(req), before)
  })
})

t.test('set, clear and limit within validate neither throw out of get nor loop', async (t) => {
  type Act = (sessions: RequestSessions, req: AnyRequest) => void
  const acts: [name: string, act: Act, session: object, line: RegExp | undefined][] = [
    ['get', (sessions, req) => { sessions.get(req) }, { a: 1 }, undefined],
    ['get, and a change of what it gives', (sessions, req) => { sessions.get(req).b = 1 }, { a: 1, b: 1 }, /^session=/],
    ['info', (sessions, req) => { sessions.info(req) }, { a: 1 }, undefined],
    ['set', (sessions, req) => { sessions.set(req, { b: 2 }) }, { b: 2 }, /^session=.+Max-Age=86400/],
    ['clear', (sessions, req) => { sessions.clear(req) }, {}, /^session=; Max-Age=0/],
    ['limit', (sessions, req) => { sessions.limit(req, { maxAge: 100 }) }, { a: 1 }, /Max-Age=100/],
  ]
  for (const [name, act, session, line] of acts) {
    t.test(name, async (t) => {
      setTime(t, 1_800_000_000)
      let calls = 0
      const served = await serveSessions(t, (req, res, sessions) => {
        res.end(JSON.stringify(sessions.get(req)))
      }, {
        options: {
          validate: (_, __, req): boolean => {
            calls++
            act(served.sessions, req)
            return true
          },
        },
      })
      const answer = await served.ask('/', `session=${served.handler.encodeCookie({ a: 1 })}`)
      t.equal(answer.status, 200)
      t.strictSame(JSON.parse(answer.body), session)
      t.equal(calls, 1)
      if (line === undefined) t.strictSame(answer.all('set-cookie'), [])
      else t.match(answer.all('set-cookie')[0], line)
    })
  }
})

t.test('set within validate replaces what the session holds, and neither its age nor its lifetime', async (t) => {
  const sessions = new RequestSessions({ maxAge: 1000 })
  const handler = new SessionHandler(null, key, sessions)
  const start = 1_700_000_000
  setTime(t, start)
  const first = requestAndResponse()
  handler.attach(first.req, first.res)
  sessions.set(first.req, { a: 1 })
  sessions.limit(first.req, { maxAge: 500, persistent: false })
  first.res.writeHead(200)
  const cookie = String(first.res.getHeader('set-cookie')).split(';')[0]!
  for (const [data, line] of [[{ b: 2 }, /^session=[\w-]{108,}; Path/], [{}, /^session=; Max-Age=0/]] as const) {
    sessions.validate = (_, __, req) => {
      sessions.set(req, data)
      return true
    }
    setTime(t, start + 100)
    const { req, res } = requestAndResponse(cookie)
    handler.attach(req, res)
    t.match(sessions.info(req), { createdAt: new Date(start * 1000), expiresAt: new Date((start + 500) * 1000) })
    res.writeHead(200)
    t.match(String(res.getHeader('set-cookie')), line)
  }
})

t.test('what throws while a session is opened leaves the state as it was', async (t) => {
  const sessions = new RequestSessions()
  const handler = new SessionHandler(() => {}, key, sessions)
  const req = { headers: { cookie: `session=${handler.encodeCookie({ a: 1 })}` } } as IncomingMessage
  handler.attach(req, { writeHead() {} } as never)
  const deep = (): unknown => {
    try {
      return deep()
    } catch {
      return sessions.get(req) // as much stack as a call or two take
    }
  }
  let thrown: unknown
  try {
    deep()
  } catch (error) {
    thrown = error
  }
  t.match(thrown, undefined, 'at some depth it succeeds')
  t.strictSame({ ...sessions.get(req) }, { a: 1 })
  sessions.get(req).b = 2
  t.strictSame({ ...sessions.get(req) }, { a: 1, b: 2 })
})

t.test('get within onEvent and validate', async (t) => {
  const seen: unknown[] = []
  const sessions: RequestSessions = new RequestSessions({
    onEvent: (event: SessionEvent, req) => { seen.push(event.type, { ...sessions.get(req) }) },
    validate: (session, _info, req) => {
      seen.push({ ...session }, { ...sessions.get(req) })
      return true
    },
  })
  const handler = new SessionHandler(() => {}, key, sessions)
  const req = { headers: { cookie: `session=${handler.encodeCookie({ a: 1 })}` } } as IncomingMessage
  t.strictSame({ ...handler.read(req) }, { a: 1 })
  t.strictSame(seen, [{ a: 1 }, { a: 1 }, 'opened', { a: 1 }])
})

t.test('set refuses what is no plain object', async (t) => {
  const sessions = new RequestSessions()
  const handler = new SessionHandler(() => {}, key, sessions)
  const req = { headers: {} } as IncomingMessage
  handler.read(req)
  for (const wrong of [null, undefined, 1, 'secret content', [], new Date(), new Map(), () => {}]) {
    const message = /^"session" expected a plain object, got (?!.*secret content)/
    t.throws(() => sessions.set(req, wrong as never), { name: 'TypeError', message })
  }
  const data = { a: 1, ['__proto__x']: 2 }
  sessions.set(req, data)
  t.strictSame({ ...sessions.get(req) }, data)
  t.equal(Object.getPrototypeOf(sessions.get(req)), null)
  t.not(sessions.get(req), data as never, 'a copy')
})

t.test('a session that cannot be changed in place', async (t) => {
  const rows: [name: string, spoil: (session: object) => void][] = [
    ['frozen', (session) => { Object.freeze(session) }],
    ['sealed', (session) => { Object.seal(session) }],
    ['not extensible', (session) => { Object.preventExtensions(session) }],
    ['with a fixed property', (session) => { Object.defineProperty(session, 'a', { configurable: false }) }],
  ]
  for (const [name, spoil] of rows) {
    t.test(name, async (t) => {
      const served = await serveSessions(t, (req, res, sessions) => {
        spoil(sessions.get(req))
        if (req.url === '/clear') sessions.clear(req)
        else sessions.set(req, { b: 2 })
        res.end()
      })
      const cookie = `session=${served.handler.encodeCookie({ a: 1 })}`
      t.equal(served.sessionIn(await served.ask('/clear', cookie)), '')
      t.strictSame(served.sessionIn(await served.ask('/', cookie)), { b: 2 })
    })
  }
})

t.test('set and clear after the response is over are late', async (t) => {
  for (const [name, change] of [
    ['set', (sessions, req) => sessions.set(req, { b: 2 })],
    ['clear', (sessions, req) => sessions.clear(req)],
    ['limit', (sessions, req) => sessions.limit(req, { maxAge: 10 })],
  ] as [string, (sessions: RequestSessions, req: IncomingMessage) => void][]) {
    t.test(name, async (t) => {
      const served = await serveSessions(t, (req, res, sessions) => {
        sessions.get(req)
        res.on('close', () => {
          setImmediate(() => {
            change(sessions, req)
            change(sessions, req)
          })
        })
        res.end()
      })
      await served.ask('/', `session=${served.handler.encodeCookie({ a: 1 })}`)
      await until(() => served.events.length === 2)
      await new Promise(setImmediate)
      t.match(served.events, [{ type: 'opened' }, { type: 'late' }])
      t.equal(served.events.length, 2, 'told once')
    })
  }
})

t.test('clear within validate', async (t) => {
  for (const valid of [true, false]) {
    t.test(`that returns ${valid}`, async (t) => {
      const served = await serveSessions(t, (req, res, sessions) => {
        res.end(JSON.stringify(sessions.get(req)))
      }, { options: { validate: (_, __, req): boolean => { served.sessions.clear(req); return valid } } })
      const answer = await served.ask('/', `session=${served.handler.encodeCookie({ a: 1 })}`)
      t.equal(answer.body, '{}')
      t.equal(served.sessionIn(answer), '')
    })
  }
})

t.test('what is stored after clear within validate is a new session', async (t) => {
  setTime(t, 1_800_000_000)
  const sessions = new RequestSessions()
  const handler = new SessionHandler(null, key, sessions)
  const cookie = `session=${handler.encodeCookie({ a: 1 })}`
  setTime(t, 1_800_000_100)
  sessions.validate = (_, __, req) => {
    sessions.clear(req)
    return true
  }
  const { req, res } = requestAndResponse(cookie)
  handler.attach(req, res)
  sessions.get(req).b = 2
  res.writeHead(200)
  t.match(res.getHeader('set-cookie'), /; Max-Age=86400;/)
})

t.test('clear leaves the object that was handed out, whatever is in it', async (t) => {
  const sessions = new RequestSessions()
  const { req, res } = requestAndResponse()
  new SessionHandler(null, key, sessions).attach(req, res)
  const session = sessions.get(req)
  Object.assign(session, { a: 1, [Symbol('b')]: 2 })
  sessions.clear(req)
  t.equal(sessions.get(req), session)
  t.strictSame(Reflect.ownKeys(session), [])
})

t.test('after the end a session is looked at once for each turn in which somebody asked for it', async (t) => {
  const lost: unknown[] = []
  const sessions = new RequestSessions({ onEvent: (event) => { if (event.type === 'late') lost.push(event.error.keys) } })
  const { req, res } = requestAndResponse()
  new SessionHandler(null, key, sessions).attach(req, res)
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
  t.strictSame(lost, [['a'], ['b']])
  t.equal(turns, 2)
})

t.test('validate is called once for each distinct cookie', async (t) => {
  let calls = 0
  const handler = new SessionHandler(() => {}, key, new RequestSessions({ validate: () => { calls++; return false } }))
  const value = handler.encodeCookie({ a: 1 })
  handler.read({ headers: { cookie: `session=${value}; session=${value}; session=${value}` } } as IncomingMessage)
  t.equal(calls, 1)
})

t.test('Secure', async (t) => {
  const rows: [secure: boolean | 'auto', tls: boolean, wanted: boolean][] = [
    ['auto', false, false], ['auto', true, true], [true, false, true], [true, true, true], [false, false, false],
    [false, true, false],
  ]
  for (const [secure, tls, wanted] of rows) {
    for (const [name, data] of [['set', { a: 1 }], ['expired', {}]] as [string, object][]) {
      t.test(`secure: ${secure}, ${tls ? 'over TLS' : 'over plain HTTP'}, ${name}`, async (t) => {
        const sessions = new RequestSessions({ secure, onEvent: () => {} })
        const handler = new SessionHandler((req, res) => {
          sessions.clear(req)
          Object.assign(sessions.get(req), data)
          res.writeHead(200)
        }, key, sessions)
        const { req, res } = requestAndResponse('', tls)
        handler.listener(req, res)
        t.equal(/; Secure;/.test(String(res.getHeader('set-cookie'))), wanted)
      })
    }
  }
})

t.test('set and clear leave the object that was handed out the session', async (t) => {
  const sessions = new RequestSessions()
  const handler = new SessionHandler(() => {}, key, sessions)
  const req = { headers: { cookie: `session=${handler.encodeCookie({ a: 1 })}` } } as IncomingMessage
  const session = handler.read(req)
  sessions.set(req, { b: 2 })
  t.equal(sessions.get(req), session)
  t.strictSame({ ...session }, { b: 2 })
  sessions.clear(req)
  t.equal(sessions.get(req), session)
  t.strictSame({ ...session }, {})
})

t.test('a session that ends before its response leaves is kept for a second, and not longer or less', async (t) => {
  const now = 1_800_000_000
  setTime(t, now)
  const served = await serveSessions(t, (req, res, sessions) => {
    sessions.get(req).b = 2
    setTime(t, now + Number(req.url!.slice(1)))
    res.end()
  }, { options: { maxAge: 100 } })
  const cookie = `session=${served.handler.encodeCookie({ a: 1 })}`
  for (const [age, left] of [[98, 2], [99, 1], [100, 1], [101, 1], [1000, 1]]) {
    setTime(t, now + 50)
    const [line] = (await served.ask(`/${age}`, cookie)).all('set-cookie')
    t.match(line, `; Max-Age=${left}; `, `at the age of ${age}`)
  }
})

t.test('renewal', async (t) => {
  const start = 1_800_000_000
  const large = 'x'.repeat(2940)
  type Renew = (sessions: RequestSessions, req: IncomingMessage) => void
  type Row = [name: string, session: object, handle: Renew, types: string[]]
  const rows: Row[] = [
    ['is made by any get', { a: 1 }, (sessions, req) => { sessions.get(req) }, ['opened', 'saved']],
    ['is not made where one get says so', { a: 1 }, (sessions, req) => {
      sessions.get(req)
      sessions.get(req, { renew: false })
      sessions.get(req, { renew: true })
    }, ['opened']],
    ['is not made then, and a change is saved', { a: 1 }, (sessions, req) => {
      sessions.get(req, { renew: false }).b = 1
    }, ['opened', 'saved']],
    ['for which there is no room is left out', { large }, (sessions, req) => { sessions.get(req) }, ['opened', 'failed']],
    ['is not made, and a change for which there is no room is a 500', { large }, (sessions, req) => {
      sessions.get(req).b = 1
    }, ['opened', 'failed', '500']],
  ]
  for (const [name, session, handle, expected] of rows) {
    t.test(name, async (t) => {
      const types: string[] = []
      const onEvent = (event: SessionEvent) => { types.push(event.type) }
      const sessions = new RequestSessions({ persistent: false, idleTimeout: 100, onEvent })
      const handler = new SessionHandler(null, key, sessions)
      setTime(t, start)
      const cookie = `session=${handler.encodeCookie(session as SessionData)}`
      sessions.persistent = true // and so the line is longer
      setTime(t, start + 60)
      const { req, res } = requestAndResponse(cookie)
      handler.attach(req, res)
      handle(sessions, req)
      res.writeHead(200)
      t.strictSame([...types, ...res.statusCode === 500 ? ['500'] : []], expected)
      t.equal(res.getHeader('vary'), 'Cookie')
      t.equal(res.getHeader('cache-control'), expected.length > 1 && (types.includes('saved') || res.statusCode === 500) ? 'no-store' : undefined)
    })
  }

  t.test('get refuses other options', async (t) => {
    const sessions = new RequestSessions()
    const { req } = requestAndResponse()
    new SessionHandler(null, key, sessions).read(req)
    for (const options of [null, 1, { renew: 1 }, { renews: false }]) {
      t.throws(() => sessions.get(req, options as never), TypeError)
    }
    t.strictSame({ ...sessions.get(req, { renew: undefined }) }, {})
  })
})

t.test('once check has thrown, the answer is the handler\'s', async (t) => {
  for (const isMended of [false, true]) {
    const served = await serveSessions(t, (req, res, sessions) => {
      sessions.get(req).a = NaN
      try {
        sessions.check(req)
      } catch {
        if (isMended) sessions.get(req).a = 2
        res.writeHead(422).end('not stored')
      }
    })
    const answer = await served.ask('/', `session=${served.handler.encodeCookie({ a: 1 })}`)
    t.match(answer, { status: 422, body: 'not stored' })
    t.strictSame(answer.all('vary'), ['Cookie'])
    t.equal(answer.all('set-cookie').length, isMended ? 1 : 0)
    t.strictSame(served.events.map(({ type }) => type), ['opened', isMended ? 'saved' : 'failed'])
  }
})

t.test('a request that is attached after its headers left is late', async (t) => {
  type Act = (handler: SessionHandler, req: IncomingMessage, res: ServerResponse) => void
  type Row = [name: string, act: Act, keys: string[]]
  const rows: Row[] = [
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
  for (const [name, act, keys] of rows) {
    t.test(name, async (t) => {
      const served = await serveSessions(t, () => {})
      const { req, res } = requestAndResponse()
      res.flushHeaders()
      act(served.handler, req, res)
      await until(() => served.events.length > 0)
      t.match(served.events, [{ type: 'late', error: { keys } }])
    })
  }
})

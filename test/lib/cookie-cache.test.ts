import type { IncomingMessage } from 'node:http'
import t from 'tap'
import type { Contents } from '../../lib/codec.js'
import { RequestSessions, SessionHandler, type Key, type SessionEvent, type SessionOptions } from '../../lib/index.js'
import { noLifetime } from '../../lib/lifetime.js'
import { CookieCache } from '../../lib/cookie-cache.js'
import { defaults } from '../../lib/options.js'
import { bytesInUse } from '../support/memory.js'
import { tagsOf } from '../support/node-crypto.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { setTime } from '../support/time.js'

const key = Buffer.alloc(32, 1)
const valueOf = (n: number) => `head-${n}-${String(n).padStart(40, 'x')}`
const contents = (n: number, value = valueOf(n)): Contents =>
  ({ value, text: `{"n":${n}}`, created: n, issued: n, lifetime: noLifetime, keyIndex: 0 })

t.test('cached contents', async (t) => {
  const stored = 'b'.repeat(60) + 't'.repeat(32)
  const unfound: [name: string, value: string][] = [
    ['another value', 'c'.repeat(92)],
    ['an empty value', ''],
    ['the end alone', 't'.repeat(32)],
    ['another beginning', `c${stored.slice(1)}`],
    ['another middle', `${stored.slice(0, 59)}c${stored.slice(60)}`],
    ['another end', `${stored.slice(0, -1)}u`],
    ['one character less', stored.slice(1)],
    ['one character more before', `b${stored}`],
    ['one character more after', `${stored}t`],
    ['another case', stored.toUpperCase()],
  ]
  for (const [name, value] of unfound) {
    t.test(`are not found by ${name}, however often they were found`, async (t) => {
      const cache = new CookieCache(10)
      const added = contents(1, stored)
      cache.add(added)
      for (let time = 0; time < 3; time++) {
        t.equal(cache.get(value), undefined)
        t.equal(cache.get(stored), added, 'they stay')
      }
    })
  }

  t.test('stay those of the first of two values with one end', async (t) => {
    const cache = new CookieCache(10)
    const first = contents(1, stored)
    cache.add(first)
    cache.add(contents(2, `c${stored}`))
    for (let time = 0; time < 2; time++) t.equal(cache.get(stored), first)
    t.equal(cache.get(`c${stored}`), undefined)
  })

  t.test('take one place, however often they are added', async (t) => {
    const cache = new CookieCache(2)
    cache.add(contents(1))
    for (let n = 0; n < 5; n++) cache.add(contents(2))
    t.ok(cache.get(valueOf(1)))
    t.ok(cache.get(valueOf(2)))
  })
})

t.test('a place', async (t) => {
  t.test('is not spared for a value that only ends as its own', async (t) => {
    const cache = new CookieCache(2)
    for (const n of [1, 2]) cache.add(contents(n))
    cache.get(`x${valueOf(1)}`)
    cache.add(contents(3))
    t.strictSame([1, 2, 3].map((n) => cache.get(valueOf(n))?.created), [undefined, 2, 3])
  })

  t.test('is taken by what is longer, and by what is shorter', async (t) => {
    const cache = new CookieCache(1)
    for (const [n, length] of [10, 500, 20, 501, 2000, 10].entries()) {
      const added = { ...contents(n, String(n).padStart(100 + 2 * length, 'x')), text: 'é'.repeat(length) }
      cache.add(added)
      t.equal(cache.get(added.value), added, `number ${n}`)
    }
  })

  t.test('does not keep the Cookie header that its value is asked with', async (t) => {
    const cache = new CookieCache(1000)
    const before = await bytesInUse()
    for (let n = 0; n < 500; n++) {
      const value = String(n).padStart(100, 'v')
      cache.add(contents(n, value))
      const header = Buffer.from(`session=${value}; other=${'x'.repeat(100_000)}`).toString('latin1')
      for (let time = 0; time < 3; time++) t.ok(cache.get(header.slice(8, 108)))
    }
    t.ok(await bytesInUse() - before < 10_000_000, 'of 50 MB')
  })
})

t.test('the limit', async (t) => {
  const count = (cache: CookieCache, upTo: number) =>
    Array.from({ length: upTo }, (_, n) => cache.get(valueOf(n))).filter((found) => found !== undefined).length

  for (const limit of [0, 1, 2, 3, 100]) {
    t.test(`of ${limit} holds`, async (t) => {
      const cache = new CookieCache(limit)
      for (let n = 0; n < 300; n++) {
        cache.add(contents(n))
        if (limit > 0 && cache.get(valueOf(n)) === undefined) t.fail(`the newest, ${n}, is not found`)
        if (n % 50 === 0) t.equal(count(cache, n + 1), Math.min(n + 1, limit))
      }
      t.equal(count(cache, 300), limit)
    })
  }

  t.test('spares what was found since the hand passed, once', async (t) => {
    const cache = new CookieCache(3)
    for (const n of [1, 2, 3]) cache.add(contents(n))
    cache.get(valueOf(1))
    cache.get(valueOf(3))
    cache.add(contents(4))
    t.equal(cache.get(valueOf(2)), undefined, 'the one not found since went')
    cache.add(contents(5))
    t.equal(cache.get(valueOf(1)), undefined, 'then the one that was spared before')
    t.strictSame([3, 4, 5].map((n) => cache.get(valueOf(n))?.created), [3, 4, 5])
  })

  t.test('keeps what was forgotten when it comes again', async (t) => {
    const cache = new CookieCache(2)
    for (const n of [1, 2, 3, 1]) cache.add(contents(n))
    t.equal(cache.get(valueOf(1))?.created, 1)
  })

  t.test('keeps those that come back, whatever else passes', async (t) => {
    const cache = new CookieCache(10)
    for (const n of [1, 2, 3]) cache.add(contents(n))
    const lost: number[] = []
    for (let n = 100; n < 1000; n++) {
      lost.push(...[1, 2, 3].filter((m) => cache.get(valueOf(m))?.created !== m))
      cache.add(contents(n))
    }
    t.strictSame(lost, [])
  })
})

function setUp(options: SessionOptions = {}, cacheSize?: number, keys: Key | Key[] = key) {
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({ onEvent: (event) => events.push(event), ...options })
  const handler = new SessionHandler(null, keys, sessions, { cacheSize })
  const request = (cookie: string) => ({ headers: { cookie } }) as IncomingMessage
  const read = (value: string) => {
    let session: ReturnType<typeof handler.read> = {}
    const cost = tagsOf(() => { session = handler.read(request(`session=${value}`)) })
    return { session, cost, event: events.pop() }
  }
  return { handler, sessions, read, request }
}

t.test('a handler', async (t) => {
  const start = 1_800_000_000

  t.test('opens a cookie once, and caches it', async (t) => {
    const { handler, read } = setUp()
    const cookie = handler.encodeCookie({ a: [1] })
    t.match(read(cookie), { session: { a: [1] }, cost: 1, event: { type: 'opened', keyIndex: 0 } })
    t.match(read(cookie), { session: { a: [1] }, cost: 0, event: { type: 'opened', keyIndex: 0 } })
  })

  t.test('opens it each time when cacheSize is 0', async (t) => {
    const { handler, read } = setUp({}, 0)
    const cookie = handler.encodeCookie({ a: 1 })
    for (let time = 0; time < 2; time++) t.match(read(cookie), { session: { a: 1 }, cost: 1 })
  })

  t.test('caches no more than it was told', async (t) => {
    const { handler, read } = setUp({}, 2)
    const cookies = [1, 2, 3, 4, 5].map((n) => handler.encodeCookie({ n }))
    t.strictSame(cookies.map((cookie) => read(cookie).cost), [1, 1, 1, 1, 1])
    const costs = cookies.toReversed().map((cookie) => read(cookie).cost)
    t.strictSame(costs.slice(0, 2), [0, 0])
    t.ok(costs.slice(2).every((cost) => cost === 1))
  })

  t.test('looks at nothing where more than four values came, cached or not', async (t) => {
    const { handler, read } = setUp()
    const cookie = handler.encodeCookie({ a: 1 })
    t.match(read(cookie), { session: { a: 1 }, cost: 1 })
    const junk = ['1', '2', '3'].map((value) => `; session=${value}`).join('')
    t.match(read(`${cookie}${junk}`), { session: { a: 1 }, cost: 0, event: { type: 'opened' } })
    const found = read(`${cookie}${junk}; session=4`)
    t.match(found, { session: { a: undefined }, cost: 0, event: { type: 'rejected', reason: 'ambiguous' } })
  })

  t.test('caches a cookie that it sealed', async (t) => {
    const { handler, sessions, read } = setUp()
    const { req, res } = requestAndResponse()
    handler.attach(req, res)
    sessions.get(req)['a'] = 1
    res.writeHead(200)
    const value = String(res.getHeader('set-cookie')).slice('session='.length).split(';')[0]!
    t.match(read(value), { session: { a: 1 }, cost: 0 })
  })

  t.test('keeps what it cached where an option is assigned the value that it has', async (t) => {
    const { handler, sessions, read } = setUp({ idleTimeout: 100 })
    const cookie = handler.encodeCookie({ a: 1 })
    read(cookie)
    Object.assign(sessions, { ...defaults, idleTimeout: 100, onEvent: sessions.onEvent })
    handler.cookieName = 'session'
    handler.cookiePath = '/'
    t.equal(read(cookie).cost, 0)
    sessions.maxAge = undefined as never
    t.equal(read(cookie).cost, 0, 'undefined is the default')
  })

  t.test('gives each request an object of its own', async (t) => {
    const { handler, read } = setUp()
    const cookie = handler.encodeCookie({ a: { b: 1 } })
    for (let time = 0; time < 3; time++) {
      const { session, cost } = read(cookie)
      t.strictSame({ ...session }, { a: { b: 1 } })
      t.equal(Object.getPrototypeOf(session), null)
      t.equal(cost, time === 0 ? 1 : 0)
      ;(session['a'] as { b: number }).b = 2
    }
  })

  t.test('checks the time anew', async (t) => {
    const { handler, sessions, read } = setUp({ maxAge: 100 })
    setTime(t, start)
    const cookie = handler.encodeCookie({ a: 1 })
    t.equal(read(cookie).cost, 1)
    const rows: [age: number, options: SessionOptions, opens: boolean, cost: number][] = [
      [99, {}, true, 0], [100, {}, false, 0], [-60, {}, true, 0], [-61, {}, false, 0],
      [50, { maxAge: 50 }, false, 1], [50, { maxAge: 51 }, true, 1], [50, { idleTimeout: 50 }, false, 1],
    ]
    for (const [age, options, opens, cost] of rows) {
      setTime(t, start + age)
      Object.assign(sessions, options)
      const event = opens ? { type: 'opened' } : { type: 'rejected', reason: 'expired' }
      const title = `at the age of ${age}, ${JSON.stringify(options)}`
      t.match(read(cookie), { session: { a: opens ? 1 : undefined }, cost, event }, title)
    }
  })

  t.test('checks a lifetime of its own anew', async (t) => {
    setTime(t, start)
    const { handler, sessions, read } = setUp()
    const { req, res } = requestAndResponse()
    handler.attach(req, res)
    sessions.get(req)['a'] = 1
    sessions.limit(req, { maxAge: 100, idleTimeout: 60 })
    res.writeHead(200)
    const value = String(res.getHeader('set-cookie')).slice('session='.length).split(';')[0]!
    setTime(t, start + 59)
    t.match(read(value), { session: { a: 1 }, cost: 0, event: { type: 'opened' } }, 'as it was sealed')
    setTime(t, start + 60)
    t.match(read(value), { session: { a: undefined }, cost: 0, event: { type: 'rejected', reason: 'expired' } })
    sessions.idleTimeout = 3600
    t.match(read(value), { session: { a: undefined }, cost: 1, event: { type: 'rejected', reason: 'expired' } },
      'which no setting lengthens')
  })

  t.test('starts anew with each setting that is assigned, since the cookie may have been bound to it', async (t) => {
    const { handler, sessions, read } = setUp()
    const cookie = handler.encodeCookie({ a: 1 })
    t.strictSame([read(cookie).cost, read(cookie).cost], [1, 0])
    sessions.maxAge = 100
    t.strictSame([read(cookie).cost, read(cookie).cost], [1, 0])
  })

  t.test('asks validate anew', async (t) => {
    let valid = true
    let asked = 0
    const validate = (session: Record<string, unknown>) => {
      asked++
      session['changed'] = true
      return valid
    }
    const { handler, read } = setUp({ validate })
    const cookie = handler.encodeCookie({ a: 1 })
    t.match(read(cookie), { session: { a: 1 }, event: { type: 'opened' } })
    valid = false
    t.match(read(cookie), { session: { a: undefined }, event: { type: 'rejected', reason: 'invalid' } })
    valid = true
    t.match(read(cookie), { session: { a: 1 }, event: { type: 'opened' } })
    t.equal(asked, 3)
  })

  t.test('forgets what was bound to another name, path or domain', async (t) => {
    const { handler, sessions, request } = setUp()
    const cookie = handler.encodeCookie({ a: 1 })
    const works = () => handler.read(request(`session=${cookie}; other=${cookie}`))['a'] === 1
    t.ok(works())
    const rows: [target: object, name: string, other: unknown][] = [
      [handler, 'cookieName', 'other'], [handler, 'cookiePath', '/a'], [sessions, 'domain', 'a.example'],
      [sessions, 'partitioned', true],
    ]
    sessions.secure = true
    t.ok(works(), 'what only the line says is no matter')
    for (const [target, name, other] of rows) {
      const before: unknown = Reflect.get(target, name)
      Reflect.set(target, name, other)
      t.notOk(works(), name)
      Reflect.set(target, name, before)
      t.ok(works(), `${name}, and back`)
    }
  })

  t.test('tells two cookies apart that are both cached', async (t) => {
    const { handler, read } = setUp()
    const [one, two] = [handler.encodeCookie({ n: 1 }), handler.encodeCookie({ n: 2 })]
    for (const cost of [1, 0]) {
      t.match(read(one), { session: { n: 1 }, cost })
      t.match(read(two), { session: { n: 2 }, cost })
    }
    t.match(read(`${one}; session=${two}`), { session: { n: undefined }, cost: 0 }, 'two that open are none')
    t.match(read(`${one}; session=${one}`), { session: { n: 1 }, cost: 0 })
  })

  t.test('caches no cookie that was refused', async (t) => {
    const { handler, read } = setUp()
    const cookie = handler.encodeCookie({ a: 1 })
    const forged = `${cookie.slice(0, 40)}${cookie[40] === 'A' ? 'B' : 'A'}${cookie.slice(41)}`
    for (let n = 0; n < 3; n++) {
      t.match(read(forged), { session: { a: undefined }, cost: 1, event: { type: 'rejected', reason: 'tag' } })
    }
    read(cookie)
    t.match(read(forged), { cost: 1, event: { type: 'rejected', reason: 'tag' } }, 'whose end is that of one it knows')
  })

  t.test('neither uses nor fills its cache for encodeCookie and decodeCookie', async (t) => {
    const { handler, read } = setUp()
    let cookie = ''
    t.equal(tagsOf(() => { cookie = handler.encodeCookie({ a: 1 }) }), 1)
    t.equal(tagsOf(() => handler.decodeCookie(cookie)), 1)
    t.equal(read(cookie).cost, 1)
    t.equal(tagsOf(() => handler.decodeCookie(cookie)), 1)
  })

  t.test('caches which key opened', async (t) => {
    const old = Buffer.alloc(32, 2)
    const { read } = setUp({}, undefined, [key, old])
    const cookie = new SessionHandler(() => {}, old, new RequestSessions()).encodeCookie({ a: 1 })
    for (const cost of [2, 0]) t.match(read(cookie), { cost, event: { type: 'opened', keyIndex: 1 } })
  })
})

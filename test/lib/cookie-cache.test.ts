import type { IncomingMessage } from 'node:http'
import t from 'tap'
import type { Contents } from '../../lib/codec.js'
import { RequestSessions, SessionHandler, type SessionEvent, type SessionOptions } from '../../lib/index.js'
import { noLifetime } from '../../lib/lifetime.js'
import { CookieCache } from '../../lib/cookie-cache.js'
import { defaults } from '../../lib/options.js'
import { bytesInUse } from '../support/memory.js'
import { tagsOf } from '../support/node-crypto.js'
import { requestAndResponse } from '../support/request-and-response.js'

const key = Buffer.alloc(32, 1)
const valueOf = (n: number) => `head-${n}-${String(n).padStart(40, 'x')}`
const contents = (n: number, value = valueOf(n)): Contents =>
  ({ value, text: `{"n":${n}}`, created: n, issued: n, lifetime: noLifetime, keyIndex: 0 })

t.test('remembered contents', async (t) => {
  t.test('are found by the whole value', async (t) => {
    const remembered = new CookieCache(10)
    const found = contents(1, 'a'.repeat(100))
    remembered.add(found)
    t.equal(remembered.get('a'.repeat(100)), found)
    t.equal(remembered.get('a'.repeat(100)), found, 'more than once')
  })

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
    t.test(`are not found by ${name}`, async (t) => {
      const remembered = new CookieCache(10)
      remembered.add(contents(1, stored))
      t.equal(remembered.get(value), undefined)
    })
  }

  t.test('stay those of the first of two values with one end', async (t) => {
    const remembered = new CookieCache(10)
    remembered.add(contents(1, stored))
    remembered.add(contents(2, `c${stored}`))
    t.equal(remembered.get(stored)?.created, 1)
    t.equal(remembered.get(`c${stored}`), undefined)
  })

  t.test('take one place, however often they are added', async (t) => {
    const remembered = new CookieCache(2)
    remembered.add(contents(1))
    for (let n = 0; n < 5; n++) remembered.add(contents(2))
    t.ok(remembered.get(valueOf(1)))
    t.ok(remembered.get(valueOf(2)))
  })
})

t.test('a place', async (t) => {
  const text = '{"a":"\u00e9\u20ac\ud83d\ude00"}'
  const sealed = 'b'.repeat(60) + 't'.repeat(32)

  for (const found of [0, 1, 2, 3]) {
    t.test(`is not found by another value, found ${found} times before`, async (t) => {
      const remembered = new CookieCache(10)
      remembered.add({ ...contents(1, sealed), text })
      for (let time = 0; time < found; time++) remembered.get(sealed)
      for (const value of [`c${sealed.slice(1)}`, sealed.slice(1), `b${sealed}`, 't'.repeat(32)]) {
        t.equal(remembered.get(value), undefined, value)
      }
      t.equal(remembered.get(sealed)?.text, text, 'it stays')
    })
  }

  t.test('is not spared for a value that only ends as its own', async (t) => {
    const remembered = new CookieCache(2)
    for (const n of [1, 2]) remembered.add(contents(n))
    remembered.get(`x${valueOf(1)}`)
    remembered.add(contents(3))
    t.strictSame([1, 2, 3].map((n) => remembered.get(valueOf(n))?.created), [undefined, 2, 3])
  })

  t.test('is taken by what is longer, and by what is shorter', async (t) => {
    const remembered = new CookieCache(1)
    for (const [n, length] of [10, 500, 20, 501, 2000, 10].entries()) {
      const added = { ...contents(n, String(n).padStart(100 + 2 * length, 'x')), text: 'é'.repeat(length) }
      remembered.add(added)
      t.equal(remembered.get(added.value), added, `number ${n}`)
    }
  })

  t.test('does not keep the Cookie header that its value is asked with', async (t) => {
    const remembered = new CookieCache(1000)
    const before = await bytesInUse()
    for (let n = 0; n < 500; n++) {
      const value = String(n).padStart(100, 'v')
      remembered.add({ ...contents(n, value), text })
      const header = Buffer.from(`session=${value}; other=${'x'.repeat(100_000)}`).toString('latin1')
      for (let time = 0; time < 3; time++) t.ok(remembered.get(header.slice(8, 108)))
    }
    t.ok(await bytesInUse() - before < 10_000_000, 'of 50 MB')
  })
})

t.test('the limit', async (t) => {
  const count = (remembered: CookieCache, upTo: number) =>
    Array.from({ length: upTo }, (_, n) => remembered.get(valueOf(n))).filter((found) => found !== undefined).length

  for (const limit of [0, 1, 2, 3, 100]) {
    t.test(`of ${limit} holds`, async (t) => {
      const remembered = new CookieCache(limit)
      for (let n = 0; n < 300; n++) {
        remembered.add(contents(n))
        if (limit > 0 && remembered.get(valueOf(n)) === undefined) t.fail(`the newest, ${n}, is not found`)
        if (n % 50 === 0) t.equal(count(remembered, n + 1), Math.min(n + 1, limit))
      }
      t.equal(count(remembered, 300), limit)
    })
  }

  t.test('spares what was found since the hand passed, once', async (t) => {
    const remembered = new CookieCache(3)
    for (const n of [1, 2, 3]) remembered.add(contents(n))
    remembered.get(valueOf(1))
    remembered.get(valueOf(3))
    remembered.add(contents(4))
    t.equal(remembered.get(valueOf(2)), undefined, 'the one not found since went')
    remembered.add(contents(5))
    t.equal(remembered.get(valueOf(1)), undefined, 'then the one that was spared before')
    t.strictSame([3, 4, 5].map((n) => remembered.get(valueOf(n))?.created), [3, 4, 5])
  })

  t.test('keeps what was forgotten when it comes again', async (t) => {
    const remembered = new CookieCache(2)
    for (const n of [1, 2, 3, 1]) remembered.add(contents(n))
    t.equal(remembered.get(valueOf(1))?.created, 1)
  })

  t.test('keeps those that come back, whatever else passes', async (t) => {
    const remembered = new CookieCache(10)
    for (const n of [1, 2, 3]) remembered.add(contents(n))
    const lost: number[] = []
    for (let n = 100; n < 1000; n++) {
      lost.push(...[1, 2, 3].filter((m) => remembered.get(valueOf(m))?.created !== m))
      remembered.add(contents(n))
    }
    t.strictSame(lost, [])
  })
})

function setUp(options: SessionOptions = {}, cacheSize?: number) {
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({ onEvent: (event) => events.push(event), ...options })
  const handler = new SessionHandler(() => {}, key, sessions, { cacheSize })
  const request = (cookie: string) => ({ headers: { cookie } }) as IncomingMessage
  const read = (value: string) => {
    let session: ReturnType<typeof handler.read> = {}
    const cost = tagsOf(() => { session = handler.read(request(`session=${value}`)) })
    return { session, cost, event: events.pop() }
  }
  return { handler, sessions, read, request }
}

t.test('a handler', async (t) => {
  const { now } = Date
  t.teardown(() => { Date.now = now })
  t.afterEach(() => { Date.now = now })

  t.test('opens a cookie once, and remembers it', async (t) => {
    const { handler, read } = setUp()
    const cookie = handler.encodeCookie({ a: [1] })
    t.match(read(cookie), { session: { a: [1] }, cost: 1, event: { type: 'opened', keyIndex: 0 } })
    t.match(read(cookie), { session: { a: [1] }, cost: 0, event: { type: 'opened', keyIndex: 0 } })
  })

  t.test('opens it each time when cacheSize is 0', async (t) => {
    const { handler, read } = setUp({}, 0)
    const cookie = handler.encodeCookie({ a: 1 })
    t.equal(read(cookie).cost, 1)
    t.match(read(cookie), { session: { a: 1 }, cost: 1 })
  })

  t.test('remembers no more than it was told', async (t) => {
    const { handler, read } = setUp({}, 2)
    const cookies = [1, 2, 3, 4, 5].map((n) => handler.encodeCookie({ n }))
    t.strictSame(cookies.map((cookie) => read(cookie).cost), [1, 1, 1, 1, 1])
    const costs = cookies.toReversed().map((cookie) => read(cookie).cost)
    t.strictSame(costs.slice(0, 2), [0, 0])
    t.ok(costs.slice(2).every((cost) => cost === 1))
  })

  t.test('looks at nothing where more than four values came, remembered or not', async (t) => {
    const { handler, read } = setUp()
    const cookie = handler.encodeCookie({ a: 1 })
    t.match(read(cookie), { session: { a: 1 }, cost: 1 })
    const junk = ['1', '2', '3'].map((value) => `; session=${value}`).join('')
    t.match(read(`${cookie}${junk}`), { session: { a: 1 }, cost: 0, event: { type: 'opened' } })
    const found = read(`${cookie}${junk}; session=4`)
    t.match(found, { session: { a: undefined }, cost: 0, event: { type: 'rejected', reason: 'ambiguous' } })
  })

  t.test('remembers a cookie that it sealed', async (t) => {
    const sessions = new RequestSessions()
    const handler = new SessionHandler((req, res) => {
      sessions.get(req)['a'] = 1
      res.writeHead(200)
    }, key, sessions)
    const { req, res } = requestAndResponse()
    handler.listener(req, res)
    const [cookie] = String(res.getHeader('set-cookie')).split(';') as [string]
    const next = { headers: { cookie } } as IncomingMessage
    t.equal(tagsOf(() => { handler.read(next) }), 0)
    t.strictSame({ ...sessions.get(next) }, { a: 1 })
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
    const { session: first } = read(cookie)
    first['a'] = { b: 2 }
    const { session: second } = read(cookie);
    (second['a'] as { b: number }).b = 3
    const { session: third, cost } = read(cookie)
    t.strictSame({ ...third }, { a: { b: 1 } })
    t.equal(cost, 0)
    t.equal(Object.getPrototypeOf(third), null)
  })

  t.test('checks the time anew', async (t) => {
    const start = 1_800_000_000_000
    Date.now = () => start
    const { handler, sessions, read } = setUp({ maxAge: 100 })
    const cookie = handler.encodeCookie({ a: 1 })
    t.match(read(cookie), { session: { a: 1 }, cost: 1 })
    Date.now = () => start + 99_000
    t.match(read(cookie), { session: { a: 1 }, cost: 0 })
    Date.now = () => start + 100_000
    t.match(read(cookie), { session: { a: undefined }, event: { type: 'rejected', reason: 'expired' } })
    Date.now = () => start - 60_000
    t.match(read(cookie), { session: { a: 1 } })
    Date.now = () => start - 61_000
    t.match(read(cookie), { session: { a: undefined }, event: { type: 'rejected', reason: 'expired' } })
    Date.now = () => start + 50_000
    sessions.maxAge = 50
    t.match(read(cookie), { session: { a: undefined }, event: { type: 'rejected', reason: 'expired' } })
    sessions.maxAge = 51
    t.match(read(cookie), { session: { a: 1 } })
    sessions.idleTimeout = 50
    t.match(read(cookie), { session: { a: undefined }, event: { type: 'rejected', reason: 'expired' } })
  })

  t.test('checks a lifetime of its own anew', async (t) => {
    const start = 1_800_000_000_000
    Date.now = () => start
    const { handler, sessions, read } = setUp()
    const { req, res } = requestAndResponse()
    handler.attach(req, res)
    sessions.get(req)['a'] = 1
    sessions.limit(req, { maxAge: 100, idleTimeout: 60 })
    res.writeHead(200)
    const value = String(res.getHeader('set-cookie')).slice('session='.length).split(';')[0]!
    Date.now = () => start + 59_000
    t.match(read(value), { session: { a: 1 }, cost: 0, event: { type: 'opened' } }, 'as it was sealed')
    Date.now = () => start + 60_000
    t.match(read(value), { session: { a: undefined }, cost: 0, event: { type: 'rejected', reason: 'expired' } })
    sessions.idleTimeout = 3600
    t.match(read(value), { session: { a: undefined }, cost: 1, event: { type: 'rejected', reason: 'expired' } },
      'which no setting lengthens')
  })

  t.test('forgets with each setting that is assigned, since the cookie may have been bound to it', async (t) => {
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
    handler.cookieName = 'other'
    t.notOk(works())
    handler.cookieName = 'session'
    t.ok(works())
    handler.cookiePath = '/a'
    t.notOk(works())
    handler.cookiePath = '/'
    t.ok(works())
    sessions.domain = 'a.example'
    t.notOk(works())
    sessions.domain = undefined
    t.ok(works())
    sessions.secure = true
    t.ok(works(), 'what only the line says is no matter')
    sessions.partitioned = true
    t.notOk(works())
    sessions.partitioned = false
    t.ok(works())
  })

  t.test('tells two cookies apart that are both remembered', async (t) => {
    const { handler, read, request, sessions } = setUp()
    const [one, two] = [handler.encodeCookie({ n: 1 }), handler.encodeCookie({ n: 2 })]
    t.strictSame([read(one).session['n'], read(two).session['n']], [1, 2])
    t.strictSame([read(one), read(two)].map(({ session, cost }) => [session['n'], cost]), [[1, 0], [2, 0]])
    const both = request(`session=${one}; session=${two}`)
    handler.read(both)
    t.strictSame({ ...sessions.get(both) }, {}, 'two that open are none')
    const twice = request(`session=${one}; session=${one}`)
    t.equal(tagsOf(() => { handler.read(twice) }), 0)
    t.strictSame({ ...sessions.get(twice) }, { n: 1 })
  })

  t.test('remembers no cookie that was refused', async (t) => {
    const { handler, read } = setUp()
    const cookie = handler.encodeCookie({ a: 1 })
    const forged = `${cookie.slice(0, 40)}${cookie[40] === 'A' ? 'B' : 'A'}${cookie.slice(41)}`
    for (let n = 0; n < 3; n++) {
      t.match(read(forged), { session: { a: undefined }, cost: 1, event: { type: 'rejected', reason: 'tag' } })
    }
    read(cookie)
    t.match(read(forged), { cost: 1, event: { type: 'rejected', reason: 'tag' } }, 'whose end is that of one it knows')
  })

  t.test('neither uses nor fills its memory for encodeCookie and decodeCookie', async (t) => {
    const { handler, read } = setUp()
    let cookie = ''
    t.equal(tagsOf(() => { cookie = handler.encodeCookie({ a: 1 }) }), 1)
    t.equal(tagsOf(() => handler.decodeCookie(cookie)), 1)
    t.equal(read(cookie).cost, 1)
    t.equal(tagsOf(() => handler.decodeCookie(cookie)), 1)
  })

  t.test('remembers which key opened', async (t) => {
    const old = Buffer.alloc(32, 2)
    const cookie = new SessionHandler(() => {}, old, new RequestSessions()).encodeCookie({ a: 1 })
    const events: SessionEvent[] = []
    const sessions = new RequestSessions({ onEvent: (event) => events.push(event) })
    const handler = new SessionHandler(() => {}, [key, old], sessions)
    for (const cost of [2, 0]) {
      t.equal(tagsOf(() => { handler.read({ headers: { cookie: `session=${cookie}` } } as IncomingMessage) }), cost)
      t.strictSame(events.pop(), { type: 'opened', keyIndex: 1 })
    }
  })
})

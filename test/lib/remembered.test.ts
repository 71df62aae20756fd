import type { IncomingMessage } from 'node:http'
import t from 'tap'
import type { Contents } from '../../lib/codec.js'
import { RequestSessions, SessionHandler, type SessionEvent, type SessionOptions } from '../../lib/index.js'
import { Remembered } from '../../lib/remembered.js'
import { bytesInUse } from '../support/memory.js'
import { callsOf } from '../support/node-crypto.js'
import { requestAndResponse } from '../support/request-and-response.js'

const key = Buffer.alloc(32, 1)
const contents = (n: number): Contents => ({ text: `{"n":${n}}`, created: n, issued: n, ours: true, keyIndex: 0 })
const value = (n: number) => `head-${n}-${String(n).padStart(40, 'x')}`

t.test('remembered contents', async (t) => {
  t.test('are found by the whole value', async (t) => {
    const remembered = new Remembered(10)
    const found = contents(1)
    remembered.add('a'.repeat(100), found)
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
      const remembered = new Remembered(10)
      remembered.add(stored, contents(1))
      t.equal(remembered.get(value), undefined)
    })
  }

  t.test('stay those of the first of two values with one end', async (t) => {
    const remembered = new Remembered(10)
    remembered.add(stored, contents(1))
    remembered.add(`c${stored}`, contents(2))
    t.equal(remembered.get(stored)?.created, 1)
    t.equal(remembered.get(`c${stored}`), undefined)
  })

  t.test('take one place, however often they are added', async (t) => {
    const remembered = new Remembered(2)
    remembered.add(value(1), contents(1))
    for (let n = 0; n < 5; n++) remembered.add(value(2), contents(2))
    t.ok(remembered.get(value(1)))
    t.ok(remembered.get(value(2)))
  })
})

t.test('what was sealed', async (t) => {
  const sealedContents = (text: string, created: number, issued: number): Contents =>
    ({ text, created, issued, ours: true, keyIndex: 0 })
  const text = '{"a":"\u00e9\u20ac\ud83d\ude00"}'
  const sealed = 'b'.repeat(60) + 't'.repeat(32)

  t.test('is found as often as it is asked for', async (t) => {
    const remembered = new Remembered(10)
    remembered.add(sealed, sealedContents(text, 1, 2), true)
    for (const time of ['once', 'twice', 'three times']) {
      t.strictSame(remembered.get(sealed), { text, created: 1, issued: 2, ours: true, keyIndex: 0 }, time)
    }
    t.equal(remembered.get(sealed), remembered.get(sealed), 'and one object then')
  })

  for (const found of [0, 1, 2, 3]) {
    t.test(`is not found by another value, found ${found} times before`, async (t) => {
      const remembered = new Remembered(10)
      remembered.add(sealed, sealedContents(text, 1, 2), true)
      for (let time = 0; time < found; time++) remembered.get(sealed)
      for (const value of [`c${sealed.slice(1)}`, sealed.slice(1), `b${sealed}`, 't'.repeat(32)]) {
        t.equal(remembered.get(value), undefined, value)
      }
      t.equal(remembered.get(sealed)?.text, text, 'it stays')
    })
  }

  t.test('takes the place of what never came back, whichever was longer', async (t) => {
    const remembered = new Remembered(1)
    for (const [n, length] of [10, 500, 20, 501, 2000, 10].entries()) {
      const value = String(n).padStart(100 + 2 * length, 'x')
      const text = JSON.stringify({ n: '\u00e9'.repeat(length / 2) })
      const add = n % 3 === 2
        ? () => { remembered.add(value, { text, created: n, issued: n, ours: true, keyIndex: 0 }) }
        : () => { remembered.add(value, sealedContents(text, n, n), true) }
      add()
      t.strictSame(remembered.get(value), { text, created: n, issued: n, ours: true, keyIndex: 0 }, `number ${n}`)
    }
  })

  t.test('counts towards the limit', async (t) => {
    const remembered = new Remembered(3)
    for (let n = 0; n < 6; n++) {
      if (n % 2 === 0) remembered.add(value(n), contents(n))
      else remembered.add(value(n), sealedContents('{}', n, n), true)
    }
    t.strictSame([0, 1, 2, 3, 4, 5].map((n) => remembered.get(value(n))?.created), [, , , 3, 4, 5])
  })

  t.test('does not keep the Cookie header that it was found in', async (t) => {
    const remembered = new Remembered(1000)
    const before = await bytesInUse()
    for (let n = 0; n < 500; n++) {
      const value = String(n).padStart(100, 'v')
      remembered.add(value, sealedContents(text, 1, 2), true)
      const header = Buffer.from(`session=${value}; other=${'x'.repeat(100_000)}`).toString('latin1')
      for (let time = 0; time < 3; time++) t.ok(remembered.get(header.slice(8, 108)))
    }
    t.ok(await bytesInUse() - before < 10_000_000, 'of 50 MB')
  })
})

t.test('the limit', async (t) => {
  const count = (remembered: Remembered, upTo: number) =>
    Array.from({ length: upTo }, (_, n) => remembered.get(value(n))).filter((found) => found !== undefined).length

  for (const limit of [0, 1, 2, 3, 100]) {
    t.test(`of ${limit} holds`, async (t) => {
      const remembered = new Remembered(limit)
      for (let n = 0; n < 300; n++) {
        remembered.add(value(n), contents(n))
        if (limit > 0 && remembered.get(value(n)) === undefined) t.fail(`the newest, ${n}, is not found`)
        if (n % 50 === 0) t.equal(count(remembered, n + 1), Math.min(n + 1, limit))
      }
      t.equal(count(remembered, 300), limit)
    })
  }

  t.test('spares what was found since the hand passed, once', async (t) => {
    const remembered = new Remembered(3)
    for (const n of [1, 2, 3]) remembered.add(value(n), contents(n))
    remembered.get(value(1))
    remembered.get(value(3))
    remembered.add(value(4), contents(4))
    t.equal(remembered.get(value(2)), undefined, 'the one not found since went')
    remembered.add(value(5), contents(5))
    t.equal(remembered.get(value(1)), undefined, 'then the one that was spared before')
    t.strictSame([3, 4, 5].map((n) => remembered.get(value(n))?.created), [3, 4, 5])
  })

  t.test('keeps what was forgotten when it comes again', async (t) => {
    const remembered = new Remembered(2)
    for (const n of [1, 2, 3, 1]) remembered.add(value(n), contents(n))
    t.equal(remembered.get(value(1))?.created, 1)
  })

  t.test('keeps those that come back, whatever else passes', async (t) => {
    const remembered = new Remembered(10)
    for (const n of [1, 2, 3]) remembered.add(value(n), contents(n))
    const lost: number[] = []
    for (let n = 100; n < 1000; n++) {
      lost.push(...[1, 2, 3].filter((m) => remembered.get(value(m))?.created !== m))
      remembered.add(value(n), contents(n))
    }
    t.strictSame(lost, [])
  })
})

/** How many HMACs are made while `work` runs: none for a cookie that is remembered. */
const hmacs = (work: () => void): number => callsOf('createHmac', work)

function setUp(options: SessionOptions = {}, remember?: number) {
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({ onEvent: (event) => events.push(event), ...options })
  const handler = new SessionHandler(() => {}, key, sessions, { remember })
  const request = (cookie: string) => ({ headers: { cookie } }) as IncomingMessage
  const read = (value: string) => {
    let session: ReturnType<typeof handler.read> = {}
    const cost = hmacs(() => { session = handler.read(request(`session=${value}`)) })
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

  t.test('opens it each time when remember is 0', async (t) => {
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
    t.equal(hmacs(() => { handler.read(next) }), 0)
    t.strictSame({ ...sessions.get(next) }, { a: 1 })
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
    t.equal(hmacs(() => { handler.read(twice) }), 0)
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
    t.equal(hmacs(() => { cookie = handler.encodeCookie({ a: 1 }) }), 1)
    t.equal(hmacs(() => handler.decodeCookie(cookie)), 1)
    t.equal(read(cookie).cost, 1)
    t.equal(hmacs(() => handler.decodeCookie(cookie)), 1)
  })

  t.test('remembers which key opened', async (t) => {
    const old = Buffer.alloc(32, 2)
    const cookie = new SessionHandler(() => {}, old, new RequestSessions()).encodeCookie({ a: 1 })
    const events: SessionEvent[] = []
    const sessions = new RequestSessions({ onEvent: (event) => events.push(event) })
    const handler = new SessionHandler(() => {}, [key, old], sessions)
    for (const cost of [2, 0]) {
      t.equal(hmacs(() => { handler.read({ headers: { cookie: `session=${cookie}` } } as IncomingMessage) }), cost)
      t.strictSame(events.pop(), { type: 'opened', keyIndex: 1 })
    }
  })
})

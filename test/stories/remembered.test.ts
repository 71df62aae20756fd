/**
 * Remembering changes nothing that can be seen: handlers that differ in how much they remember get the same requests,
 * genuine, old, forged and foreign cookies in them, while time passes, goes back, and settings change.
 */
import type { IncomingMessage } from 'node:http'
import t, { type Test } from 'tap'
import { RequestSessions, SessionHandler, type SessionEvent } from '../../lib/index.js'
import { bytesInUse } from '../support/memory.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { fuzz, seededRandom } from '../support/seeded-random.js'
import { key } from '../support/sessions.js'
import { volume } from '../support/volume.js'

const older = new Uint8Array(32).fill(8)
const foreign = new Uint8Array(32).fill(9)

/** A clock of ours until the test is over. */
function ownClock(t: Test): { now: number } {
  const clock = { now: Date.UTC(2027, 0, 15, 8) }
  const realNow = Date.now
  Date.now = () => clock.now
  t.teardown(() => { Date.now = realNow })
  return clock
}

function handlerThatRemembers(cacheSize: number) {
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({ onEvent: (event) => { events.push(event) } })
  const handler = new SessionHandler(() => {}, [key, older], sessions, { cacheSize })
  /** All that can be seen of one request. */
  const outcome = (cookie: string): string => {
    const req = { headers: { cookie } } as IncomingMessage
    const session = handler.read(req)
    const seen = JSON.stringify([session, sessions.info(req), events.splice(0)])
    session['changed'] = { by: 'this request' } // and by no other
    return seen
  }
  return { sessions, handler, outcome }
}

t.test('handlers that remember 0, 1, 3 and 1000 cookies', async (t) => {
  const random = seededRandom(t)
  const clock = ownClock(t)
  const handlers = [0, 1, 3, 1000].map(handlerThatRemembers)
  const sealers = [key, older, foreign].map((one) => new SessionHandler(() => {}, one))
  const forged = (value: string) => `${value.slice(0, 30)}${value[30] === 'A' ? 'B' : 'A'}${value.slice(31)}`

  const happenings: [() => void, ...(() => void)[]] = [
    () => { values.push(random.pick(sealers).encodeCookie({ n: values.length, text: 'x'.repeat(random.below(200)) })) },
    () => { if (values.length > 20) values.splice(random.below(values.length), 1) },
    () => { clock.now += random.below(3000) * 1000 },
    () => { clock.now -= random.below(200) * 1000 },
    () => {
      const maxAge = random.pick([60, 3600, 86_400])
      for (const { sessions } of handlers) sessions.maxAge = maxAge
    },
    () => {
      const limit = clock.now - random.pick([100_000, 1_000_000])
      for (const { sessions } of handlers) sessions.validate = (_, { createdAt }) => createdAt.getTime() >= limit
    },
    () => { for (const { sessions } of handlers) sessions.validate = undefined },
    () => {
      const partitioned = random.below(3) === 0
      for (const { sessions } of handlers) Object.assign(sessions, { secure: true, partitioned })
    },
    () => {
      const { req, res } = requestAndResponse()
      sealers[0]!.attach(req, res)
      sealers[0]!.sessions.set(req, { n: values.length })
      const lifetimes = [{ maxAge: 100 }, { maxAge: 5000, idleTimeout: 1000 }, { persistent: false }]
      sealers[0]!.sessions.limit(req, random.pick(lifetimes))
      res.writeHead(200)
      values.push(String(res.getHeader('set-cookie')).slice('session='.length).split(';')[0]!)
    },
    () => {
      const path = random.pick(['/', '/', '/app'])
      for (const { handler } of handlers) handler.cookiePath = path
    },
  ]
  const values = sealers.map((sealer) => sealer.encodeCookie({ first: true }))
  const differing: string[] = []
  const kinds = new Set<string>()
  for (let i = 0; i < 4000 * fuzz; i++) {
    if (random.below(3) === 0) random.pick(happenings)()
    const pairs = Array.from({ length: 1 + random.below(3) }, () => {
      const value = random.pick(values.slice(-5))
      return `session=${random.below(4) === 0 ? forged(value) : value}`
    })
    const [first, ...others] = handlers.map(({ outcome }) => outcome(pairs.join('; ')))
    for (const other of others) if (other !== first) differing.push(`${first} is ${other}`)
    for (const [, kind] of first!.matchAll(/"(?:reason":"|type":"open)(\w+)"/g)) kinds.add(kind!)
  }
  t.same(differing, [])
  t.same([...kinds].sort(), ['ambiguous', 'ed', 'expired', 'invalid', 'tag'], 'every outcome came')
})

t.test('large cookies that never come back leave no more than 1000 of them behind', async (t) => {
  const handler = new SessionHandler(() => {}, key, new RequestSessions())
  const session = { text: 'x'.repeat(2800) }
  const request = () => ({ headers: { cookie: `session=${handler.encodeCookie(session)}` } }) as IncomingMessage
  for (let i = 0; i < 2000; i++) handler.read(request())
  const requests = volume(5000, 180_000)
  const before = await bytesInUse()
  for (let i = 0; i < requests; i++) handler.read(request())
  const grown = await bytesInUse() - before
  t.ok(grown < 4_000_000, `${grown} bytes more, of ${requests * 4 / 1000} MB that were read`)
})

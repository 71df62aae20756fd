/**
 * A handler that caches cookies answers as one that does not: the same random history, with cookies of all kinds,
 * clocks, keys and settings that change, in worlds that differ in `cacheSize` alone.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { RequestSessions, SessionHandler, type SessionEvent } from '../../lib/index.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { fuzz, seededRandom, type Random } from '../support/seeded-random.js'

const keys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const
const slotCount = 6

/** One request. Slots are where a browser keeps a cookie; a world fills them with cookies of its own. */
type Step = (world: World) => unknown

class World {
  readonly events: string[] = []
  readonly sessions: RequestSessions
  readonly others: RequestSessions
  readonly replicas: SessionHandler[]
  readonly slots: string[] = Array.from({ length: slotCount }, () => 'none')
  valid = true
  inner: (req: IncomingMessage, res: ServerResponse) => void = () => {}

  constructor(cacheSize: number) {
    const onEvent = (event: SessionEvent) => {
      if (event.type !== 'insecure') this.events.push(JSON.stringify(event)) // that one comes once a process
    }
    this.sessions = new RequestSessions({ onEvent, validate: () => this.valid })
    this.others = new RequestSessions({ onEvent })
    const replica = (...keys: Buffer[]) => {
      const inner = new SessionHandler((req, res) => this.inner(req, res), keys, this.sessions, { cacheSize })
      return new SessionHandler(inner.listener, keys, this.others, { cacheSize, cookieName: 'other' })
    }
    this.replicas = [replica(keys[0]), replica(keys[0], keys[1]), replica(keys[1], keys[0])]
  }

  /** What can be seen of a request from outside; the cookie that is set goes into a slot. */
  request(replica: number, cookie: string, slot: number, handle: World['inner']): unknown {
    const { req, res } = requestAndResponse(cookie)
    this.events.length = 0
    this.inner = (req, res) => {
      handle(req, res)
      res.writeHead(200)
    }
    this.replicas[replica]!.listener(req, res)
    const lines = [res.getHeader('set-cookie') ?? []].flat() as string[]
    const value = lines.map((line) => /^session=([^;]+)/.exec(line)?.[1]).find((value) => value !== undefined)
    if (value !== undefined) this.slots[slot] = value
    return {
      session: JSON.stringify(this.sessions.get(req)),
      other: JSON.stringify(this.others.get(req)),
      info: [this.sessions.info(req), this.others.info(req)],
      status: res.statusCode,
      lines: lines.map((line) => line.replace(/^(\w+=)[\w-]+/, '$1')),
      events: [...this.events],
    }
  }
}

function forged(value: string, at: number): string {
  const place = at % (value.length - 1) // the last one's spare bits make some spellings no base64url
  return value.slice(0, place) + (value[place] === 'A' ? 'B' : 'A') + value.slice(place + 1)
}

/** A step that all worlds take alike, since all that is random in it is chosen here. */
function randomStep(random: Random): Step {
  const [replica, first, second, target, at] = [3, slotCount, slotCount, slotCount, 5000].map((n) => random.below(n)) as
    [number, number, number, number, number]
  const header = random.pick<(slots: readonly string[]) => string>([
    (slots) => `session=${slots[first]}`,
    (slots) => `session=${slots[first]}`,
    (slots) => `session=${slots[first]}; session=${slots[second]}`,
    (slots) => `session=${slots[first]}; other=${slots[second]}`,
    (slots) => `session=${forged(slots[first]!, at)}`,
    (slots) => `session=${forged(slots[first]!, at)}; session=${slots[second]}`,
    (slots) => `session=${slots[first]!.slice(0, 200)}`,
    (slots) => slots.map((slot) => `session=${slot}`).join('; '),
    () => '',
  ])
  const n = random.below(4)
  const handle = random.pick<(world: World) => World['inner']>([
    (world) => (req) => { world.sessions.get(req) },
    (world) => (req) => { world.sessions.get(req) },
    (world) => (req) => { world.sessions.get(req)['n'] = n },
    (world) => (req) => { world.sessions.set(req, { text: 'x'.repeat(700 * n) }) },
    (world) => (req) => { world.sessions.clear(req) },
    (world) => (req) => {
      world.sessions.clear(req)
      world.sessions.get(req)['n'] = n
    },
    (world) => (req) => {
      world.sessions.limit(req, [{}, { maxAge: 500 }, { idleTimeout: 200 }, { persistent: false }][n]!)
    },
    (world) => (req) => {
      world.sessions.get(req)['n'] = n
      world.sessions.limit(req, { maxAge: 900 * (n + 1), persistent: false })
    },
    (world) => (req) => { world.others.get(req)['n'] = n },
    (world) => (req) => { Object.assign(world.sessions.get(req), { inner: { n } }) },
    (world) => (req) => { Object.assign(world.sessions.get(req)['inner'] ?? {}, { n }) },
    () => () => {},
  ])
  return (world) => world.request(replica, header(world.slots), target, handle(world))
}

/** What may change between requests: kinds of change, each with what it changes to. */
const changes: readonly Step[] = [
  ...[100, 1000, 5000, 86_400].map((seconds): Step => (world) => { world.sessions.maxAge = seconds }),
  ...[50, 500, 5000, undefined].map((seconds): Step => (world) => { world.sessions.idleTimeout = seconds }),
  ...[undefined, 'a.example', 'b.example'].map((domain): Step => (world) => { world.sessions.domain = domain }),
  ...[true, false, true, false].map((valid): Step => (world) => { world.valid = valid }),
  ...['/', '/a', '/b'].map((path): Step => (world) => { world.replicas[0]!.cookiePath = path }),
  ...[false, true, false].map((partitioned): Step => (world) => {
    Object.assign(world.sessions, { secure: true }).partitioned = partitioned
  }),
]

/**
 * Deals the changes like cards, all of them before one comes again. Drawn at random instead, some never came in one
 * run of 175: without `validate` saying no, no cookie was `invalid`, and the counts at the end failed.
 */
function dealer(random: Random): () => Step {
  const deck: Step[] = []
  return () => {
    if (deck.length === 0) deck.push(...changes)
    return deck.splice(random.below(deck.length), 1)[0]!
  }
}

t.test('caching makes no difference', async (t) => {
  const random = seededRandom(t)
  let now = 1_800_000_000_000
  const { now: realNow } = Date
  t.teardown(() => { Date.now = realNow })
  Date.now = () => now

  const sizes = [0, 1, 2, 1000]
  const worlds = sizes.map((cacheSize) => new World(cacheSize))
  const opened = new Map<string, number>()
  const deal = dealer(random)
  for (let run = 0; run < 1500 * fuzz; run++) {
    if (random.below(4) === 0) now += 1000 * (random.below(200) - 70)
    const step = run % 30 === 29 ? deal() : randomStep(random)
    const [plain, ...caching] = worlds.map(step)
    for (const event of worlds[0]!.events) opened.set(event, (opened.get(event) ?? 0) + 1)
    if (!sameAsPlain(t, run, plain, caching)) return
  }
  t.comment([...opened].map(([event, count]) => `${count} × ${event}`).slice(0, 8).join('\n'))
  for (const event of ['{"type":"opened","keyIndex":0}', '{"type":"opened","keyIndex":1}', '{"type":"cleared"}',
    ...['tag', 'expired', 'ambiguous', 'invalid'].map((reason) => `{"type":"rejected","reason":"${reason}"}`)]) {
    t.ok((opened.get(event) ?? 0) > 0, `${opened.get(event)} × ${event}`)
  }

  function sameAsPlain(t: Test, run: number, plain: unknown, caching: unknown[]): boolean {
    const wanted = JSON.stringify(plain)
    const different = caching.findIndex((seen) => JSON.stringify(seen) !== wanted)
    if (different === -1) return true
    t.strictSame(caching[different], plain, `request ${run}, with cacheSize: ${sizes[different + 1]}`)
    return false
  }
})

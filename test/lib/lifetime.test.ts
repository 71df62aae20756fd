/** When sessions end: the settings, and the lifetimes of their own that can only shorten what these allow. */
import t from 'tap'
import {
  endByAge, expiryOf, idleWindow, inWords, isPersistent, isSameLifetime, lifetimeOf, maxSeconds, noLifetime,
  sessionInfo, unixTime,
  type Lifetime, type LifetimeSettings,
} from '../../lib/lifetime.js'
import { setTime } from '../support/time.js'

const settings: LifetimeSettings = { maxAge: 1000, idleTimeout: undefined, persistent: true }
const own = (lifetime: Partial<Lifetime>): Lifetime => ({ ...noLifetime, ...lifetime })
const created = 10_000

type End = [name: string, settings: Partial<LifetimeSettings>, own: Partial<Lifetime>, issued: number, end: number]
const ends: End[] = [
  ['maxAge after its creation', {}, {}, 0, 1000],
  ['maxAge after its creation, whenever it was issued', {}, {}, 999, 1000],
  ['by its own maxAge, which is shorter', {}, { maxAge: 400 }, 0, 400],
  ['by its own maxAge of a second', {}, { maxAge: 1 }, 0, 1],
  ['by the setting, where its own maxAge is longer', {}, { maxAge: 5000 }, 0, 1000],
  ['by the setting, where its own maxAge is as long as can be', {}, { maxAge: maxSeconds }, 0, 1000],
  ['by the setting, which was lowered below its own', { maxAge: 300 }, { maxAge: 400 }, 0, 300],
  ['idleTimeout after its issue', { idleTimeout: 100 }, {}, 50, 150],
  ['by maxAge, which comes before idleTimeout', { idleTimeout: 100 }, {}, 950, 1000],
  ['by its own idleTimeout, where the setting has none', {}, { idleTimeout: 100 }, 50, 150],
  ['by its own idleTimeout, which is shorter', { idleTimeout: 100 }, { idleTimeout: 60 }, 50, 110],
  ['by the setting, where its own idleTimeout is longer', { idleTimeout: 100 }, { idleTimeout: 600 }, 50, 150],
  ['by its own maxAge, which comes before its own idleTimeout', {}, { maxAge: 400, idleTimeout: 100 }, 350, 400],
  ['by its own idleTimeout, which comes before its own maxAge', {}, { maxAge: 400, idleTimeout: 100 }, 250, 350],
  ['as if persistence said nothing about it', {}, { persistence: 2 }, 0, 1000],
]

t.test('a session ends', async (t) => {
  for (const [name, changes, lifetime, issuedAfter, endsAfter] of ends) {
    t.test(name, async (t) => {
      const times = { created, issued: created + issuedAfter, lifetime: own(lifetime) }
      const current = { ...settings, ...changes }
      const end = created + endsAfter
      t.notOk(expiryOf(times, current, end - 1), 'it is accepted in its last second')
      t.ok(expiryOf(times, current, end), 'and no second later')
      t.strictSame(sessionInfo(times, current), {
        createdAt: new Date(created * 1000),
        issuedAt: new Date((created + issuedAfter) * 1000),
        expiresAt: new Date(end * 1000),
      })
    })
  }

  t.test('by its age, whatever it says about being idle', async (t) => {
    const lifetime = own({ maxAge: 400, idleTimeout: 10 })
    t.equal(endByAge({ created, lifetime }, { ...settings, idleTimeout: 5 }), created + 400)
    t.equal(endByAge({ created, lifetime: noLifetime }, settings), created + 1000)
  })
})

const beginnings: [name: string, created: number, issued: number, accepted: boolean][] = [
  ['now', 0, 0, true],
  ['60 seconds ahead', 60, 60, true],
  ['61 seconds ahead', 61, 61, false],
  ['now, issued 60 seconds ahead', 0, 60, true],
  ['now, issued 61 seconds ahead', 0, 61, false],
  ['a second after it was issued', 1, 0, false],
]

t.test('a session that begins', async (t) => {
  for (const [name, createdAfter, issuedAfter, accepted] of beginnings) {
    t.test(`${name} is ${accepted ? 'accepted' : 'refused'}`, async (t) => {
      const times = { created: created + createdAfter, issued: created + issuedAfter, lifetime: noLifetime }
      t.equal(expiryOf(times, settings, created) === undefined, accepted)
    })
  }
})

t.test('what is over or has not begun says why, and by how many seconds', async (t) => {
  const current = { ...settings, idleTimeout: 100 }
  const rows: [issued: number, created: number, age: number, reason: string, seconds: number, words: string][] = [
    [990, 0, 1007, 'maxAge', 7, '7 seconds past "maxAge"'],
    [900, 0, 1000, 'maxAge', 0, '0 seconds past "maxAge"'],
    [899, 0, 1005, 'idleTimeout', 6, '6 seconds past "idleTimeout"'],
    [70, 0, 0, 'future', 70, '70 seconds from the future'],
    [0, 5, 3, 'future', 5, '5 seconds from the future'],
    [70, 80, 0, 'future', 70, '70 seconds from the future'],
  ]
  for (const [issuedAfter, createdAfter, age, reason, seconds, words] of rows) {
    const times = { created: created + createdAfter, issued: created + issuedAfter, lifetime: noLifetime }
    const expiry = expiryOf(times, current, created + age)!
    t.strictSame(expiry, { reason, seconds })
    t.equal(inWords(expiry), words)
  }
})

t.test('the idle window is the shorter one', async (t) => {
  t.equal(idleWindow(noLifetime, settings), Infinity)
  t.equal(idleWindow(noLifetime, { ...settings, idleTimeout: 100 }), 100)
  t.equal(idleWindow(own({ idleTimeout: 60 }), settings), 60)
  t.equal(idleWindow(own({ idleTimeout: 60 }), { ...settings, idleTimeout: 100 }), 60)
  t.equal(idleWindow(own({ idleTimeout: 600 }), { ...settings, idleTimeout: 100 }), 100)
})

t.test('persistence takes the place of the setting, either way', async (t) => {
  for (const persistent of [true, false]) {
    const current = { ...settings, persistent }
    t.equal(isPersistent(own({ persistence: 0 }), current), persistent)
    t.equal(isPersistent(own({ persistence: 1 }), current), true)
    t.equal(isPersistent(own({ persistence: 2 }), current), false)
  }
})

t.test('what limit is asked for', async (t) => {
  const rows: [asked: Parameters<typeof lifetimeOf>[0], lifetime: Lifetime][] = [
    [{}, noLifetime],
    [{ persistent: true }, own({ persistence: 1 })],
    [{ persistent: false }, own({ persistence: 2 })],
    [{ maxAge: 400 }, own({ maxAge: 400 })],
    [{ idleTimeout: 100 }, own({ idleTimeout: 100 })],
    [{ maxAge: 1, idleTimeout: 2, persistent: false }, { persistence: 2, maxAge: 1, idleTimeout: 2 }],
  ]
  for (const [asked, lifetime] of rows) t.strictSame(lifetimeOf(asked), lifetime, JSON.stringify(asked))
  t.ok(Object.isFrozen(noLifetime))
})

t.test('two lifetimes are the same when all of them is', async (t) => {
  const one: Lifetime = { persistence: 1, maxAge: 400, idleTimeout: 100 }
  t.ok(isSameLifetime(one, one))
  t.ok(isSameLifetime(one, { ...one }))
  t.ok(isSameLifetime(noLifetime, own({})))
  for (const name of ['persistence', 'maxAge', 'idleTimeout'] as const) {
    t.notOk(isSameLifetime(one, { ...one, [name]: one[name] + 1 }), name)
    t.notOk(isSameLifetime({ ...one, [name]: 0 }, one), `no ${name}`)
  }
})

t.test('nothing lasts longer than 400 days', async (t) => {
  t.equal(maxSeconds, 400 * 86_400)
})

t.test('the time is in whole seconds, rounded down', async (t) => {
  setTime(t, 1_800_000_000.999)
  t.equal(unixTime(), 1_800_000_000)
})

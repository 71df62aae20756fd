/**
 * How sessions end, and what becomes of them when a clock is wrong. The server decides; what the browser does comes
 * on top.
 */
import type { RequestListener } from 'node:http'
import t from 'tap'
import { parseSetCookie, lastAttribute } from '../support/set-cookie-parser.js'
import { loggedIn, openShop, shop, stage } from '../support/story.js'

const maxAgeIn = (line: string) => lastAttribute(parseSetCookie(line)!, 'max-age')
const expiresIn = (line: string) => Date.parse(lastAttribute(parseSetCookie(line)!, 'expires')!)

t.test('a session lives for maxAge from its creation, however often it is written', async (t) => {
  const { site, alice, keeper, browser, pass, line } = await loggedIn(t)
  t.equal(maxAgeIn(line), '86400')
  for (let hour = 1; hour < 24; hour++) {
    pass(3600)
    const { setCookie } = await alice.go(`${shop}/set?hour=${hour}`)
    t.equal(maxAgeIn(setCookie[0]!), String(86_400 - 3600 * hour))
  }
  pass(3599)
  const { setCookie } = await alice.go(`${shop}/set?last=1`)
  t.equal(maxAgeIn(setCookie[0]!), '1')
  t.equal((await alice.go(`${shop}/me`)).body, 'alice')
  t.equal((await keeper.go(`${shop}/me`)).body, 'alice')
  const value = alice.jar.cookies[0]!.value
  pass(1)
  t.same(alice.jar.cookies, [], 'the browser has forgotten it')
  const page = await browser(value).go(`${shop}/me`)
  t.equal(page.body, 'nobody', 'and the server does not take it, though it is a second old')
  t.same(page.setCookie, [])
  t.same(site.events.at(-1), { type: 'rejected', reason: 'expired' })
})

t.test('maxAge counts as it is set now', async (t) => {
  const { site, keeper, pass } = await loggedIn(t)
  pass(3600)
  t.equal((await keeper.go(`${shop}/me`)).body, 'alice')
  site.sessions.maxAge = 3600
  t.equal((await keeper.go(`${shop}/me`)).body, 'nobody')
  site.sessions.maxAge = 3601
  t.equal((await keeper.go(`${shop}/me`)).body, 'alice')
  pass(1)
  t.equal((await keeper.go(`${shop}/me`)).body, 'nobody')
})

t.test('a session that is looked at does not idle out, until maxAge', async (t) => {
  const { site, alice, keeper, pass } = await loggedIn(t, { maxAge: 4000, idleTimeout: 1800 })
  const look = async () => {
    const { body, setCookie } = await alice.go(`${shop}/me`)
    return [body, ...setCookie.map((line) => maxAgeIn(line))]
  }
  const rows: [seconds: number, expected: (string | undefined)[]][] = [
    [0, ['alice']],
    [899, ['alice']],
    [1, ['alice', '3100']], // half of the window: issued again
    [1, ['alice']],
    [1798, ['alice', '1301']],
    [1300, ['alice', '1']],
    [1, ['nobody']],
  ]
  for (const [seconds, expected] of rows) {
    pass(seconds)
    t.same(await look(), expected)
  }
  t.equal((await keeper.go(`${shop}/me`)).body, 'nobody')
  t.same(site.events.filter(({ type }) => type === 'saved').map((event) => 'renewed' in event && event.renewed),
    [false, true, true, true])
})

t.test('a session that nobody looks at idles out', async (t) => {
  const { site, keeper, alice, pass } = await loggedIn(t, { idleTimeout: 1800 })
  pass(1799)
  t.equal((await keeper.go(`${shop}/plain`)).setCookie.length, 0, 'a page that asks for no session is no look')
  t.equal((await keeper.go(`${shop}/me`)).setCookie.length, 1)
  pass(1)
  t.equal((await alice.go(`${shop}/me`)).body, 'nobody', 'whose own cookie was not issued again')
  t.same(site.events.at(-1), { type: 'rejected', reason: 'expired' })
  t.equal((await keeper.go(`${shop}/me`)).body, 'alice')
})

t.test('a session for as long as the browser is open', async (t) => {
  const { alice, pass, line } = await loggedIn(t, { persistent: false })
  t.equal(maxAgeIn(line), undefined)
  pass(86_399)
  t.equal((await alice.go(`${shop}/me`)).body, 'alice')
  pass(1)
  t.equal((await alice.go(`${shop}/me`)).body, 'nobody', 'the server enforces maxAge all the same')
  await alice.go(`${shop}/login?user=alice`)
  t.equal((await alice.go(`${shop}/me`)).body, 'alice')
  alice.jar.close()
  t.equal((await alice.go(`${shop}/me`)).body, 'nobody')
})

t.test('a session with a maxAge of its own ends with it, however often it is written', async (t) => {
  const { site, alice, browser, pass, line } = await loggedIn(t, {}, { maxAge: 7200, persistent: false })
  t.equal(maxAgeIn(line), undefined, 'it ends with the browser, too')
  pass(3600)
  const { setCookie: [written] } = await alice.go(`${shop}/set?a=1`)
  t.equal(maxAgeIn(written!), undefined, 'the lifetime is kept when the session is written')
  const keeper = browser(alice.jar.cookies[0]!.value)
  pass(3599)
  t.equal((await alice.go(`${shop}/me`)).body, 'alice')
  t.equal((await keeper.go(`${shop}/me`)).body, 'alice')
  pass(1)
  t.equal((await keeper.go(`${shop}/me`)).body, 'nobody')
  t.same(site.events.at(-1), { type: 'rejected', reason: 'expired' })
})

t.test('a lifetime of its own is sent in Max-Age and Expires', async (t) => {
  const { alice, pass, line } = await loggedIn(t, { persistent: false }, { maxAge: 7200, persistent: true })
  t.equal(maxAgeIn(line), '7200', 'persistent, although the setting is not')
  t.equal(expiresIn(line), Date.now() + 7_200_000)
  pass(3600)
  const { setCookie: [written] } = await alice.go(`${shop}/set?a=1`)
  t.equal(maxAgeIn(written!), '3600')
  t.equal(expiresIn(written!), Date.now() + 3_600_000)
})

t.test('a lifetime of its own shortens and never lengthens', async (t) => {
  const { site, keeper, pass, line } = await loggedIn(t, {}, { maxAge: 200_000 })
  t.equal(maxAgeIn(line), '86400')
  pass(3600)
  site.sessions.maxAge = 3600
  t.equal((await keeper.go(`${shop}/me`)).body, 'nobody', 'a setting that was lowered holds for every cookie that is out')
  site.sessions.maxAge = 3601
  t.equal((await keeper.go(`${shop}/me`)).body, 'alice')
})

t.test('an idleTimeout of its own shortens and never lengthens', async (t) => {
  const { site, keeper, pass } = await loggedIn(t, {}, { idleTimeout: 5000 })
  pass(3600)
  site.sessions.idleTimeout = 3600
  t.equal((await keeper.go(`${shop}/me`)).body, 'nobody')
  site.sessions.idleTimeout = 400_000
  pass(1400)
  t.equal((await keeper.go(`${shop}/me`)).body, 'nobody', 'its own idleTimeout is the shorter one')
})

t.test('an idleTimeout of its own is renewed in its second half', async (t) => {
  const { alice, pass } = await loggedIn(t, {}, { idleTimeout: 1800 })
  pass(899)
  t.equal((await alice.go(`${shop}/me`)).setCookie.length, 0)
  pass(1)
  t.equal((await alice.go(`${shop}/me`)).setCookie.length, 1)
  pass(1799)
  t.equal((await alice.go(`${shop}/me`)).body, 'alice')
  pass(1800)
  t.equal((await alice.go(`${shop}/me`)).body, 'nobody')
})

t.test('clear forgets a lifetime of its own', async (t) => {
  const { alice, pass } = await loggedIn(t, {}, { maxAge: 100, persistent: false })
  const { setCookie: [line] } = await alice.go(`${shop}/login?user=alice`)
  t.equal(maxAgeIn(line!), '86400')
  pass(86_399)
  t.equal((await alice.go(`${shop}/me`)).body, 'alice')
})

t.test('a replica whose clock is ahead', async (t) => {
  const rows: [seconds: number, accepted: boolean][] = [[59, true], [60, true], [61, false], [3600, false]]
  for (const [seconds, accepted] of rows) {
    t.test(`by ${seconds} s`, async (t) => {
      const { host, browser, pass } = stage(t)
      const [ahead, right] = [openShop(), openShop()]
      const lateClock: RequestListener = (req, res) => {
        pass(seconds)
        try {
          ahead.listener(req, res) // answers before it returns
        } finally {
          pass(-seconds)
        }
      }
      await host('app.site.example', lateClock, right.listener)
      const alice = browser()
      await alice.go(`${shop}/login?user=alice`)
      const page = await alice.go(`${shop}/me`)
      t.equal(page.body, accepted ? 'alice' : 'nobody')
      t.same(page.setCookie, [], 'nor is it deleted')
      await host('app.site.example', right.listener)
      pass(Math.max(0, seconds - 60))
      t.equal((await alice.go(`${shop}/me`)).body, 'alice', 'its time comes')
      t.equal((await alice.go(`${shop}/set?a=1`)).setCookie.length, 1)
      t.equal((await alice.go(`${shop}/me`)).body, 'alice', 'and what is written then opens at once')
    })
  }
})

t.test('a clock that is set back', async (t) => {
  for (const seconds of [1, 59, 60]) {
    t.test(`by ${seconds} s: nobody notices`, async (t) => {
      const { site, alice, pass } = await loggedIn(t)
      pass(-seconds)
      t.equal((await alice.go(`${shop}/me`)).body, 'alice')
      const { setCookie } = await alice.go(`${shop}/set?a=1`)
      t.equal(maxAgeIn(setCookie[0]!), '86400')
      t.equal((await alice.go(`${shop}/me`)).body, 'alice', 'it is not issued before it was created')
      pass(86_399)
      t.equal((await alice.go(`${shop}/me`)).body, 'alice')
      t.same(site.events.filter(({ type }) => type === 'rejected'), [])
    })
  }

  t.test('by an hour: who logs in again is logged in', async (t) => {
    const { site, alice, pass } = await loggedIn(t)
    pass(-3600)
    const page = await alice.go(`${shop}/me`)
    t.equal(page.body, 'nobody')
    t.same(page.setCookie, [])
    t.same(site.events.at(-1), { type: 'rejected', reason: 'expired' })
    await alice.go(`${shop}/login?user=alice`)
    t.equal((await alice.go(`${shop}/me`)).body, 'alice')
    pass(3600)
    t.equal((await alice.go(`${shop}/me`)).body, 'alice')
  })
})

t.test('a clock that is set ahead, and back again', async (t) => {
  const { keeper, pass } = await loggedIn(t)
  pass(10 * 365 * 86_400)
  t.equal((await keeper.go(`${shop}/me`)).body, 'nobody')
  pass(-10 * 365 * 86_400)
  t.equal((await keeper.go(`${shop}/me`)).body, 'alice', 'nothing was deleted')
})

t.test('times past 31, 32 and 40 bits', async (t) => {
  const { alice, pass } = await loggedIn(t)
  for (const date of ['2038-01-19T03:14:08Z', '2106-02-07T06:28:16Z', '9999-12-31T00:00:00Z']) {
    pass((Date.parse(date) - Date.now()) / 1000 - 10)
    await alice.go(`${shop}/login?user=alice`)
    pass(20)
    t.equal((await alice.go(`${shop}/me`)).body, 'alice', date)
  }
})

/**
 * Three replicas that share nothing but keys, and a deploy that reaches one after the other.
 */
import type { RequestListener } from 'node:http'
import t from 'tap'
import type { Browser } from '../support/browser.js'
import { loggedIn, openShop, shop, stage, type Shop } from '../support/story.js'

const older = new Uint8Array(32).fill(1)
const newer = new Uint8Array(32).fill(2)
const replica = (...keys: Uint8Array[]) => openShop({ keys })
const listeners = (replicas: Shop[]): RequestListener[] => replicas.map(({ listener }) => listener)

t.test('a key is changed, and nobody is logged out', async (t) => {
  const { host, browser, pass } = stage(t)
  const replicas = [replica(older), replica(older), replica(older)]
  const users: [name: string, browser: Browser][] = []
  let round = 0

  /** Everybody looks at each replica, and half of them change something; then somebody new comes. */
  const day = async () => {
    await host('app.site.example', ...listeners(replicas))
    for (const [name, visitor] of users) {
      for (let i = 0; i < 3; i++) {
        const page = await visitor.go(`${shop}/me`)
        if (page.body !== name || page.setCookie.length > 0) t.fail(`${name} is ${page.body} in round ${round}`)
      }
      if (users.length % 2 === 0) await visitor.go(`${shop}/set?round=${round}`)
    }
    const name = `user ${round++}`
    const newcomer = browser()
    t.equal((await newcomer.go(`${shop}/login?user=${name}`)).body, name)
    users.push([name, newcomer])
  }
  const deploy = async (...keys: Uint8Array[]) => {
    for (let i = 0; i < replicas.length; i++) {
      replicas[i] = replica(...keys)
      await day()
    }
  }

  await day()
  await deploy(older, newer)
  await deploy(newer, older)
  // Who changed nothing since has a cookie of the older key, which ends with maxAge. Who did, keeps the session.
  const [, visitor] = users[0]!
  await visitor.go(`${shop}/set?seen=1`)
  pass(86_399)
  for (const [name, somebody] of users) t.equal((await somebody.go(`${shop}/me`)).body, name)
  users.length = 0
  await day()
  pass(1)
  await deploy(newer)
  t.ok(round > 9, `${round} rounds`)
  const events = replicas.flatMap((one) => one.events)
  t.notOk(events.some((event) => event.type === 'rejected'), 'the older key is not missed')
})

t.test('with the new key first at once, some are logged out, until the deploy is through', async (t) => {
  const { host, browser } = stage(t)
  const replicas = [replica(newer, older), replica(older), replica(older)]
  await host('app.site.example', ...listeners(replicas))
  const alice = browser()
  await alice.go(`${shop}/login?user=alice`) // at the first replica
  for (const one of replicas.slice(1)) {
    const page = await alice.go(`${shop}/me`)
    t.equal(page.body, 'nobody')
    t.same(page.setCookie, [], 'a cookie of a newer replica is not deleted')
    t.same(one.events, [{ type: 'rejected', reason: 'tag' }])
  }
  t.equal((await alice.go(`${shop}/me`)).body, 'alice')
  await host('app.site.example', ...listeners([replica(newer, older), replica(newer, older)]))
  for (let i = 0; i < 2; i++) t.equal((await alice.go(`${shop}/me`)).body, 'alice')
})

t.test('the first key seals; reading does not change the key, and writing does', async (t) => {
  const { host, alice, site: before } = await loggedIn(t, { keys: [older] })
  const [between, after] = [replica(newer, older), replica(newer)]
  await host('app.site.example', between.listener)
  t.same((await alice.go(`${shop}/me`)).setCookie, [])
  t.same(between.events, [{ type: 'opened', keyIndex: 1 }])
  await host('app.site.example', after.listener)
  t.equal((await alice.go(`${shop}/me`)).body, 'nobody')

  await host('app.site.example', between.listener)
  await alice.go(`${shop}/set?a=1`)
  await host('app.site.example', after.listener)
  t.equal((await alice.go(`${shop}/me`)).body, 'alice')
  t.same(after.events.at(-1), { type: 'opened', keyIndex: 0 })
  await host('app.site.example', before.listener)
  t.equal((await alice.go(`${shop}/me`)).body, 'nobody')
})

t.test('hosts under one domain share a session, and others do not', async (t) => {
  const { host, browser } = stage(t)
  const [a, b] = [openShop({ domain: 'site.example' }), openShop({ domain: 'site.example' })]
  const other = openShop()
  await host('a.site.example', a.listener)
  await host('b.site.example', b.listener)
  await host('c.site.example', other.listener)
  const alice = browser()
  await alice.go('https://a.site.example/login?user=alice')
  t.equal((await alice.go('https://b.site.example/me')).body, 'alice')
  t.equal((await alice.go('https://c.site.example/me')).body, 'nobody', 'the same key, but another domain')
  await alice.go('https://b.site.example/logout')
  t.same(alice.jar.cookies, [])
})

t.test('two applications of one host and one key keep apart by their paths', async (t) => {
  const { host, browser } = stage(t)
  const shops = [openShop({ cookiePath: '/a' }), openShop({ cookiePath: '/b' })]
  await host('app.site.example', (req, res) => {
    const { listener } = shops[req.url!.startsWith('/a/') ? 0 : 1]!
    req.url = req.url!.slice(2)
    listener(req, res)
  })
  const alice = browser()
  await alice.go(`${shop}/a/login?user=alice`)
  await alice.go(`${shop}/b/login?user=bob`)
  t.equal(alice.jar.cookies.length, 2)
  t.equal((await alice.go(`${shop}/a/me`)).body, 'alice')
  t.equal((await alice.go(`${shop}/b/me`)).body, 'bob')
  const [a, b] = alice.jar.cookies
  const moved = browser()
  moved.jar.receive(`${shop}/`, [`session=${a!.value}; Path=/b; Secure`, `session=${b!.value}; Path=/a; Secure`])
  t.equal((await moved.go(`${shop}/a/me`)).body, 'nobody')
  t.equal((await moved.go(`${shop}/b/me`)).body, 'nobody')
})

for (const before of [false, true]) {
  t.test(`partitioned is turned ${before ? 'off' : 'on'} for a live site`, async (t) => {
    const { host, alice, site: old } = await loggedIn(t, { partitioned: before })
    const live = openShop({ partitioned: !before })
    await host('app.site.example', live.listener)
    const page = await alice.go(`${shop}/me`)
    t.equal(page.body, 'nobody', 'the old cookie counts as junk')
    t.same(page.setCookie, [], 'and is not deleted')
    t.same(live.events, [{ type: 'rejected', reason: 'tag' }])

    await alice.go(`${shop}/login?user=bob`)
    t.equal(alice.jar.cookies.length, 2, 'the browser holds both')
    t.equal((await alice.go(`${shop}/me`)).body, 'bob', 'a login helps')
    await alice.go(`${shop}/set?a=1`)
    t.equal((await alice.go(`${shop}/me`)).body, 'bob')
    await alice.go(`${shop}/logout`)
    t.equal((await alice.go(`${shop}/me`)).body, 'nobody', 'a logout does not bring alice back')
    t.notOk(live.events.some((event) => event.type === 'rejected' && event.reason === 'ambiguous'))

    await host('app.site.example', old.listener)
    t.equal((await alice.go(`${shop}/me`)).body, 'alice', 'until it is turned back')
  })
}

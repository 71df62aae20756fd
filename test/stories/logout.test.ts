/**
 * Logging in and out while other requests are under way. What a request only read, it does not write back: so a slow
 * one cannot undo what was done meanwhile. What cannot be had without state on the server stands here as known.
 */
import t from 'tap'
import type { SessionOptions } from '../../lib/index.js'
import { loggedIn, openShop, shop, stage, type ShopOptions } from '../support/story.js'

const keyOf = (byte: number) => new Uint8Array(32).fill(byte)

t.test('a slow read does not undo a logout', async (t) => {
  const rows: [name: string, path: string, options?: ShopOptions][] = [
    ['as it comes', '/slow'],
    ['no cache', '/slow', { cacheSize: 0 }],
    ['room for one cookie in the cache', '/slow', { cacheSize: 1 }],
    ['changed and changed back', '/set-and-unset'],
    ['in the first half of its idle time', '/slow', { idleTimeout: 1800 }],
    ['under an older key', '/slow', { keys: [keyOf(2), keyOf(1)] }],
    ['changed and changed back under an older key', '/set-and-unset', { keys: [keyOf(2), keyOf(1)] }],
  ]
  for (const [name, path, options] of rows) {
    t.test(name, async (t) => {
      const { host, alice, pass } = await loggedIn(t, { ...options, keys: options?.keys?.slice(1) ?? [keyOf(1)] })
      const site = openShop({ keys: [keyOf(1)], ...options })
      await host('app.site.example', site.listener)
      pass(899)

      const slow = alice.go(shop + path)
      await site.waiting(1)
      t.equal((await alice.go(`${shop}/logout`)).setCookie.length, 1)
      t.same(alice.jar.cookies, [])
      site.release()
      const page = await slow
      t.equal(page.body, 'alice', 'it was asked for before the logout')
      t.same(page.setCookie, [])
      t.equal((await alice.go(`${shop}/me`)).body, 'nobody')
    })
  }
})

t.test('a slow request with a cookie that is refused does not undo a login', async (t) => {
  const rows: [name: string, refused: (expired: string) => string][] = [
    ['expired', (expired) => expired],
    ['forged', (expired) => `${expired.slice(0, -4)}AAAA`],
    ['garbage', () => 'x'],
  ]
  for (const [name, refused] of rows) {
    t.test(name, async (t) => {
      const { host, browser, pass } = stage(t)
      // Without Max-Age the browser keeps sending what the server no longer takes.
      const site = openShop({ persistent: false })
      await host('app.site.example', site.listener)
      const old = site.handler.encodeCookie({ user: 'alice' })
      pass(86_400)
      const alice = browser(refused(old))

      const slow = alice.go(`${shop}/slow`)
      await site.waiting(1)
      await alice.go(`${shop}/login?user=alice`)
      site.release()
      const page = await slow
      t.equal(page.body, 'nobody')
      t.same(page.setCookie, [], 'neither renewed nor deleted')
      t.equal((await alice.go(`${shop}/me`)).body, 'alice')
    })
  }
})

/** A shop that keeps, for each user, the time before which no session counts. */
function withNotBefore(): { notBefore: Map<string, number>, options: SessionOptions } {
  const notBefore = new Map<string, number>()
  const validate: SessionOptions['validate'] = ({ user }, { createdAt }) =>
    createdAt.getTime() >= (notBefore.get(String(user)) ?? 0)
  return { notBefore, options: { validate } }
}

t.test('known: a cookie that was copied before the logout opens after it', async (t) => {
  const { site, alice, keeper, pass } = await loggedIn(t)
  await alice.go(`${shop}/logout`)
  t.equal((await keeper.go(`${shop}/me`)).body, 'alice')
  pass(86_400)
  t.equal((await keeper.go(`${shop}/me`)).body, 'nobody', 'for as long as maxAge')
  t.same(site.events.at(-1), { type: 'rejected', reason: 'expired' })
})

t.test('a time kept for each user ends copies too', async (t) => {
  const { notBefore, options } = withNotBefore()
  const { site, alice, keeper, pass } = await loggedIn(t, options)
  t.equal((await keeper.go(`${shop}/me`)).body, 'alice')
  pass(1)
  notBefore.set('alice', Date.now())
  t.equal((await keeper.go(`${shop}/me`)).body, 'nobody', 'cached or not')
  t.same(site.events.at(-1), { type: 'rejected', reason: 'invalid' })
  await alice.go(`${shop}/login?user=alice`)
  t.equal((await alice.go(`${shop}/me`)).body, 'alice')
})

t.test('known: of two that write, the last one wins, over a logout too', async (t) => {
  const { site, alice } = await loggedIn(t)
  const slow = alice.go(`${shop}/slow?`)
  await site.waiting(1)
  await alice.go(`${shop}/set?a=1`)
  site.release()
  t.same((await slow).setCookie, [], 'who only reads does not take part')
  const [a, b] = await Promise.all([alice.go(`${shop}/set?b=2`), alice.go(`${shop}/set?c=3`)])
  const stored = [a, b].map(({ setCookie }) => site.handler.decodeCookie(setCookie[0]!.slice(8).split(';')[0]!))
  t.same(stored.map((session) => ({ ...session })),
    [{ user: 'alice', a: '1', b: '2' }, { user: 'alice', a: '1', c: '3' }], 'each has its own change and no other')
})

t.test('known: a read in the second half of the idle time writes, and so can undo a logout', async (t) => {
  const { notBefore, options } = withNotBefore()
  const { site, alice, pass } = await loggedIn(t, { ...options, idleTimeout: 1800 })
  pass(900)
  const slow = alice.go(`${shop}/slow`)
  await site.waiting(1)
  await alice.go(`${shop}/logout`)
  notBefore.set('alice', Date.now())
  site.release()
  t.equal((await slow).setCookie.length, 1)
  t.equal(alice.jar.cookies.length, 1)
  t.equal((await alice.go(`${shop}/me`)).body, 'nobody', 'which is one more use of a time kept for each user')
})

t.test('a session from before the login leaves nothing in the one after it', async (t) => {
  const { site, alice: mallory, browser, pass } = await loggedIn(t)
  await mallory.go(`${shop}/set?user=mallory&cart=poison&csrf=known`)
  const victim = browser(mallory.jar.cookies[0]!.value)
  pass(100)
  await victim.go(`${shop}/login?user=alice`)
  const value = victim.jar.cookies[0]!.value
  t.same({ ...site.handler.decodeCookie(value) }, { user: 'alice' })
  const req = { headers: { cookie: `session=${value}` } } as never
  site.handler.read(req)
  t.equal(site.sessions.info(req)?.createdAt.getTime(), Date.now(), 'it is a new session, with a time of its own')
  t.equal((await mallory.go(`${shop}/me`)).body, 'mallory')
})

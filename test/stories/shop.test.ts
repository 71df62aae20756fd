/**
 * A browser and a site: what people see of sessions when nobody does anything unusual, and when something fails.
 */
import t from 'tap'
import { RequestSessions, SessionHandler } from '../../lib/index.js'
import { fuzz, seededRandom } from '../support/seeded-random.js'
import { key } from '../support/sessions.js'
import { loggedIn, openShop, shop, stage } from '../support/story.js'

t.test('in, around and out', async (t) => {
  const { host, browser } = stage(t)
  const site = openShop()
  await host('app.site.example', site.listener)
  const alice = browser()
  t.same((await alice.go(`${shop}/plain`)).setCookie, [])
  const first = await alice.go(`${shop}/me`)
  t.equal(first.body, 'nobody')
  t.same(first.setCookie, [], 'looking makes no cookie')
  await alice.go(`${shop}/login?user=alice`)
  const [cookie] = alice.jar.cookies
  t.match(cookie, { name: 'session', domain: 'app.site.example', path: '/', hostOnly: true, secure: true,
    httpOnly: true, sameSite: 'Lax', partition: undefined, persistent: true })
  t.equal((await alice.go(`${shop}/me/orders?page=2`)).body, 'alice')
  t.equal((await alice.go('http://app.site.example/me')).body, 'nobody', 'nothing is sent without TLS')
  t.equal((await alice.go(`${shop}/me`)).body, 'alice', 'and nothing is lost by it')
  await alice.go(`${shop}/logout`)
  t.same(alice.jar.cookies, [])
  t.equal((await alice.go(`${shop}/me`)).body, 'nobody')
})

t.test('from other sites', async (t) => {
  const evil = 'https://evil.example/'
  const rows: [sameSite: 'strict' | 'lax' | 'none', link: string, form: string, image: string][] = [
    ['strict', 'nobody', 'nobody', 'nobody'],
    ['lax', 'alice', 'nobody', 'nobody'],
    ['none', 'alice', 'alice', 'alice'],
  ]
  for (const [sameSite, link, form, image] of rows) {
    t.test(sameSite, async (t) => {
      const { alice } = await loggedIn(t, { sameSite })
      t.equal((await alice.go(`${shop}/me`, { from: evil, topLevel: true })).body, link)
      t.equal((await alice.go(`${shop}/me`, { from: evil, topLevel: true, method: 'POST' })).body, form)
      t.equal((await alice.go(`${shop}/me`, { from: evil })).body, image)
      t.equal((await alice.go(`${shop}/me`, { from: `${shop}/`, method: 'POST' })).body, 'alice')
    })
  }
})

t.test('every size: a browser takes the cookie, or the server refuses to send it', async (t) => {
  const { host, browser } = stage(t)
  for (const cookieName of ['s', '__Host-session', 'n'.repeat(64)]) {
    const site = openShop({ cookieName })
    await host('app.site.example', site.listener)
    const counts = { kept: 0, refused: 0 }
    // Of one, two, three and four bytes in UTF-8.
    for (const character of ['x', '\u00e9', '\u20ac', '\u{1f36a}']) {
      const bytes = Buffer.byteLength(character)
      for (let size = 2800; size <= 3000; size += 12) {
        const visitor = browser()
        const page = await visitor.go(`${shop}/set?a=${encodeURIComponent(character.repeat(size / bytes))}`)
        const [cookie] = visitor.jar.cookies
        if (page.status === 200) {
          counts.kept++
          t.ok(page.setCookie[0]!.length <= 4093)
          t.equal(site.handler.decodeCookie(cookie!.value)['a'], character.repeat(size / bytes))
        } else {
          counts.refused++
          t.equal(page.status, 500)
          t.equal(cookie, undefined)
          t.same(page.setCookie, [])
        }
      }
    }
    t.ok(counts.kept > 10 && counts.refused > 10, JSON.stringify(counts))
  }
})

t.test('two hundred people at once: nobody gets somebody else\'s session', async (t) => {
  const { host, browser } = stage(t)
  const random = seededRandom(t)
  for (let turn = 0; turn < fuzz; turn++) {
    // Room for 20 of 200 in the cache.
    const site = openShop({ cacheSize: 20 })
    await host('app.site.example', site.listener)
    const people = await Promise.all(Array.from({ length: 200 }, async (_, i) => {
      const person = browser()
      await person.go(`${shop}/login?user=user${i}`)
      return { name: `user${i}`, person }
    }))
    const wrong: string[] = []
    const slow = people.map(({ name, person }) => ({ name, page: person.go(`${shop}/slow`) }))
    await site.waiting(200)
    await Promise.all(people.map(async ({ name, person }) => {
      for (let i = 0; i < 3; i++) {
        const path = random.pick(['/me', `/set?n=${random.below(1000)}`, '/me/deep'])
        const { body } = await person.go(shop + path)
        if (body !== name) wrong.push(`${name} got ${body}`)
      }
    }))
    site.release()
    for (const { name, page } of slow) if ((await page).body !== name) wrong.push(`${name} got another's slow page`)
    for (const { name, person } of people) {
      const { user } = site.handler.decodeCookie(person.jar.cookies[0]!.value)
      if (user !== name) wrong.push(`${name} holds ${String(user)}`)
    }
    t.same(wrong, [])
  }
})

t.test('two handlers around one request: both cookies arrive, and each holds its own', async (t) => {
  const { host, browser } = stage(t)
  const [outerSessions, innerSessions] = [new RequestSessions({ secure: true }), new RequestSessions({ secure: true })]
  const inner = new SessionHandler((req, res) => {
    const counts = [outerSessions.get(req), innerSessions.get(req)]
    for (const [i, session] of counts.entries()) session['n'] = Number(session['n'] ?? 10 * i) + 1
    res.end(counts.map(({ n }) => n).join(' '))
  }, key, innerSessions, { cookieName: 'inner' })
  const outer = new SessionHandler(inner.listener, key, outerSessions, { cookieName: 'outer' })
  await host('app.site.example', outer.listener)
  const alice = browser()
  t.equal((await alice.go(`${shop}/`)).body, '1 11')
  t.same(alice.jar.cookies.map(({ name }) => name).sort(), ['inner', 'outer'])
  t.equal((await alice.go(`${shop}/`)).body, '2 12')
  const [first, second] = alice.jar.cookies
  const swapped = browser()
  swapped.jar.receive(shop, [`${first!.name}=${second!.value}; Path=/`, `${second!.name}=${first!.value}; Path=/`])
  t.equal((await swapped.go(`${shop}/`)).body, '1 11', 'neither opens under the other\'s name')
})

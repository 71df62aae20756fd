/**
 * Somebody plants a cookie: a sibling domain, a network attacker, a header made by hand. The session is then the one
 * it would be without the planted cookie, or none; never the attacker's while the user's own is there, never one that
 * depends on the order of the cookies, and the user's cookie is not deleted.
 */
import type { IncomingMessage } from 'node:http'
import t, { type Test } from 'tap'
import type { Browser } from '../support/browser.js'
import { openShop, shop, stage } from '../support/story.js'

const evil = 'https://evil.site.example'
const garbage = `AQ${'A'.repeat(106)}` // of the right form, so that only its tag gives it away

/** The shop, the attacker's cookie there, and one of theirs that has expired. */
async function scene(t: Test, cookieName = 'session') {
  const { host, browser, pass } = stage(t)
  const site = openShop({ cookieName })
  await host('app.site.example', site.listener)
  const expired = site.handler.encodeCookie({ user: 'mallory' })
  pass(86_400)
  const mallory = browser()
  await mallory.go(`${shop}/login?user=mallory`)
  const valid = mallory.jar.cookies[0]!.value
  site.events.length = 0

  /** What the attacker's page does to a browser that comes by. */
  const plant = async (victim: Browser, ...lines: string[]) => {
    await host('evil.site.example', (_, res) => { res.setHeader('Set-Cookie', lines).end() })
    const before = victim.jar.cookies.length
    await victim.go(`${evil}/`)
    return victim.jar.cookies.length - before
  }
  return { site, browser, host, plant, expired, valid }
}

t.test('planted after the login', async (t) => {
  type Scene = Awaited<ReturnType<typeof scene>>
  const rows: [name: string, line: (s: Scene) => string, user: string, reason?: string][] = [
    ['garbage', () => `session=${garbage}; Domain=site.example; Path=/`, 'alice'],
    ['garbage that comes first', () => `session=${garbage}; Domain=site.example; Path=/me`, 'alice'],
    ['an expired cookie of theirs', (s) => `session=${s.expired}; Domain=site.example; Path=/me`, 'alice'],
    ['a cookie of theirs under another name', (s) => `Session=${s.valid}; Domain=site.example; Path=/me`, 'alice'],
    ['their cookie', (s) => `session=${s.valid}; Domain=site.example; Path=/`, 'nobody', 'ambiguous'],
    ['their cookie, to come first', (s) => `session=${s.valid}; Domain=site.example; Path=/me`, 'nobody', 'ambiguous'],
  ]
  for (const [name, line, user, reason] of rows) {
    t.test(name, async (t) => {
      const s = await scene(t)
      const alice = s.browser()
      await alice.go(`${shop}/login?user=alice`)
      s.site.events.length = 0
      t.equal(await s.plant(alice, line(s)), 1)
      const page = await alice.go(`${shop}/me/orders`)
      t.equal(page.body, user)
      t.same(page.setCookie, [], 'nothing is deleted')
      t.same(s.site.events, [reason === undefined ? { type: 'opened', keyIndex: 0 } : { type: 'rejected', reason }])
      t.equal((await alice.go(`${shop}/me/orders`)).body, user, 'and so again')
    })
  }
})

t.test('planted before the login', async (t) => {
  const s = await scene(t)
  const alice = s.browser()
  await s.plant(alice, `session=${s.valid}; Domain=site.example; Path=/`)
  t.equal((await alice.go(`${shop}/me`)).body, 'mallory', 'that is what a __Host- name is for')
  await alice.go(`${shop}/login?user=alice`)
  t.equal((await alice.go(`${shop}/me`)).body, 'nobody', 'never alice\'s and mallory\'s in turn')
})

t.test('planted where the user comes by without logging in, under a __Host- name', async (t) => {
  const s = await scene(t, '__Host-session')
  const alice = s.browser()
  const planted = await s.plant(alice,
    `__Host-session=${s.valid}; Domain=site.example; Path=/; Secure`,
    `__host-session=${s.valid}; Domain=site.example; Path=/me; Secure`,
    `__Host-session=${s.valid}; Path=/; Secure`,
    `=__Host-session=${s.valid}; Domain=site.example`,
    `__Host-session =${s.valid}; Domain=site.example`,
  )
  t.equal(planted, 1, 'the browser keeps one, for the attacker\'s own host')
  t.equal((await alice.go(`${shop}/me`)).body, 'nobody')
  await alice.go(`${shop}/login?user=alice`)
  t.equal((await alice.go(`${shop}/me`)).body, 'alice')
})

t.test('planted by whoever can answer for plain http', async (t) => {
  const s = await scene(t)
  const alice = s.browser()
  await alice.go(`${shop}/login?user=alice`)
  const received = alice.jar.receive('http://app.site.example/', [
    `session=${s.valid}; Path=/`,
    `session=${s.valid}; Path=/me`,
    `session=${s.valid}; Path=/; Domain=site.example`,
    `session=${s.valid}; Path=/; Secure`,
    'session=; Path=/; Max-Age=0',
  ])
  t.same(received, [false, false, false, false, false], 'a Secure cookie is not overlaid')
  t.equal((await alice.go(`${shop}/me`)).body, 'alice')
})

t.test('four pieces of garbage in front', async (t) => {
  const s = await scene(t)
  const alice = s.browser()
  await alice.go(`${shop}/login?user=alice`)
  await s.plant(alice, ...['/me/a', '/me/a/b', '/me/a/b/c', '/me/a/b/c/d']
    .map((path) => `session=${garbage}; Domain=site.example; Path=${path}`))
  const page = await alice.go(`${shop}/me/a/b/c/d`)
  t.equal(page.body, 'alice', 'the same four times are one')
  await s.plant(alice, ...['/me/a', '/me/a/b', '/me/a/b/c', '/me/a/b/c/d']
    .map((path, n) => `session=${garbage}${n}; Domain=site.example; Path=${path}`))
  const full = await alice.go(`${shop}/me/a/b/c/d`)
  t.equal(full.body, 'nobody', 'of five different ones none is looked at')
  t.same(full.setCookie, [], 'and none is deleted')
  t.same(s.site.events.at(-1), { type: 'rejected', reason: 'ambiguous' })
  t.equal((await alice.go(`${shop}/me/a/b/c`)).body, 'alice', 'three do no harm')
})

// Headers by hand

const request = (cookie: string | undefined) => ({ headers: { cookie } }) as IncomingMessage

/** Every way to send one to four cookies, each the user's, the attacker's, garbage or expired. */
t.test('the order of cookies never matters', async (t) => {
  const s = await scene(t)
  const kinds = {
    alice: s.site.handler.encodeCookie({ user: 'alice' }), mallory: s.valid, garbage, expired: s.expired,
  }
  const names = Object.keys(kinds) as (keyof typeof kinds)[]
  let sequences: (keyof typeof kinds)[][] = [[]]
  let tried = 0
  for (let length = 1; length <= 4; length++) {
    sequences = sequences.flatMap((sequence) => names.map((name) => [...sequence, name]))
    for (const sequence of sequences) {
      const opening = new Set(sequence.filter((name) => name === 'alice' || name === 'mallory'))
      const expected = opening.size === 1 ? [...opening][0] : undefined
      const req = request(sequence.map((name) => `session=${kinds[name]}`).join('; '))
      s.site.events.length = 0
      const session = s.site.handler.read(req)
      const event = s.site.events[0] as { type: string, reason?: string }
      t.same({ ...session }, expected === undefined ? {} : { user: expected }, sequence.join(' '))
      t.equal(event.type === 'opened' ? event.type : event.reason, opening.size === 1 ? 'opened'
        : opening.size === 2 ? 'ambiguous'
        : sequence.includes('expired') ? 'expired' : 'tag')
      tried++
    }
  }
  t.equal(tried, 4 + 16 + 64 + 256)
  // Five different ones: wherever the genuine one stands, and whatever the others are.
  for (const junk of [['', '1', '2', '3'], [garbage, `${garbage}1`, '1', s.expired], ['', '"', '%', '=']]) {
    for (let at = 0; at <= 4; at++) {
      const headerOf = (junk: string[]) =>
        junk.toSpliced(at, 0, kinds.alice).map((value) => `session=${value}`).join('; ')
      s.site.events.length = 0
      t.same({ ...s.site.handler.read(request(headerOf(junk))) }, {}, `number ${at + 1} of five`)
      t.same(s.site.events, [{ type: 'rejected', reason: 'ambiguous' }])
      const four = request(headerOf(junk.slice(1)))
      t.same({ ...s.site.handler.read(four) }, { user: 'alice' }, 'one fewer, and it opens')
    }
  }
  const same = [garbage, garbage, garbage, garbage, kinds.alice, garbage].map((value) => `session=${value}`).join('; ')
  t.same({ ...s.site.handler.read(request(same)) }, { user: 'alice' }, 'the same again is no further one')
})

t.test('only our name is our name', async (t) => {
  const { handler } = openShop({ cookieName: '__Host-session' })
  const value = handler.encodeCookie({ user: 'alice' })
  const shown = (header: string) => JSON.stringify(header.replace(value, 'VALUE')).replace(/[^ -~]/g, '?')
  const good = [
    `__Host-session=${value}`,
    ` \t__Host-session=${value} \t`,
    `a=1;__Host-session=${value};b=2`,
    `;;; ;__Host-session=${value};`,
    `a="; __Host-session=${value}; b="`,
    `__Host-session=${value}; __Host-session=${value}`,
    `x__Host-session=1; __Host-session=${value}`,
    `a=__Host-session=; __Host-session=${value}`,
    `=; __Host-session=${value}`,
  ]
  for (const header of good) t.same({ ...handler.read(request(header)) }, { user: 'alice' }, shown(header))

  const ours = '__Host-session'
  const spaces = ['\u00a0', '\u0085', '\u00ad', '\u00ff', '\u000b', '\u000c', '\u00c2\u00a0', '\u00ef\u00bb\u00bf',
    '\u00e2\u0080\u0080', '\u00e3\u0080\u0080']
  const names = [
    '', '=', ' ', '%5F_Host-session', '__%48ost-session', '__host-session', '__HOST-session', `"${ours}"`, `'${ours}'`,
    `$${ours}`, `${ours} `, `${ours}\t`, '__Host.session', '__Host_session',
    `x${ours}`, `x ${ours}`, `x,${ours}`, `${ours}x`, `${ours}[]`, `a=b, ${ours}`, `a=b&${ours}`, `a=b\n${ours}`,
    `=${ours}`, `==${ours}`, ` =${ours}`, ...spaces.flatMap((space) => [`${space}${ours}`, `${ours}${space}`]),
  ]
  const values = [
    '', ` ${value}`, `"${value}"`, `=${value}`, `${value},`, `${value}%20`, `${value}\\`, `${value} \u00e9`,
    `${value}\u00a0`, `\u00a0${value}`,
  ]
  const bad = [
    ours, `$Version=1; $Path=/; x="; ${ours}=${value}"`,
    ...names.map((name) => `${name}=${value}`), ...values.map((value) => `${ours}=${value}`),
  ]
  for (const header of bad) {
    t.same({ ...handler.read(request(header)) }, {}, shown(header))
  }
})

t.test('a Cookie field that is none', async (t) => {
  const { handler, events } = openShop()
  const value = `session=${handler.encodeCookie({ user: 'alice' })}`
  for (const cookie of [undefined, null, 1, {}, [value], [value, value], new String(value)]) {
    t.same({ ...handler.read(request(cookie as string)) }, {})
  }
  t.same(events, [])
})

import assert from 'node:assert/strict'
import { enter, isAnswered, logIn, secret, sees } from './auth.js'
import { hash, longestLine } from './counter-site.js'
import { until } from './until.js'

/** Stories over HTTPS, under names of their own: what a browser does with each kind of cookie. */
export const stories = {
  async 'behind TLS: login, reload and logout with a cookie __Host-session'({ secureAuth, secure, browser }) {
    const origin = `https://app.test:${secure.auth}`
    await enter(browser, origin)
    const [{ value, expiry, ...cookie }] = await browser.cookies()
    assert.deepEqual(cookie, {
      name: '__Host-session', path: '/', domain: 'app.test', secure: true, httpOnly: true, sameSite: 'Lax',
    })
    const { cookies } = await browser.devtools('Network.getCookies', { urls: [origin] })
    assert.deepEqual(
      cookies.map(({ name, domain, sourceScheme, session }) => ({ name, domain, sourceScheme, session })),
      [{ name: '__Host-session', domain: 'app.test', sourceScheme: 'Secure', session: false }],
    )
    await secureAuth.restart()
    await browser.reload()
    await sees(browser, secret)
    await browser.click('form[action="/logout"] button')
    await sees(browser, 'Log in')
    assert.deepEqual(await browser.cookies(), [])
    await browser.back()
    await sees(browser, 'Log in')
    assert.equal(secureAuth.complaints, '')
  },

  async 'a Secure cookie that is sent over plain HTTP is not stored, and the server says so'({ secureAuth, browser }) {
    await logIn(browser, `http://app.test:${secureAuth.port}`)
    await sees(browser, 'Log in')
    assert.deepEqual(await browser.cookies(), [])
    await until(() => secureAuth.complaints.includes('ERR_SESHCOOKIE_INSECURE'), 'the server warned')
  },

  async 'each kind of cookie as the browser stored it'({ secure, browser }) {
    const usual = { domain: 'app.test', httpOnly: true, sameSite: 'Lax', session: false, partitioned: false }
    const rows = [
      ['lax', {}],
      ['strict', { sameSite: 'Strict' }],
      ['none', { sameSite: 'None' }],
      ['partitioned', { sameSite: 'None', partitioned: true }],
      ['script', { httpOnly: false }],
      ['closing', { session: true }],
      ['domain', { domain: '.app.test' }],
    ]
    for (const [name] of rows) await browser.go(`https://app.test:${secure.counter}/${name}`)
    const { cookies } = await browser.devtools('Network.getCookies')
    for (const [name, unusual] of rows) {
      const cookie = cookies.find((each) => each.name === name)
      assert(cookie !== undefined, `${name} was not stored`)
      const { domain, httpOnly, sameSite, session, secure, path, partitionKey } = cookie
      const stored = { domain, httpOnly, sameSite, session, partitioned: partitionKey !== undefined }
      assert.deepEqual(stored, { ...usual, ...unusual }, name)
      assert.deepEqual([secure, path], [true, '/'])
    }
    assert.equal((await browser.run('return document.cookie')).split('=')[0], 'script')
  },

  async 'in a frame of another site: only SameSite=None is sent along, and a partitioned one is another one'(
    { secure, open }) {
    const own = (name) => `https://app.test:${secure.counter}/${name}`
    const rows = [ // [kind, seen in the frame, twice, after one visit at the top; seen at the top afterwards]
      ['lax', 1, 1, 2],
      ['strict', 1, 1, 2],
      ['none', 2, 3, 4],
      ['partitioned', 1, 2, 2],
    ]
    const blocking = rows.map((row) => (row[0] === 'none' ? ['none', 1, 1, 2] : row))
    for (const [setting, expected] of [[0, rows], [1, blocking]]) { // third-party cookies: allowed, blocked
      const browser = await open([], { prefs: { 'profile.cookie_controls_mode': setting } })
      for (const [name, first, second, after] of expected) {
        await browser.go(own(name))
        await sees(browser, 'count 1,')
        for (const count of [first, second]) {
          await browser.go(`https://other.test:${secure.other}/frame?to=${encodeURIComponent(own(name))}`)
          await browser.enterFrame(await browser.find('iframe'))
          await sees(browser, `count ${count},`)
          await browser.leaveFrames()
        }
        await browser.go(own(name))
        await sees(browser, `count ${after},`)
      }
    }
  },

  async 'by a link from another site: all but SameSite=Strict; by a form: none but SameSite=None'(
    { secure, browser }) {
    const own = (name) => `https://app.test:${secure.counter}/${name}`
    for (const [name, byLink, byForm] of [['lax', 2, 1], ['strict', 1, 1], ['none', 2, 3]]) {
      await browser.go(own(name))
      await sees(browser, 'count 1,')
      await browser.go(`https://other.test:${secure.other}/link?to=${encodeURIComponent(own(name))}`)
      await browser.click('a')
      await sees(browser, `count ${byLink},`)
      await browser.go(`https://other.test:${secure.other}/form?to=${encodeURIComponent(own(name))}`)
      await browser.click('button')
      await sees(browser, `count ${byForm},`)
    }
  },

  async 'a sibling domain plants its own valid cookie: refused for __Host-, and else nobody becomes somebody else'(
    { secure, open, browser }) {
    const own = (name) => `https://app.test:${secure.counter}/${name}`
    const attacker = await open()
    for (const name of ['session', '__Host-session']) {
      await attacker.go(`${own(name)}?owner=attacker`)
      const { value } = await attacker.cookie(name)
      await browser.go(`${own(name)}?owner=victim`)
      await sees(browser, 'count 1, owner victim')
      const planted = `${name}=${value}; Domain=app.test; Path=/; Secure`
      await browser.go(`https://evil.app.test:${secure.other}/plant?cookie=${encodeURIComponent(planted)}`)
      await sees(browser, 'planted')
      assert.equal((await browser.cookies()).length, name === 'session' ? 1 : 0)
      await browser.go(own(name))
      // Two cookies that both open are no session at all; the planted one is never the one that counts.
      await sees(browser, name === 'session' ? 'count 1, owner nobody' : 'count 2, owner victim')
      await browser.devtools('Network.clearBrowserCookies')
    }
  },

  async 'a line of 4093 bytes is stored whole and comes back whole'({ counter, secure, browser }) {
    const own = `https://app.test:${secure.counter}`
    const { cookieName, length } = counter.text
    counter.events.length = 0
    await browser.go(`${own}/long`)
    await sees(browser, 'filled')
    assert.deepEqual(counter.events, [{ type: 'saved', bytes: longestLine, renewed: false }])
    const { value } = await browser.cookie(cookieName)
    const expires = new Date().toUTCString() // of the same length, whenever it is
    const attributes = `; Max-Age=86400; Expires=${expires}; Path=/; Secure; HttpOnly; SameSite=Lax`
    assert.equal(`${cookieName}=${value}${attributes}`.length, longestLine)
    await browser.go(`${own}/long`)
    await sees(browser, `found ${hash('a'.repeat(length - 1) + 'z')}`)
  },

  async 'a line of 4094 bytes is not sent: the answer is a 500, and no cookie changes'({ counter, secure, browser }) {
    await browser.go(`https://app.test:${secure.counter}/lax`)
    const before = await browser.cookies()
    counter.events.length = 0
    await browser.go(`https://app.test:${secure.counter}/longer`)
    await isAnswered(browser, 500)
    assert.deepEqual(counter.events.map(({ type, error }) => [type, error?.code]), [['failed', 'ERR_SESHCOOKIE_SIZE']])
    assert.deepEqual(await browser.cookies(), before)
  },
}

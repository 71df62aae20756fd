import assert from 'node:assert/strict'
import { until } from './until.js'
import { Key } from './webdriver.js'

export const secret = 'You are logged in.' // stands on a page for people who are logged in
const question = 'Log in'

export async function logIn(browser, origin, name = 'user1', password = 'teapot') {
  await browser.go(`${origin}/login`)
  await (await browser.find('#name')).clear()
  await (await browser.find('#name')).type(name)
  await (await browser.find('#password')).type(password)
  await browser.click('main button')
}

/** Logs in, and is in. */
export async function enter(browser, origin) {
  await logIn(browser, origin)
  await sees(browser, secret)
}

export async function sees(browser, text) {
  await until(async () => (await browser.text()).includes(text), `the page says "${text}"`)
}

export async function isAnswered(browser, status) {
  const script = 'return performance.getEntriesByType("navigation")[0]?.responseStatus'
  await until(async () => (await browser.run(script)) === status, `the answer's status is ${status}`)
}

async function seesNothingPrivate(browser) {
  await sees(browser, question)
  assert(!(await browser.source()).includes(secret))
}

/** Stories of the auth example, on http://127.0.0.1, with a fresh browser each. */
export const stories = {
  async 'a stranger is asked to log in, and gets no cookie'({ auth, browser }) {
    for (const path of ['/', '/how-it-works/', '/nothing-here']) {
      await browser.go(auth.origin + path)
      assert.equal(await browser.url(), `${auth.origin}/login`)
      await seesNothingPrivate(browser)
    }
    assert.deepEqual(await browser.cookies(), [])
  },

  async 'the form has names for those who do not see it'({ auth, browser }) {
    await browser.go(`${auth.origin}/login`)
    for (const [selector, role, label] of [
      ['#name', 'textbox', 'Name'], ['#password', 'textbox', 'Password'], ['main button', 'button', 'Log in'],
    ]) {
      const element = await browser.find(selector)
      assert.deepEqual([await element.role(), await element.label()], [role, label])
    }
  },

  async 'login with the keyboard alone'({ auth, browser }) {
    await browser.go(auth.origin)
    await browser.type('user1', Key.tab, 'teapot', Key.enter)
    await sees(browser, secret)
    assert.equal(await browser.url(), `${auth.origin}/`)
  },

  async 'login without JavaScript'({ auth, open }) {
    const browser = await open([], { prefs: { 'profile.managed_default_content_settings.javascript': 2 } })
    await browser.go('data:text/html,<p id="p">off</p><script>p.textContent = "on"</script>')
    await sees(browser, 'off')
    await enter(browser, auth.origin)
  },

  async 'a wrong password brings the form back, with a message that is shown once'({ auth, browser }) {
    await logIn(browser, auth.origin, 'user2', 'wrong')
    await sees(browser, 'The name or the password is wrong.')
    assert.equal(await (await browser.find('#name')).property('value'), 'user2')
    assert.equal(await (await browser.find('#password')).property('value'), '')
    assert.equal(await browser.run('return document.activeElement.id'), 'password')
    await browser.reload()
    await sees(browser, question)
    assert(!(await browser.text()).includes('wrong'))
    assert.deepEqual(await browser.cookies(), []) // the session is empty again, so its cookie is gone
    await browser.go(auth.origin)
    await seesNothingPrivate(browser)
  },

  async 'the cookie as the browser stored it'({ auth, browser }) {
    const before = Math.floor(Date.now() / 1000)
    await enter(browser, auth.origin)
    const [cookie, ...others] = await browser.cookies()
    assert.equal(others.length, 0)
    const { value, expiry, ...rest } = cookie
    assert.deepEqual(rest, {
      name: 'session', path: '/', domain: '127.0.0.1', secure: false, httpOnly: true, sameSite: 'Lax',
    })
    assert.match(value, /^[A-Za-z0-9_-]{108,4096}$/)
    assert(expiry >= before + 86_400 && expiry <= Date.now() / 1000 + 86_401, `expires ${expiry - before} s from now`)
    assert.equal(await browser.run('return document.cookie'), '')
  },

  async 'a reload, another page and another tab stay logged in, and the cookie is not written again'(
    { auth, browser }) {
    await enter(browser, auth.origin)
    const { value } = await browser.cookie('session')
    await browser.reload()
    await sees(browser, secret)
    await browser.go(`${auth.origin}/how-it-works/`)
    await sees(browser, 'How it works')
    await browser.switchTo(await browser.newTab())
    await browser.go(auth.origin)
    await sees(browser, secret)
    assert.equal((await browser.cookie('session')).value, value)
  },

  async 'a server that restarts with the same key knows its people; with another key it asks anew'(
    { auth, browser }) {
    await enter(browser, auth.origin)
    await auth.restart()
    await browser.reload()
    await sees(browser, secret)
    await auth.restart({ SESSION_KEY: 'another key, which is 32 bytes long' })
    await browser.reload()
    await seesNothingPrivate(browser)
    await enter(browser, auth.origin)
  },

  async 'a logout in one tab is seen in the other'({ auth, browser }) {
    await enter(browser, auth.origin)
    const first = await browser.tab()
    const second = await browser.newTab()
    await browser.switchTo(second)
    await browser.go(`${auth.origin}/how-it-works/`)
    await browser.click('form[action="/logout"] button')
    await seesNothingPrivate(browser)
    assert.deepEqual(await browser.cookies(), [])
    await browser.switchTo(first)
    await browser.reload()
    await seesNothingPrivate(browser)
  },

  async 'the back button after a logout shows nothing private'({ auth, browser }) {
    await enter(browser, auth.origin)
    await browser.go(`${auth.origin}/how-it-works/`)
    await browser.click('form[action="/logout"] button')
    await seesNothingPrivate(browser)
    for (const step of ['back', 'back', 'forward', 'forward']) {
      await browser[step]()
      await seesNothingPrivate(browser)
    }
  },

  // Chromium sends Sec-Fetch-Site to 127.0.0.1, and to plain HTTP elsewhere only Origin: each is refused by a rule of
  // its own.
  async 'another site can log nobody in or out'({ auth, other, browser }) {
    for (const [here, there] of [['127.0.0.1', 'localhost'], ['app.test', 'other.test']]) {
      const origin = `http://${here}:${auth.port}`
      const form = async (path, fields) => {
        await browser.go(`http://${there}:${other.port}/form?${new URLSearchParams({ to: origin + path, ...fields })}`)
        await browser.click('button')
      }

      await form('/login', { name: 'user4', password: 'marigold' })
      await isAnswered(browser, 403)
      assert.deepEqual(await browser.cookies(), [])
      await browser.go(origin)
      await seesNothingPrivate(browser)

      await enter(browser, origin)
      await form('/logout', {})
      await isAnswered(browser, 403)
      await browser.go(origin)
      await sees(browser, secret)
    }
  },

  async 'no other site can show it in a frame'({ auth, other, browser }) {
    await enter(browser, auth.origin)
    for (const path of ['/', '/login']) {
      const to = encodeURIComponent(auth.origin + path)
      await browser.go(`http://localhost:${other.port}/frame?to=${to}`)
      await browser.enterFrame(await browser.find('iframe'))
      const shown = await browser.text()
      assert(!shown.includes(secret) && !shown.includes(question), shown)
      await browser.leaveFrames()
    }
  },

  async 'a link from another site finds its people logged in'({ auth, other, browser }) {
    await enter(browser, auth.origin)
    await browser.go(`http://localhost:${other.port}/link?to=${encodeURIComponent(auth.origin)}`)
    await browser.click('a')
    await sees(browser, secret)
  },
}

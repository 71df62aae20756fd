import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Program } from './program.js'
import { until } from './until.js'

/** The key under which an element's reference travels (W3C WebDriver §12.1). */
const elementKey = 'element-6066-11e4-a52e-4f735466cecf'

/** Keys that have no letter, as Element Send Keys and key actions want them (W3C WebDriver §17.4.2). */
export const Key = { tab: '\uE004', enter: '\uE007' }

/** Chromium as these tests need it: headless, quiet on the network, and able to run as root in a container. */
const chromiumFlags = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps',
  '--disable-features=OptimizationHints,MediaRouter,Translate', '--password-store=basic', '--hide-scrollbars',
]

/** A running chromedriver. Every browser that it started ends with it. */
export class Driver {
  #program
  #origin
  #profile
  #chromium

  static async start(binary, chromium) {
    const driver = new Driver()
    // Chromium leaves locks and crash folders in its home: it gets one of its own, which is removed afterwards.
    driver.#profile = await mkdtemp(join(tmpdir(), 'seshcookie-browser-'))
    driver.#chromium = chromium
    driver.#program = new Program(binary, ['--port=0'], { HOME: driver.#profile, TMPDIR: driver.#profile })
    driver.#origin = `http://127.0.0.1:${await driver.#program.says(/successfully on port (\d+)/)}`
    return driver
  }

  /** A new browser with an empty profile. */
  async open(flags = [], options = {}) {
    const chromium = { binary: this.#chromium, args: [...chromiumFlags, ...flags], ...options }
    const { sessionId } = await this.command('POST', '/session', {
      capabilities: { alwaysMatch: { 'browserName': 'chrome', 'goog:chromeOptions': chromium } },
    })
    return new Browser(this, `/session/${sessionId}`)
  }

  async command(method, path, body) {
    const response = await fetch(this.#origin + path, {
      method,
      signal: AbortSignal.timeout(60_000),
      ...(method === 'POST' && { body: JSON.stringify(body ?? {}) }),
    })
    const { value } = await response.json()
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message.split('\n')[0]}`)
    return value
  }

  async stop() {
    await this.#program.stop()
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}

/** One browser, with its tabs: the commands of W3C WebDriver that the tests use, and the DevTools protocol. */
export class Browser {
  #driver
  #path

  constructor(driver, path) {
    this.#driver = driver
    this.#path = path
  }

  #get(path) { return this.#driver.command('GET', this.#path + path) }
  #post(path, body) { return this.#driver.command('POST', this.#path + path, body) }

  quit() { return this.#driver.command('DELETE', this.#path) }

  go(url) { return this.#post('/url', { url }) }
  url() { return this.#get('/url') }
  source() { return this.#get('/source') }
  back() { return this.#post('/back') }
  forward() { return this.#post('/forward') }
  reload() { return this.#post('/refresh') }

  tab() { return this.#get('/window') }
  async newTab() { return (await this.#post('/window/new', { type: 'tab' })).handle }
  switchTo(handle) { return this.#post('/window', { handle }) }
  enterFrame(element) { return this.#post('/frame', { id: element.reference }) }
  leaveFrames() { return this.#post('/frame', { id: null }) }

  run(script, ...args) { return this.#post('/execute/sync', { script, args }) }

  /** The first element that a CSS selector finds, waited for: a navigation may still be on its way. */
  async find(selector) {
    const query = { using: 'css selector', value: selector }
    const reference = await until(async () => (await this.#post('/elements', query))[0], `an element ${selector}`)
    return new Element(this.#driver, this.#path, reference)
  }

  async click(selector) { await (await this.find(selector)).click() }

  /** Types into whatever has the focus. */
  async type(...keys) {
    const actions = keys.join('').split('').flatMap((value) => [{ type: 'keyDown', value }, { type: 'keyUp', value }])
    await this.#post('/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] })
  }

  /** The text that a person sees. */
  async text() { return (await this.find('body')).text() }

  /** The cookies that the current page's requests carry, as the browser stored them. */
  cookies() { return this.#get('/cookie') }

  async cookie(name) { return (await this.cookies()).find((cookie) => cookie.name === name) }

  /** A command of the DevTools protocol, through chromedriver. */
  devtools(cmd, params = {}) { return this.#post('/goog/cdp/execute', { cmd, params }) }
}

class Element {
  #driver
  #path

  constructor(driver, sessionPath, reference) {
    this.reference = reference
    this.#driver = driver
    this.#path = `${sessionPath}/element/${reference[elementKey]}`
  }

  click() { return this.#driver.command('POST', `${this.#path}/click`) }
  clear() { return this.#driver.command('POST', `${this.#path}/clear`) }
  type(...keys) { return this.#driver.command('POST', `${this.#path}/value`, { text: keys.join('') }) }
  text() { return this.#driver.command('GET', `${this.#path}/text`) }
  property(name) { return this.#driver.command('GET', `${this.#path}/property/${name}`) }
  label() { return this.#driver.command('GET', `${this.#path}/computedlabel`) }
  role() { return this.#driver.command('GET', `${this.#path}/computedrole`) }
}

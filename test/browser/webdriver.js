import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  #process
  #origin
  #profile
  #chromium

  constructor(process, origin, profile, chromium) {
    this.#chromium = chromium
    this.#process = process
    this.#origin = origin
    this.#profile = profile
  }

  static async start(binary, chromium) {
    // Chromium leaves locks and crash folders in its home: it gets one of its own, which is removed afterwards.
    const profile = await mkdtemp(join(tmpdir(), 'seshcookie-browser-'))
    const child = spawn(binary, ['--port=0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, HOME: profile, TMPDIR: profile },
      detached: true, // a process group of its own, so that its browsers can be ended with it
    })
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (text) => { printed += text })
    const failed = once(child, 'exit').then(() => { throw new Error(`chromedriver ended: ${printed}`) })
    failed.catch(() => {}) // it does end, later, when it is told to
    const listens = until(() => /successfully on port (\d+)/.exec(printed)?.[1], 'chromedriver listens')
    const port = await Promise.race([failed, listens])
    return new Driver(child, `http://127.0.0.1:${port}`, profile, chromium)
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
    if (!response.ok) throw new WebDriverError(value.error, `${method} ${path}: ${value.message.split('\n')[0]}`)
    return value
  }

  async stop() {
    const running = this.#process.exitCode === null && this.#process.signalCode === null
    const ended = running ? once(this.#process, 'exit') : undefined
    this.kill()
    await ended
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }

  /** Ends the driver and its browsers at once; for a process that is about to exit. */
  kill() {
    try {
      process.kill(-this.#process.pid, 'SIGKILL')
    } catch {
      // The group is gone already.
    }
  }
}

/** What the driver answered instead of a value; `code` is one of the names in W3C WebDriver §6.6. */
export class WebDriverError extends Error {
  constructor(code, message) {
    super(message)
    this.name = 'WebDriverError'
    this.code = code
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
  title() { return this.#get('/title') }
  source() { return this.#get('/source') }
  back() { return this.#post('/back') }
  forward() { return this.#post('/forward') }
  reload() { return this.#post('/refresh') }

  tab() { return this.#get('/window') }
  async newTab() { return (await this.#post('/window/new', { type: 'tab' })).handle }
  switchTo(handle) { return this.#post('/window', { handle }) }
  closeTab() { return this.#driver.command('DELETE', `${this.#path}/window`) }
  enterFrame(element) { return this.#post('/frame', { id: element.reference }) }
  leaveFrames() { return this.#post('/frame', { id: null }) }

  run(script, ...args) { return this.#post('/execute/sync', { script, args }) }

  /** The first element that a CSS selector finds, waited for: a navigation may still be on its way. */
  find(selector) {
    return until(async () => (await this.findAll(selector))[0], `an element ${selector}`)
  }

  async findAll(selector) {
    const found = await this.#post('/elements', { using: 'css selector', value: selector })
    return found.map((reference) => new Element(this.#driver, this.#path, reference))
  }

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

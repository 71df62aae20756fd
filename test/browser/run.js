// Drives the examples in Chromium, through chromedriver. With arguments: only the stories whose names hold one of them.

import { randomBytes } from 'node:crypto'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { inspect } from 'node:util'
import { makeKey } from '../../build/replicas/keys.js'
import { site as replica } from '../../build/replicas/app.js'
import { Revoked } from '../../build/replicas/revoked.js'
import { stories as authStories } from './auth.js'
import { AuthServer } from './auth-server.js'
import { CounterSite } from './counter-site.js'
import { stories as cookieStories } from './cookies.js'
import { otherSite } from './other-site.js'
import { stories as screenshotStories } from './screenshots.js'
import { Tls, servePlain } from './tls.js'
import { Driver } from './webdriver.js'

// What a replica knows of logouts, without a Redis.
const nobodyLoggedOut = { known: new Revoked(), heardAll: Infinity, numberOf: async () => 0 }

const packages = { chromium: 'chromium', chromedriver: 'chromium-driver', openssl: 'openssl' } // on Debian
const missing = Object.keys(packages).filter((program) => find(program) === undefined)
let passed = 0
let failed = 0

if (missing.length > 0) {
  const install = missing.map((program) => packages[program]).join(' ')
  console.log(`These tests need ${missing.join(', ')}. On Debian: apt-get install ${install}`)
  failed = 1
} else {
  await runAll(process.argv.slice(2))
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

async function runAll(wanted) {
  const endings = [] // what to end, the last one first
  const killed = [] // what a process that is about to end has to kill
  process.once('exit', () => killed.forEach((one) => one.kill()))
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  try {
    const folder = await mkdtemp(join(tmpdir(), 'seshcookie-browser-tls-'))
    endings.push(() => rm(folder, { recursive: true, force: true }))
    const started = async (server) => {
      killed.push(server)
      endings.push(() => server.stop())
      return server
    }
    const tls = await Tls.make(folder)
    const driver = await started(await Driver.start(find('chromedriver'), find('chromium')))
    const key = () => randomBytes(32).toString('base64url')
    const auth = await started(await AuthServer.start({ SESSION_KEY: key() }))
    const secureAuth = await started(await AuthServer.start({ SESSION_KEY: key(), SECURE: '1' }))

    const ports = async (server) => {
      endings.push(server.stop)
      return server.port
    }
    const counter = new CounterSite()
    const other = { port: await ports(await servePlain(otherSite)) }
    const secure = {
      auth: await ports(await tls.proxy(secureAuth.port)),
      counter: await ports(await tls.serve(counter.listener)),
      other: await ports(await tls.serve(otherSite)),
      replica: await ports(await tls.serve(replica([Buffer.from(makeKey(), 'base64')], 'A', nobodyLoggedOut))),
    }

    const all = Object.entries({ ...authStories, ...cookieStories, ...screenshotStories })
    for (const [name, story] of all) {
      if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue
      await run(name, story, driver, tls, { auth, secureAuth, counter, other, secure })
    }
  } catch (error) {
    failed++
    console.log(`not ok - ${inspect(error)}`)
  } finally {
    for (const end of endings.reverse()) await end()
  }
}

/** A story with a new browser, or several: nothing is left over from the one before. */
async function run(name, story, driver, tls, servers) {
  const browsers = []
  const open = async (flags = [], options = {}) => {
    const browser = await driver.open([...tls.flags, ...flags], options)
    browsers.push(browser)
    return browser
  }
  try {
    await story({ ...servers, open, browser: await open() })
    passed++
    console.log(`ok - ${name}`)
  } catch (error) {
    failed++
    const page = await browsers[0]?.text().catch(() => 'no page')
    console.log(`not ok - ${name}\n${inspect(error)}\nThe page said:\n${page}`)
  } finally {
    for (const browser of browsers) await browser.quit()
  }
}

function find(program) {
  for (const folder of process.env.PATH.split(delimiter)) {
    const path = join(folder, program)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not here.
    }
  }
}

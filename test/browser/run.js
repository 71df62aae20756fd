// Drives the examples in Chromium, through chromedriver. With arguments: only the stories whose names hold one of them.

import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
import { makeTls, servePlain } from './tls.js'
import { Driver } from './webdriver.js'

// What a replica knows of logouts, without a Redis.
const nobodyLoggedOut = { known: new Revoked(), heardAll: Infinity, numberOf: async () => 0 }

const packages = { chromium: 'chromium', chromedriver: 'chromium-driver', openssl: 'openssl' } // on Debian
const paths = Object.keys(packages)
  .map((program) => spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim())
let passed = 0
let failed = 0
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

if (paths.includes('')) {
  console.log(`These tests need more. On Debian: apt-get install ${Object.values(packages).join(' ')}`)
  failed = 1
} else {
  await runAll(process.argv.slice(2), paths)
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

async function runAll(wanted, [chromium, chromedriver]) {
  const endings = [] // what to end, the last one first
  const ended = (server) => {
    endings.push(() => server.stop())
    return server
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'seshcookie-browser-tls-'))
    endings.push(() => rm(folder, { recursive: true, force: true }))
    const tls = await makeTls(folder)
    const driver = ended(await Driver.start(chromedriver, chromium))
    const auth = ended(await new AuthServer({ SESSION_KEY: makeKey() }).start())
    const secureAuth = ended(await new AuthServer({ SESSION_KEY: makeKey(), SECURE: '1' }).start())
    const counter = new CounterSite()
    const other = ended(await servePlain(otherSite))
    const site = replica([Buffer.from(makeKey(), 'base64')], 'A', nobodyLoggedOut)
    const secure = {
      auth: ended(await tls.proxy(secureAuth.port)).port,
      counter: ended(await tls.serve(counter.listener)).port,
      other: ended(await tls.serve(otherSite)).port,
      replica: ended(await tls.serve(site)).port,
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

import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { enter, logIn, sees } from './auth.js'

const folder = fileURLToPath(new URL('screenshots/', import.meta.url))
const sizes = { narrow: { width: 360, height: 740 }, wide: { width: 1280, height: 800 } }

async function shoot(browser, name) {
  const faults = []
  for (const [size, { width, height }] of Object.entries(sizes)) {
    let light
    for (const scheme of ['light', 'dark']) {
      await browser.devtools('Emulation.setDeviceMetricsOverride', {
        width, height, deviceScaleFactor: 1, mobile: size === 'narrow',
      })
      await browser.devtools('Emulation.setEmulatedMedia', {
        features: [{ name: 'prefers-color-scheme', value: scheme }],
      })
      const wide = await browser.run('return document.documentElement.scrollWidth')
      if (wide > width) faults.push(`${name} is ${wide} pixels wide on a screen of ${width}`)
      const { data } = await browser.devtools('Page.captureScreenshot', { captureBeyondViewport: true })
      if (data === light) faults.push(`${name} is the same, light and dark`)
      light ??= data
      await writeFile(`${folder}${name}-${size}-${scheme}.png`, Buffer.from(data, 'base64'))
    }
  }
  assert.deepEqual(faults, [])
}

/** Every page, narrow and wide, light and dark, in the folder screenshots. */
export const stories = {
  async 'screenshots of every page; none is wider than its screen'({ auth, secure, browser }) {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })

    await browser.go(`${auth.origin}/login`)
    await sees(browser, 'Log in')
    await shoot(browser, 'login')
    await logIn(browser, auth.origin, 'user2', 'wrong')
    await sees(browser, 'wrong')
    await shoot(browser, 'login-wrong')
    await enter(browser, auth.origin)
    for (const [name, path, text] of [
      ['home', '/', 'You are logged in.'],
      ['how-it-works', '/how-it-works/', 'How it works'],
      ['not-found', '/nothing-here', 'Not found'],
      ['not-allowed', '/logout', 'Not allowed'],
    ]) {
      await browser.go(auth.origin + path)
      await sees(browser, text)
      await shoot(browser, name)
    }

    await browser.go(`https://app.test:${secure.replica}/`)
    await (await browser.find('#name')).type('Ann')
    await browser.click('form button')
    await sees(browser, 'Ann')
    await shoot(browser, 'replicas')
  },
}

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Server, Visitor } from './guides.js'
import { equal, row } from './report.js'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8')
const packed = join(import.meta.dirname, 'packed') // where the packed library is found, and the packages of this folder

/** The README's blocks that need packages; those that do not are run by the root's own tests. */
export async function readmeRows(suite) {
  const blocks = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code)
    .filter((code) => /from '(?!node:|seshcookie-http')/.test(code))
  await row(suite, 'README.md', 'its block with Express does what it says', async () => {
    equal(blocks.length, 1, 'blocks')
    writeFileSync(join(packed, 'readme.mjs'),
      `${blocks[0]}app.get('/logout', (req, res) => { req.session = null; res.end() })\n`)
    const server = new Server(packed, 'readme.mjs')
    try {
      const visitor = new Visitor(await server.port)
      equal([await visitor.go('/'), await visitor.go('/')], ['page view #1', 'page view #2'], 'pages')
      await visitor.go('/logout')
      equal(visitor.cookie, 'session=', 'the cookie after a logout')
    } finally {
      server.stop()
    }
  })
}

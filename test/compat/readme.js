import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Server, Visitor } from './guides.js'
import { equal, row } from './report.js'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8')

/** The README's blocks that need packages, by the package; those that do not are run by the root's own tests. */
const blocks = new Map([...page.matchAll(/^```js\n(.*?)^```$/gms)]
  .map(([, code]) => [/from '(?!node:|seshcookie-http')([^']+)'/.exec(code)?.[1], code]))
blocks.delete(undefined)

const checks = {
  async express(visitor) {
    equal([await visitor.go('/'), await visitor.go('/')], ['page view #1', 'page view #2'], 'pages')
    await visitor.go('/logout')
    equal(visitor.cookie, 'session=', 'the cookie after a logout')
  },
}

/** What a check needs beside the block. */
const additions = { express: "app.get('/logout', (req, res) => { req.session = null; res.end() })" }

export async function readmeRows(suite) {
  await row(suite, 'README.md', 'has a block for each check here', () => {
    equal([...blocks.keys()], Object.keys(checks), 'packages')
  })
  for (const [name, code] of blocks) {
    await row(suite, `its block with ${name}`, 'does what it says', async () => {
      // Where the packed library is found, and the packages of this folder.
      const path = join(import.meta.dirname, 'packed')
      writeFileSync(join(path, `readme-${name}.mjs`), `${code}${additions[name] ?? ''}\n`)
      const server = new Server(path, `readme-${name}.mjs`)
      try {
        await checks[name](new Visitor(await server.port))
      } finally {
        server.stop()
      }
    })
  }
}

import { spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, row } from './report.js'

const root = join(import.meta.dirname, '..', '..')
const anyPort = join(root, 'test', 'support', 'any-port.js')

/** The README's blocks that need packages, by the package; those that do not are run by test/readme.test.ts. */
const blocks = new Map([...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```js\n(.*?)^```$/gms)]
  .map(([, code]) => [/from '(?!node:|seshcookie-http')([^']+)'/.exec(code)?.[1], code]))
blocks.delete(undefined)

const visits = async (visit) => equal([await visit('/'), await visit('/')], ['page view #1', 'page view #2'], 'bodies')

const checks = {
  express: visits,
  koa: visits,
  fastify: visits,
  async ws(visit, port, cookie) {
    const { WebSocket } = await import('ws')
    const connect = (headers) => new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers })
      socket.on('message', (message) => { resolve(String(message)); socket.close() })
      socket.on('error', (error) => resolve(error.message))
    })
    equal(await connect({}), 'Unexpected server response: 401', 'without a session')
    equal(await visit('/'), 'logged in', 'body')
    equal(await connect({ cookie: cookie() }), 'hello gopher', 'with one')
  },
}

export async function readmeRows(suite) {
  await row(suite, 'README.md', 'has a block for Express and for ws, and a check here for each block', () => {
    equal(['express', 'ws'].filter((name) => !blocks.has(name)), [], 'blocks that are missing')
    equal([...blocks.keys()].filter((name) => checks[name] === undefined), [], 'blocks without a check')
  })
  for (const [name, code] of blocks) {
    await row(suite, `its block with ${name}`, 'does what it says', async () => {
      // Where the packed library is found, and the packages of this folder.
      const file = join(import.meta.dirname, 'packed', `readme-${name}.mjs`)
      writeFileSync(file, code)
      const env = { ...process.env, SESSION_KEY: 'the key of a test, at least 32 bytes long' }
      const child = spawn(process.execPath, ['--import', anyPort, file], { env })
      try {
        const port = await portOf(child)
        let cookie
        const visit = async (path) => {
          const headers = cookie === undefined ? {} : { cookie }
          const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
          cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
          return answer.text()
        }
        await checks[name](visit, port, () => cookie)
      } finally {
        child.kill()
        rmSync(file)
      }
    })
  }
}

function portOf(child) {
  return new Promise((resolve, reject) => {
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (part) => {
        output += part
        const port = /listening on (\d+)/.exec(output)?.[1]
        if (port !== undefined) resolve(port)
      })
    }
    child.on('exit', () => reject(new Error(`ended before it listened: ${output}`)))
  })
}

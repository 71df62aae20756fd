import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { blocksOf, compile, lay, program, Server, Visitor } from './guides.js'
import { equal, row } from './report.js'

const common = 'The sessions, for all of them'

async function visits(visitor) {
  const pages = [await visitor.go('/'), await visitor.go('/')]
  equal(pages.map((page) => page.match(/visit \d/)?.[0]), ['visit 1', 'visit 2'], 'pages')
}

async function login(visitor) {
  await visits(visitor)
  await visitor.go('/login', { name: 'ann' })
  equal([visitor.status, visitor.headers.get('location')], [303, '/'], 'the answer to a login')
  equal(/max-age/i.test(visitor.setCookie[0]), false, 'Max-Age, where nobody is remembered')
  equal(await visitor.go('/'), 'ann, visit 1', 'the page after it')
  await visitor.go('/login', { name: 'ann', remember: 'yes' })
  equal(/max-age=2592000/i.test(visitor.setCookie[0]), true, 'Max-Age, where somebody is remembered')
  await visitor.go('/cart', { item: 'tea' })
  equal(visitor.status, 303, 'the status of a cart that fits')
  const { cookie } = visitor
  equal(await visitor.go('/cart', { item: 'x'.repeat(5000) }), 'SizeError: the session is as it was', 'one too large')
  equal([visitor.status, visitor.cookie], [500, cookie], 'its status, and the cookie')
  await visitor.go('/logout', {})
  equal(visitor.cookie, 'session=', 'the cookie after a logout')
}

/** What each section's last block does, by heading: the file that is started, and a check of what it serves. */
export const sections = {
  'Express': ['app.ts', login],
  'Passport and connect-flash': ['passport-app.ts', async (visitor) => {
    await visitor.go('/login', { username: 'ann', password: 'wrong' })
    equal(await visitor.go('/'), '{"messages":["wrong name or password"]}', 'after a wrong password')
    const before = visitor.cookie
    await visitor.go('/login', { username: 'ann', password: 'opensesame' })
    equal([visitor.status, visitor.cookie !== before], [302, true], 'the answer to a login')
    equal(await visitor.go('/'), '{"user":{"name":"ann"},"messages":[]}', 'after a login')
    await visitor.go('/logout', {})
    equal(visitor.cookie, 'session=', 'the cookie after a logout')
    equal(await visitor.go('/'), '{"messages":[]}', 'after a logout')
  }],
  'Connect': ['connect-app.ts', visits],
  'polka': ['polka-app.ts', visits],
  'Fastify': ['fastify-app.ts', visits],
  'Koa': ['koa-app.ts', visits],
  'Hono': ['hono-app.ts', visits],
  'NestJS': ['nest-app.ts', visits],
  'h3': ['h3-app.ts', visits],
  'Next.js': ['server.ts', async (visitor) => {
    const visit = async () => /visit (?:<!-- -->)?(\d)/.exec(await visitor.go('/'))?.[1]
    equal([await visit(), await visit()], ['1', '2'], 'pages')
  }],
  'ws': ['ws-app.ts', async (visitor, port) => {
    equal(await webSocket(port, {}), 'Unexpected server response: 401', 'without a session')
    equal(await visitor.go('/'), 'logged in', 'the page')
    equal(await webSocket(port, { cookie: visitor.cookie }), 'Unexpected server response: 401', 'from another origin')
    equal(await webSocket(port, { cookie: visitor.cookie, origin }), 'hello ann', 'with a session')
  }],
  'socket.io': ['socket-io-app.ts', async (visitor, port) => {
    equal(await socketIo(port, { origin }), 'not logged in', 'without a session')
    equal(await visitor.go('/'), 'logged in', 'the page')
    equal(await socketIo(port, { cookie: visitor.cookie }), 'websocket error', 'from another origin')
    equal(await socketIo(port, { cookie: visitor.cookie, origin }), 'ann', 'with a session')
  }],
  'TypeScript': [],
}

const origin = 'https://app.example.com'

async function webSocket(port, headers) {
  const { WebSocket } = await import('ws')
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers })
    socket.on('message', (message) => { resolve(String(message)); socket.close() })
    socket.on('error', (error) => resolve(error.message))
  })
}

async function socketIo(port, extraHeaders) {
  const { io } = await import('socket.io-client')
  const client = io(`http://127.0.0.1:${port}`, { extraHeaders, transports: ['websocket'], forceNew: true })
  try {
    return await new Promise((resolve) => {
      client.on('hello', resolve)
      client.on('connect_error', (error) => resolve(error.message))
    })
  } finally {
    client.disconnect()
  }
}

const express4 = { 'express': 'express4', '@types/express': '@types/express4' }

export async function frameworkRows(suite) {
  const { [common]: shared, ...pages } = blocksOf('README.md')
  await row(suite, 'example/frameworks', 'has a section for each check here', () => {
    equal(Object.keys(pages), Object.keys(sections), 'sections')
  })
  for (const [heading, blocks] of Object.entries(pages)) {
    await section(suite, heading, { ...shared, ...blocks })
    if (heading === 'Express') await section(suite, heading, { ...shared, ...blocks }, ' 4', express4)
  }
  await row(suite, 'example/frameworks', 'compiles with ts54', () => {
    const names = Object.entries(pages).filter(([heading]) => heading !== 'Next.js').flatMap(([heading, blocks]) =>
      Object.keys({ ...shared, ...blocks }).map((name) => `${folderOf(heading)}/${name}`))
    return compile(join(import.meta.dirname, 'packed', 'guides'), names, 'ts54')
  })
}

const folderOf = (title) => title.replace(/\W+/g, '-')

async function section(suite, heading, blocks, version = '', packages = {}) {
  const title = `${heading}${version}, as its section says`
  const path = await lay(folderOf(`${heading}${version}`), blocks, packages)
  const [main, check] = sections[heading]
  await row(suite, title, 'compiles with ts7', () =>
    compile(path, Object.keys(blocks), 'ts7', heading === 'Next.js' ? nextOptions : {}))
  if (main === undefined) return
  if (heading === 'Next.js') await row(suite, title, 'builds', () => buildNext(path))
  await row(suite, title, 'does what it says', async () => {
    const server = new Server(path, main)
    try {
      const port = await server.port
      await check(new Visitor(port), port)
    } catch (error) {
      throw new Error(`${error.message}\n${server.output}`)
    } finally {
      server.stop()
    }
  })
}

// What `next build` writes into a tsconfig.json.
const nextOptions = { module: 'esnext', moduleResolution: 'bundler' }

/** Builds the JavaScript: the compiler that Next.js would ask is not installed under its own name. */
async function buildNext(path) {
  for (const name of readdirSync(path, { recursive: true })) {
    if (/^(?!node_modules).*\.tsx?$|^tsconfig/.test(name)) rmSync(join(path, name))
  }
  await program([join(import.meta.dirname, 'node_modules', 'next', 'dist', 'bin', 'next'), 'build'], path)
}

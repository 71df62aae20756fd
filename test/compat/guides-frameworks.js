import express from 'express'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import passport from 'passport'
import Strategy from 'passport-openidconnect'
import supertest from 'supertest'
import { blocksOf, compile, key, lay, program, Server, Visitor } from './guides.js'
import { RequestSessions, SessionHandler } from './library.js'
import { equal, row } from './report.js'

const common = 'The sessions, for all of them'
const packedGuides = join(import.meta.dirname, 'packed', 'guides')

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

async function tenants(visitor, { port }) {
  const go = (path, host, cookie = '') =>
    supertest(`http://127.0.0.1:${port}`).get(path).set('Host', host).set('Cookie', cookie)
  const [line] = (await go('/login', 'a.example')).get('Set-Cookie')
  const pages = ['a.example', 'b.example'].map(async (host) => (await go('/', host, line.split(';', 1)[0])).text)
  equal(await Promise.all(pages), ['ann', 'nobody'], 'at her host, and at another one')
}

/** The files of each section that are started, by heading, with a check of what they serve. */
export const sections = {
  'Express': { 'app.ts': login },
  'Passport and connect-flash': { async 'passport-app.ts'(visitor) {
    await visitor.go('/login', { username: 'ann', password: 'wrong' })
    equal(await visitor.go('/'), '{"messages":["wrong name or password"]}', 'after a wrong password')
    const before = visitor.cookie
    await visitor.go('/login', { username: 'ann', password: 'opensesame' })
    equal([visitor.status, visitor.cookie !== before], [302, true], 'the answer to a login')
    equal(await visitor.go('/'), '{"user":{"name":"ann"},"messages":[]}', 'after a login')
    await visitor.go('/logout', {})
    equal(visitor.cookie, 'session=', 'the cookie after a logout')
    equal(await visitor.go('/'), '{"messages":[]}', 'after a logout')
  } },
  'Connect': { 'connect-app.ts': visits },
  'polka': { 'polka-app.ts': visits },
  'Fastify': { 'fastify-app.ts': visits },
  'Koa': { 'koa-app.ts': visits },
  'Hono': { 'hono-app.ts': visits },
  'NestJS': { 'nest-app.ts': visits },
  'h3': { 'h3-app.ts': visits },
  'Next.js': { async 'server.ts'(visitor) {
    const visit = async () => /visit (?:<!-- -->)?(\d)/.exec(await visitor.go('/'))?.[1]
    equal([await visit(), await visit()], ['1', '2'], 'pages')
    await visitor.go('/api/logout', {})
    equal([visitor.status, visitor.cookie], [303, 'session='], 'after a logout')
  } },
  'ws': { async 'ws-app.ts'(visitor, { port }) {
    equal(await webSocket(port, {}), 'Unexpected server response: 401', 'without a session')
    equal(await visitor.go('/'), 'logged in', 'the page')
    equal(await webSocket(port, { cookie: visitor.cookie }), 'Unexpected server response: 401', 'from another origin')
    equal(await webSocket(port, { cookie: visitor.cookie, origin }), 'hello ann', 'with a session')
  } },
  'socket.io': { async 'socket-io-app.ts'(visitor, { port }) {
    equal(await socketIo(port, { origin }), 'not logged in', 'without a session')
    equal(await visitor.go('/'), 'logged in', 'the page')
    equal(await socketIo(port, { cookie: visitor.cookie }), 'websocket error', 'from another origin')
    equal(await socketIo(port, { cookie: visitor.cookie, origin }), 'ann', 'with a session')
  } },
  'TypeScript': {},
  'Posts from another site': { async 'payment-app.ts'(visitor) {
    const ann = `session=${new SessionHandler(null, key).encodeCookie({ name: 'ann', cart: ['tea'] })}`
    await visitor.go('/paid', { order: '7' }) // without her cookie, since the form is that of another site
    equal([visitor.status, visitor.setCookie], [303, []], 'the answer, which leaves the cookie alone')
    visitor.cookie = ann
    equal(await visitor.go(visitor.headers.get('location')), 'ann has paid 7', 'the page after it')
  } },
  'New keys without a restart': { async 'new-keys-app.ts'(visitor, { child }) {
    equal(await visitor.go('/'), 'visit 1', 'under the old key')
    const newer = 'a newer key of a test, at least 32 bytes long'
    writeFileSync(join(packedGuides, 'New-keys-without-a-restart', 'session-keys'), `${newer}\n${key}\n`)
    child.kill('SIGHUP')
    const opens = (handler) => handler.read({ headers: { cookie: visitor.cookie } }).visits !== undefined
    for (let visits = 2; visits === 2 || !opens(new SessionHandler(null, newer)); visits++) {
      equal(await visitor.go('/'), `visit ${visits}`, 'whoever was here')
    }
  } },
  'Many hosts, one server': { 'tenants-by-key.ts': tenants, 'tenants-by-host.ts': tenants },
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
  await row(suite, 'openid-states.js', 'lets a strategy with a maxAge store its state', openIdStates)
  await row(suite, 'example/frameworks', 'compiles with ts54', () => {
    const names = Object.entries(pages).filter(([heading]) => heading !== 'Next.js').flatMap(([heading, blocks]) =>
      Object.keys({ ...shared, ...blocks }).map((name) => `${folderOf(heading)}/${name}`))
    return compile(packedGuides, names, 'ts54')
  })
}

async function openIdStates() {
  const { store } = await import(pathToFileURL(join(packedGuides, 'Passport-and-connect-flash', 'openid-states.js')))
  const sessions = new RequestSessions({ onEvent: () => {} })
  const urls = { issuer: 'https://id.example', authorizationURL: 'https://id.example/in', tokenURL: 'https://id.example' }
  const site = (more) => {
    const client = { clientID: 'us', clientSecret: 'x', callbackURL: '/', maxAge: 3600 }
    const strategy = new Strategy({ ...urls, ...client, ...more }, () => {})
    const app = express().use(new SessionHandler(null, key, sessions).attach)
    Object.defineProperty(app.request, 'session', sessions.accessor)
    app.get('/in', new passport.Passport().use(strategy).authenticate('openidconnect'))
    return app.get('/back', (req, res) => {
      store.verify(req, req.query.state, (error, context) => res.json(context.issued instanceof Date))
    })
  }
  equal((await supertest(site({})).get('/in')).status, 500, 'the status without it')
  const answer = await supertest(site({ store })).get('/in')
  const state = new URL(answer.get('Location')).searchParams.get('state')
  const back = await supertest(site({ store })).get('/back').query({ state }).set('Cookie', answer.get('Set-Cookie')[0])
  equal([answer.status, back.text], [302, 'true'], 'the status with it, and whether it reads a Date')
}

const folderOf = (title) => title.replace(/\W+/g, '-')

async function section(suite, heading, blocks, version = '', packages = {}) {
  const title = `${heading}${version}, as its section says`
  const path = await lay(folderOf(`${heading}${version}`), { 'session-keys': `${key}\n`, ...blocks }, packages)
  await row(suite, title, 'compiles with ts7', () =>
    compile(path, Object.keys(blocks), 'ts7', heading === 'Next.js' ? nextOptions : {}))
  if (heading === 'Next.js') await row(suite, title, 'builds', () => buildNext(path))
  for (const [main, check] of Object.entries(sections[heading])) {
    await row(suite, title, `${main} does what it says`, async () => {
      const server = new Server(path, main)
      try {
        const port = await server.port
        await check(new Visitor(port), { port, child: server.child })
      } catch (error) {
        throw new Error(`${error.message}\n${server.output}`)
      } finally {
        server.stop()
      }
    })
  }
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

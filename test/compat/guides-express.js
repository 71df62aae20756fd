// What people do with Express, through the blocks of its section, and the README's block; only that one listens.
import express5 from 'express'
import express4 from 'express4'
import { createReadStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import supertest from 'supertest'
import { blocksOf, key, lay, Server, Visitor } from './guides.js'
import { equal, row } from './report.js'

const page = import.meta.filename
const namesIn = (headers) => headers['set-cookie'].map((line) => line.split('=', 1)[0])
const text = readFileSync(page, 'utf8')

export async function expressRows(suite) {
  process.env.SESSION_KEY = key
  const { 'The sessions, for all of them': shared, Express: own } = blocksOf('README.md')
  const load = async (folder, change = (code) => code) => {
    const path = await lay(folder, { ...own, 'sessions.ts': change(shared['sessions.ts']) })
    return Object.assign({}, ...await Promise.all(['sessions', 'express-sessions'].map((name) =>
      import(pathToFileURL(`${path}/${name}.js`)))))
  }
  const guide = await load('Express-parts')
  const shop = await load('Express-shop', (code) => code.replace(', sessions)', ", sessions, { cookieName: 'shop' })"))
  equal(shop.handler.cookieName, 'shop', 'the name of the second cookie')
  for (const [version, express] of [['Express 4', express4], ['Express 5', express5]]) {
    await rows(suite, version, express, guide, shop)
  }
  await row(suite, 'README.md', 'its block with Express does what it says', readmeBlock)
}

/** The README's block that needs packages; those that do not are run by the root's own tests. */
async function readmeBlock() {
  const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code)
    .filter((code) => /from '(?!node:|seshcookie-http')/.test(code))
  equal(blocks.length, 1, 'blocks')
  const logout = "app.get('/logout', (req, res) => { req.session = null; res.end() })\n"
  const server = new Server(await lay('readme', { 'readme.js': blocks[0] + logout }), 'readme.js')
  try {
    const visitor = new Visitor(await server.port)
    equal([await visitor.go('/'), await visitor.go('/')], ['page view #1', 'page view #2'], 'pages')
    await visitor.go('/logout')
    equal(visitor.cookie, 'session=', 'the cookie after a logout')
  } finally {
    server.stop()
  }
}

async function rows(suite, version, express, guide, shop) {
  const { handler, useSessions } = guide
  const check = (name, run) => row(suite, version, name, run)
  const cookie = (session) => `session=${handler.encodeCookie(session)}`
  const stored = ({ headers }) => {
    const lines = (headers['set-cookie'] ?? []).filter((line) => line.startsWith('session='))
    equal(lines.length, 1, `Set-Cookie lines of ours in ${JSON.stringify(headers)}`)
    const value = /=([^;]*)/.exec(lines[0])[1]
    return value === '' ? undefined : { ...handler.decodeCookie(value) }
  }
  const unstored = ({ headers }) => equal(headers['set-cookie'], undefined, 'Set-Cookie lines')
  const application = (...middleware) => {
    const app = express().set('env', 'test')
    if (middleware.length > 0) app.use(...middleware)
    useSessions(app)
    return app
  }

  await check('req.session is read, changed, replaced and cleared', async () => {
    const app = application()
    app.get('/read', (req, res) => res.json(req.session))
    app.get('/change', (req, res) => { req.session.visits++; res.end() })
    app.get('/replace', (req, res) => { req.session = { name: 'bob' }; res.json(req.session) })
    app.get('/clear', (req, res) => { req.session = null; res.json(req.session) })
    app.get('/wrong', (req, res) => { req.session = 'bob'; res.end() })
    app.use((error, req, res, next) => res.status(400).send(error.name))
    const go = (path) => supertest(app).get(path).set('Cookie', cookie({ name: 'ann', visits: 1 }))
    const read = await go('/read')
    equal(read.body, { name: 'ann', visits: 1 }, 'read')
    unstored(read)
    equal(stored(await go('/change')), { name: 'ann', visits: 2 }, 'changed')
    const replaced = await go('/replace')
    equal([replaced.body, stored(replaced)], [{ name: 'bob' }, { name: 'bob' }], 'replaced')
    const cleared = await go('/clear')
    equal([cleared.body, stored(cleared)], [{}, undefined], 'cleared')
    const wrong = await go('/wrong')
    equal([wrong.status, wrong.text], [400, 'TypeError'], 'a session that is none')
  })
  await check('a router, and an application below this one', async () => {
    const app = application()
    const visit = (req, res) => { req.session.visits = (req.session.visits ?? 0) + 1; res.send(req.baseUrl) }
    const router = express.Router()
    router.get('/', visit)
    const below = express()
    below.get('/', visit)
    app.use('/router', router)
    app.use('/below', below)
    for (const path of ['/router', '/below']) {
      const answer = await supertest(app).get(path)
      equal([answer.text, stored(answer)], [path, { visits: 1 }], path)
    }
  })
  await check('two applications with sessions of their own, mounted in a third', async () => {
    const whole = express()
    for (const [path, { useSessions }] of [['/site', guide], ['/shop', shop]]) {
      const app = express()
      useSessions(app)
      app.get('/', (req, res) => { req.session.name = path; res.end() })
      whole.use(path, app)
    }
    const names = async (path) => namesIn((await supertest(whole).get(path)).headers)
    equal([await names('/site'), await names('/shop')], [['session'], ['shop']], 'the cookies of each')
  })
  await check('an application with a session of its own, in one that has another', async () => {
    const app = application()
    const below = express()
    shop.useSessions(below)
    below.get('/', (req, res) => { req.session.cart = ['tea']; res.end() })
    app.use((req, res, next) => { req.session.name = 'ann'; next() })
    app.use('/shop', below)
    app.get('/', (req, res) => res.json(req.session))
    const { headers } = await supertest(app).get('/shop')
    equal(namesIn(headers).sort(), ['session', 'shop'], 'cookies')
    const cookies = headers['set-cookie'].map((line) => line.split(';', 1)[0]).join('; ')
    const again = await supertest(app).get('/').set('Cookie', cookies)
    equal(again.body, { name: 'ann' }, "the outer one's session")
  })
  await check('an error page of an error middleware, and that of Express, keep the change', async () => {
    const app = application()
    app.get('/own', (req, res, next) => { req.session.visits = 1; next(new Error('own')) })
    app.get('/thrown', (req) => { req.session.visits = 1; throw new Error('thrown') })
    app.use('/own', (error, req, res, next) => res.status(503).send(req.session))
    for (const [path, status] of [['/own', 503], ['/thrown', 500]]) {
      const answer = await supertest(app).get(path)
      equal([answer.status, stored(answer)], [status, { visits: 1 }], path)
    }
  })
  await check('redirect, sendFile, download, a stream, JSON, 204', async () => {
    const app = application()
    const ways = {
      redirect: (res) => res.redirect('/'),
      sendFile: (res) => res.sendFile(page),
      download: (res) => res.download(page),
      stream: (res) => createReadStream(page).pipe(res.type('text')),
      json: (res) => res.json({}),
      sendStatus: (res) => res.sendStatus(204),
    }
    for (const [name, way] of Object.entries(ways)) {
      app.get(`/${name}`, (req, res) => { req.session.name = name; way(res) })
      const answer = await supertest(app).get(`/${name}`).buffer()
      equal(stored(answer), { name }, name)
      if (name === 'stream') equal(answer.text === text, true, 'the whole body')
    }
    const { headers: { etag } } = await supertest(app).get('/sendFile')
    const fresh = await supertest(app).get('/sendFile').set('If-None-Match', etag)
    equal([fresh.status, stored(fresh)], [304, { name: 'sendFile' }], 'a file that the browser has')
  })
  await check('static files in front of the sessions ask for none', async () => {
    const app = application(express.static(import.meta.dirname))
    const answer = await supertest(app).get('/guides-express.js')
    equal([answer.status, answer.headers['vary'], answer.headers['set-cookie']], [200, undefined, undefined], 'answer')
  })
}

// coming-from.md: whoever was logged in with another library still is, and can log out; then that library goes.
import secureSession from '@fastify/secure-session'
import clientSessions from 'client-sessions'
import cookieSession from 'cookie-session'
import makeApp from 'express'
import expressSession from 'express-session'
import Fastify from 'fastify'
import { getIronSession } from 'iron-session'
import { pathToFileURL } from 'node:url'
import supertest from 'supertest'
import { CookieJar } from 'tough-cookie'
import { blocksOf, key, lay } from './guides.js'
import { RequestSessions, SessionHandler } from './library.js'
import { equal, row } from './report.js'

const secret = Buffer.alloc(32, 7).toString('base64url')
const store = new expressSession.MemoryStore()
const url = 'http://localhost/'

/** A browser: what it sees, and the names of the cookies that it then has. */
class Browser {
  jar = new CookieJar()

  async go(app, path = '/', method = 'get') {
    await app.ready?.() // Fastify
    const cookie = await this.jar.getCookieString(url)
    const answer = await supertest(app.server ?? app)[method](path).set('Cookie', cookie)
    for (const line of answer.headers['set-cookie'] ?? []) await this.jar.setCookie(line, url)
    this.status = answer.status
    const names = (await this.jar.getCookies(url)).map((one) => one.key)
    return [answer.status === 303 ? 'gone' : answer.text, ...names.filter((name) => !name.endsWith('.sig'))]
  }
}

/** What a site was before it moved: somebody who goes there is logged in. */
const before = (middleware, login = (req) => { req.session.user = 'ann' }) => {
  const app = makeApp()
  app.use(middleware, async (req, res) => { await login(req, res); res.send('ann') })
  return app
}
const none = (req, res, next) => next()
const express = expressSession({ name: 'session', secret, store, resave: false, saveUninitialized: false })
const client = clientSessions({ cookieName: 'session', secret })
const olds = {
  'express-session': before(express),
  'cookie-session': before(cookieSession({ name: 'session', keys: [secret] })),
  'client-sessions': before(client),
  'iron-session': before(none, async (req, res) => {
    // Its cookie is Secure unless it is told, as that of most sites will be.
    const options = { cookieName: 'session', password: secret, cookieOptions: { secure: false } }
    await Object.assign(await getIronSession(req, res, options), { user: 'ann' }).save()
  }),
  '@fastify/secure-session': Fastify(),
}
olds['@fastify/secure-session'].register(secureSession, {
  cookieName: 'session', key: Buffer.from(secret, 'base64url'), cookie: { path: '/' },
})
olds['@fastify/secure-session'].get('/', async (request) => {
  request.session.set('user', 'ann')
  return 'ann'
})

export async function movingRows(suite) {
  Object.assign(process.env, { SESSION_KEY: key, OLD_KEY: secret })
  globalThis.oldStore = store
  const blocks = blocksOf('coming-from.md')['Moving in without logging anybody out']
  const takers = Object.keys(blocks).map((name) => /^from-(.*)\.js$/.exec(name)?.[1]).filter(Boolean)
  await row(suite, 'moving in', 'has a block for each library here', () => {
    equal([...takers, '@fastify/secure-session'].sort(), Object.keys(olds).sort(), 'libraries')
  })
  // What `beside` is for.
  const { attach, sessions: { accessor } } = new SessionHandler(null, key, new RequestSessions())
  for (const [library, middleware, wanted] of [['express-session', express, 500], ['client-sessions', client, 200]]) {
    await row(suite, `${library} and the accessor, both at req.session`, 'do not go together', async () => {
      for (const [order, status] of [[[attach, middleware], 200], [[middleware, attach], wanted]]) {
        const app = makeApp().set('env', 'test').use(order, (req, res) => { res.send(req.session.user ?? 'nobody') })
        Object.defineProperty(app.request, 'session', accessor)
        const ann = new Browser()
        await ann.go(olds[library])
        const [seen] = await ann.go(app)
        equal([seen === 'ann', ann.status], [false, status], 'whether she is known, and the status')
      }
    })
  }
  for (const [library, old] of Object.entries(olds)) {
    const isFastify = library.startsWith('@fastify')
    const name = isFastify ? 'fastify-app.js' : 'app.js'
    const whole = blocks[name].replace('from-express-session', `from-${library}`)
    const second = whole.replace(/^.*\/\/ left out .*\n/gm, '').replace(/\/\/ The second [^]*\/\/ Up to here\.\n/, '')
    const attach = /^app\.(?:use|addHook)\(.*handler\.attach.*\n/m.exec(whole)[0]
    const swapped = isFastify ? whole.replace(attach, '').replace(/^await app.register.*\n/m, `$&${attach}`)
      : whole.replace(attach, '').replace(/^app\.use\(takeOver\).*\n/m, `$&${attach}`)
    const load = async (folder, code) => {
      const files = { ...blocks, [name]: code, 'old-store.js': 'export const store = globalThis.oldStore\n' }
      const path = await lay(`moving-${library.replace(/\W+/g, '-')}-${folder}`, files)
      return (await import(pathToFileURL(`${path}/${name}`))).app
    }
    const after = await load('second', second)
    for (const [order, code] of [['attached first', whole], ['attached second', swapped]]) {
      await row(suite, `moving in from ${library}`, order, async () => {
        const moving = await load(order.replace(' ', '-'), code)
        const [ann, bob] = [new Browser(), new Browser()]
        for (const one of [ann, bob]) equal(await one.go(old), ['ann', 'session'], 'logged in before')
        for (const one of [ann, bob]) equal(await one.go(moving), ['ann', 'app'], 'still logged in, with another cookie')
        equal(await ann.go(moving), ['ann', 'app'], 'and at the next request')
        equal(await ann.go(moving, '/logout', 'post'), ['gone'], 'a logout')
        equal(await ann.go(moving), ['nobody'], 'and after it')
        equal(await bob.go(after), ['ann', 'app'], 'after the second deploy')
        const carl = new Browser()
        await carl.go(old)
        equal(await carl.go(moving, '/logout', 'post'), ['gone'], 'a logout that comes first')
        equal(await new Browser().go(moving), ['nobody'], 'somebody who never was here')
      })
    }
    if (library === 'express-session') {
      await row(suite, `moving in from ${library}`, 'what does not fit stays in the store', async () => {
        const large = 'x'.repeat(5000)
        const dora = new Browser()
        await dora.go(before(express, (req) => { req.session.user = large }))
        const moving = (await load('large', whole)).set('env', 'test')
        const [, ...cookies] = await dora.go(moving)
        equal([dora.status, cookies], [500, ['session']], 'the status, and the cookies')
        equal(JSON.stringify(store.sessions).includes(large), true, 'whether the store has it')
      })
    }
    await row(suite, `moving in from ${library}`, 'it is gone', async () => {
      const late = new Browser()
      await late.go(old)
      equal((await late.go(after))[0], 'nobody', 'after the second deploy, whoever did not come before')
      equal(second.includes(isFastify ? 'secureSession' : 'takeOver'), false, second)
    })
  }
}

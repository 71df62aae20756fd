// coming-from.md: each row of its tables, tried on both sides.
import secureSession from '@fastify/secure-session'
import clientSessions from 'client-sessions'
import cookieSession from 'cookie-session'
import express from 'express'
import expressSession from 'express-session'
import Fastify from 'fastify'
import { getIronSession, sealData, unsealData } from 'iron-session'
import Koa from 'koa'
import koaSession from 'koa-session'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import { promisify } from 'node:util'
import supertest from 'supertest'
import { RequestSessions, SessionHandler } from './library.js'
import { equal, row } from './report.js'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'example', 'frameworks', 'coming-from.md'), 'utf8')
const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'))
const secret = 'a secret of these tests, which seals nothing that matters'
const other = 'another secret of these tests, older than the first one'
const hour = 3600
const day = 24 * hour
const start = Date.UTC(2027, 0, 15, 8)

/** A browser of one site, whose cookies have names and lines. Time stands still but for what `wait` lets pass. */
class Site {
  lines = {}
  now = start
  fill = fill

  /** What is served calls `act(req, res)`; a site of ours has `sessions` and `handler`, too. */
  constructor(serve, more) {
    Object.assign(this, { app: serve(async (req, res) => { await this.act(req, res) }) }, more)
  }

  wait(seconds) { this.now += seconds * 1000 }

  /** A request in which `act(req, res, sessions)` happens; gives what that returned. */
  async go(act = () => {}) {
    let result, failure
    this.act = async (req, res) => {
      try {
        result = await act(req, res, this.sessions)
      } catch (error) {
        failure = error
      }
    }
    const cookie = Object.entries(this.lines).map(([name, line]) => `${name}=${/=([^;]*)/.exec(line)[1]}`).join('; ')
    mock.timers.enable({ apis: ['Date'], now: this.now })
    try {
      await this.app.ready?.()
      this.answer = await supertest(this.app.server ?? this.app).get('/').set('Cookie', cookie)
    } finally {
      mock.timers.reset()
    }
    if (failure !== undefined) throw failure
    this.sent = this.answer.headers['set-cookie'] ?? []
    for (const line of this.sent) {
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(line)
      if (value === '') delete this.lines[name]
      else this.lines[name] = line
    }
    return result
  }

  /** The cookie's line as it is kept now. */
  get line() { return Object.values(this.lines)[0] }
}

const onExpress = (...middleware) => (act) => {
  const app = express().set('env', 'test')
  app.use(...middleware, async (req, res) => { await act(req, res); res.end() })
  return app.use((error, req, res, next) => { res.status(500).end() })
}

function ours(options = {}, keys = secret) {
  const sessions = new RequestSessions({ onEvent: () => {}, ...options })
  const handler = new SessionHandler(null, keys, sessions)
  const site = new Site(onExpress(handler.attach), { sessions, handler })
  Object.defineProperty(site.app.request, 'session', sessions.accessor)
  return site
}

const cs = (options = {}) => new Site(onExpress(cookieSession({ name: 'other', keys: [secret], ...options })))
const es = (options = {}) =>
  new Site(onExpress(expressSession({ name: 'other', secret, resave: false, saveUninitialized: false, ...options })))
const cl = (options = {}) => new Site(onExpress(clientSessions({ cookieName: 'session', secret, ...options })))
const ironOptions = { password: secret, cookieName: 'other' }
const iron = (options = {}) => new Site(onExpress(async (req, res, next) => {
  req.options = { ...ironOptions, ...options }
  req.session = await getIronSession(req, res, req.options)
  next()
}), { fill: save })
const koa = (options = {}, keys = [secret]) => new Site((act) => {
  const app = Object.assign(new Koa(), { keys, silent: true })
  app.use(koaSession(options, app)).use((ctx) => act(ctx, ctx.res).then(() => { ctx.body = '' }))
  return app.callback()
})
const bytes = (text) => Buffer.alloc(32, text)
const secure = (options = {}) => new Site((act) => {
  const app = Fastify()
  app.register(secureSession, { key: bytes(secret), ...options })
  app.register(async () => { app.get('/', async (req, reply) => { await act(req, reply); return '' }) })
  return app
})

const fill = (req) => { req.session.name = 'ann' }
const save = async (req) => { fill(req); await req.session.save() }
const name = (req) => req.session?.name
const whole = (req) => ({ ...req.session })
const clear = (req, res, sessions) => { sessions.clear(req) }
const setNull = (req) => { req.session = null }
const created = (req, res, sessions) => sessions.info(req).createdAt.getTime()
const limitTo = (seconds, more) => (req, res, sessions) => { sessions.limit(req, { maxAge: seconds, ...more }) }
const isNewHere = (req, res, sessions) => sessions.info(req) === undefined
const promised = (act) => new Promise((resolve, reject) => act((error) => error ? reject(error) : resolve()))

/** Whether somebody who filled the session is still known after so long. */
const lives = async (site, seconds, act = name) => {
  site.wait(seconds)
  return await site.go(act) === 'ann'
}
const persistent = (line) => /max-age|expires/i.test(line)
const secondsOf = (line) => {
  const expires = /expires=([^;]*)/i.exec(line)?.[1]
  return Number(/max-age=(\d+)/i.exec(line)?.[1] ?? (Date.parse(expires) - start) / 1000)
}
const isAbout = (line, seconds) => Math.abs(secondsOf(line) - seconds) < 70

/** Fills a session on each side, and lets each act on it; gives what was seen there and here. */
async function both(site, mine, there = name, here = there) {
  for (const one of [site, mine]) await one.go(one.fill)
  return [await site.go(there), await mine.go(here)]
}

// What rows of several libraries have in common; `make` makes a site of theirs.

/** An act on a filled session gives the same on each side. */
async function alike(wanted, site, there, here, mine = ours()) {
  equal(await both(site, mine, there, here), [wanted, wanted], 'what both sides give')
}

/** The session ends, by an act of each side. */
async function ends(make, there, ...heres) {
  for (const here of heres) {
    const [site, mine] = [make(), ours()]
    await both(site, mine, there, here)
    equal([await site.go(name), await mine.go(name), mine.line], [undefined, undefined, undefined], 'what is left')
  }
}

/** It lives as long as it is used; never beyond maxAge, if there is one. */
async function rolls(site) {
  await site.go(fill)
  for (let i = 0; i < 3; i++) {
    site.wait(0.75 * hour)
    if (await site.go(name) !== 'ann') return 'ended while it was used'
  }
  return await lives(site, 2 * hour) ? 'never ended' : 'ended when it was not used'
}
const rollsHere = async () =>
  equal(await rolls(ours({ idleTimeout: hour })), 'ended when it was not used', 'with an idleTimeout')

/** There an act sends the cookie again, and here an idleTimeout does. */
async function rewrites(site, act) {
  await site.go(fill)
  await site.go(act)
  equal(site.sent.length > 0, true, 'whether the cookie is sent again')
  await rollsHere()
}

/** It is filled and saved, by an act of each side, and there at the next request. */
async function saves(site, there, here = fill) {
  const mine = ours()
  await site.go(there)
  await mine.go(here)
  equal([site.sent.length > 0, mine.sent.length], [true, 1], 'cookies')
  equal([await site.go(name), await mine.go(name)], ['ann', 'ann'], 'names')
}

async function closes(site) {
  const mine = ours({ persistent: false })
  await both(site, mine)
  equal([persistent(site.line), persistent(mine.line)], [false, false], 'whether the cookies are persistent')
  equal([await lives(mine, day - 1), await lives(mine, 1)], [true, false], 'here, before and after maxAge')
}

/** A lifetime of a day, by the line; here also by the server. */
async function aDay(site, isTold = true) {
  const mine = ours({ maxAge: day })
  await both(site, mine)
  equal([!isTold || isAbout(site.line, day), isAbout(mine.line, day)], [true, true], `${site.line} and ${mine.line}`)
  equal([await lives(mine, day - 1), await lives(mine, 1)], [true, false], 'here, before and after maxAge')
}

/** Half an hour before an hour is over, it is written: there it lives on, and here it does not. */
async function sinceLastWritten(site) {
  const mine = ours({ maxAge: hour })
  await both(site, mine)
  for (const one of [site, mine]) {
    one.wait(hour / 2)
    await one.go(async (req) => { req.session.again = 1; await req.session.save?.() })
  }
  equal([await lives(site, hour - 120), await lives(mine, hour / 2)], [true, false], 'after another half hour')
}

/** One session of an hour, by an act of each side. */
async function anHour(site, there) {
  const mine = ours()
  await site.go(async (req) => { await there(req); await site.fill(req) })
  await mine.go((req, res, sessions) => { fill(req); limitTo(hour)(req, res, sessions) })
  equal([isAbout(site.line, hour), isAbout(mine.line, hour)], [true, true], `${site.line} and ${mine.line}`)
  equal([await lives(mine, hour - 1), await lives(mine, 1)], [true, false], 'here, before and after it')
}

/** What the older key sealed opens with both. */
async function rotates(site, older) {
  const [mine, mineOlder] = [ours({}, [secret, other]), ours({}, other)]
  for (const [one, old] of [[site, older], [mine, mineOlder]]) {
    await old.go(old.fill)
    one.lines = old.lines
  }
  equal([await site.go(name), await mine.go(name)], ['ann', 'ann'], 'names')
}

async function readable(site) {
  const mine = ours()
  await both(site, mine)
  const shows = ({ line }) => Buffer.from(/=([^;]*)/.exec(line)[1], 'base64').includes('ann')
  equal([shows(site), shows(mine)], [true, false], 'whether the name is in the cookie')
}

async function replaced(make) {
  const there = (req) => { req.session = { name: 'bob' } }
  for (const here of [there, (req, res, sessions) => { sessions.set(req, { name: 'bob' }) }]) {
    const [site, mine] = [make(), ours()]
    await both(site, mine, there, here)
    equal([await site.go(name), await mine.go(name)], ['bob', 'bob'], 'names')
  }
}

/** A question about a session: the answers of both sides at first, and once it is filled. */
async function answers(make, there, here, first, later) {
  const [site, mine] = [make(), ours()]
  equal([await site.go(there), await mine.go(here)], [first, first], 'at first')
  equal(await both(site, mine, there, here), [later, later], 'later')
}

async function keepsSome(site, there) {
  const mine = ours()
  for (const one of [site, mine]) await one.go((req) => { fill(req); req.session.lang = 'de' })
  await site.go(there)
  await mine.go((req, res, sessions) => {
    const { lang } = req.session; sessions.clear(req); req.session.lang = lang
  })
  equal([await site.go((req) => [req.session.name, req.session.lang]), await mine.go(whole)],
    [[undefined, 'de'], { lang: 'de' }], 'what is left')
}

async function outside(there) {
  const { handler } = ours()
  equal([there, { ...handler.decodeCookie(handler.encodeCookie({ name: 'ann' })) }], [{ name: 'ann' }, { name: 'ann' }],
    'what came back')
}

/** Whether a side's own act throws for a session that holds this. */
const throwsFor = (value, act) => async (req, res, sessions) => {
  req.session.value = value
  try { await act(req, sessions) } catch { return true }
}
const saveThrows = (value) => iron().go(throwsFor(value, (req) => req.session.save()))

async function noDate() {
  const mine = ours()
  await mine.go((req) => { req.session.at = new Date(0) })
  equal([mine.answer.status, mine.line], [500, undefined], 'here')
  await mine.go((req) => { req.session.at = new Date(0).getTime(); req.session.text = new Date(0).toISOString() })
  equal(await mine.go(whole), { at: 0, text: new Date(0).toISOString() }, 'what comes back here')
}

const tables = {
  'cookie-session': {
    'several keys': () => rotates(cs({ keys: [secret, other] }), cs({ keys: [other] })),
    'contents': () => readable(cs()),
    'lifetime': () => aDay(cs({ maxAge: 86_400_000 })),
    'until the browser closes': () => closes(cs()),
    'rolling': () => rewrites(cs({ maxAge: hour * 1000 }), (req) => { req.session.last = randomUUID() }),
    "a session's own lifetime": () => anHour(cs({ maxAge: 86_400_000 }), (req) => { req.sessionOptions.maxAge = 3_600_000 }),
    'logout': () => ends(cs, setNull, setNull, clear),
    'a whole new session': () => replaced(cs),
    'isNew': () => answers(cs, (req) => req.session.isNew, isNewHere, true, false),
    'isPopulated': () =>
      answers(cs, (req) => req.session.isPopulated, (req) => Object.keys(req.session).length > 0, false, true),
    async 'a Date'() {
      const site = cs()
      await site.go((req) => { req.session.at = new Date(0) })
      equal(await site.go((req) => req.session.at), new Date(0).toISOString(), 'what comes back there')
      await noDate()
    },
  },

  'iron-session': {
    'reading': () => alike('ann', iron(), async (req, res) => (await getIronSession(req, res, ironOptions)).name,
      (req, res, sessions) => sessions.get(req).name),
    'save': () => saves(iron(), save),
    async 'knowing that it fits'() {
      const large = 'x'.repeat(5000)
      const here = await ours().go(throwsFor(large, (req, sessions) => sessions.check(req)))
      equal([await saveThrows(large), here], [true, true], 'whether it throws')
    },
    'destroy': () => ends(iron, (req) => req.session.destroy(), clear),
    async ttl() {
      await sinceLastWritten(iron({ ttl: hour }))
      await rollsHere()
      const unset = [iron(), ours()]
      await both(...unset)
      equal(unset.map(({ line }) => Math.round(secondsOf(line) / day)), [14, 1], 'days, unless set')
    },
    'until the browser closes': () => closes(iron({ cookieOptions: { maxAge: undefined } })),
    "a session's own lifetime": () =>
      anHour(iron(), (req) => { req.session.updateConfig({ ...req.options, ttl: hour }) }),
    'several passwords': () => rotates(iron({ password: { 2: secret, 1: other } }), iron({ password: { 1: other } })),
    async 'outside of a request'() {
      outside(await unsealData(await sealData({ name: 'ann' }, { password: secret }), { password: secret }))
    },
    async 'a Date'() {
      equal(await saveThrows(new Date(0)), true, 'whether it throws there')
      await noDate()
    },
    async 'web Requests, the App Router'() {
      const jar = new Map()
      const cookies = { get: (name) => jar.get(name), set: (name, value) => { jar.set(name, { name, value }) } }
      const session = await getIronSession(cookies, ironOptions)
      await Object.assign(session, { name: 'ann' }).save()
      equal((await getIronSession(cookies, ironOptions)).name, 'ann', 'there')
      equal(ours().sessions.has(new Request('https://example.com')), false, 'here')
    },
  },

  'express-session': {
    'reading and changing': () => alike('ann', es()),
    async 'saveUninitialized, resave'() {
      for (const site of [es(), ours()]) {
        await site.go(name)
        equal(site.sent, [], 'cookies of an empty session')
        await site.go(fill)
        await site.go(name)
        equal(site.sent, [], 'cookies of an unchanged one')
      }
    },
    async regenerate() {
      const [site, mine] = [es(), ours()]
      const [old, oldHere] = await both(site, mine, (req) => req.sessionID, created)
      mine.wait(60)
      await site.go(async (req) => {
        await promised((done) => req.session.regenerate(done))
        req.session.role = 'admin'
      })
      await mine.go((req, res, sessions) => { sessions.clear(req); req.session.role = 'admin' })
      equal([await site.go(name), await mine.go(whole)], [undefined, { role: 'admin' }], 'what is left')
      equal([await site.go((req) => req.sessionID) === old, await mine.go(created) === oldHere], [false, false],
        'whether it is the old one')
    },
    'destroy': () => ends(es, (req) => promised((done) => req.session.destroy(done)), setNull, clear),
    'save': () => saves(es(), (req) => { fill(req); return promised((done) => req.session.save(done)) },
      (req, res, sessions) => { fill(req); sessions.check(req) }),
    async reload() {
      const mine = ours()
      await alike('ann', es(), async (req) => {
        req.session.name = 'bob'
        await promised((done) => req.session.reload(done))
        return req.session.name
      }, (req, res, sessions) => {
        const copy = structuredClone({ ...req.session })
        req.session.name = 'bob'
        sessions.set(req, copy)
        return req.session.name
      }, mine)
      equal(mine.sent, [], 'cookies: nothing changed')
    },
    async 'touch, rolling'() {
      await rewrites(es({ rolling: true, cookie: { maxAge: hour * 1000 } }), name)
      await es().go((req) => { fill(req); req.session.touch() })
    },
    async sessionID() {
      const mine = ours()
      const id = await mine.go((req) => { req.session.id = randomUUID(); return req.session.id })
      const there = await es().go((req) => req.sessionID)
      equal([typeof there, await mine.go((req) => req.session.id)], ['string', id], 'ids')
    },
    async genid() {
      const id = randomUUID()
      equal(await es({ genid: () => id }).go((req) => req.sessionID), id, 'the id')
    },
    'cookie.maxAge of one session': () => anHour(es(), (req) => { req.session.cookie.maxAge = 3_600_000 }),
    'until the browser closes': () => closes(es()),
    async 'when it ends'() {
      const [site, mine] = [es({ cookie: { maxAge: hour * 1000 } }), ours({ maxAge: hour })]
      const here = (req, res, sessions) => sessions.info(req)?.expiresAt
      const ends = await both(site, mine, (req) => req.session.cookie.expires, here)
      equal(ends.map((end) => end instanceof Date), [true, true], 'times')
    },
    async "ending somebody's sessions"() {
      const store = new expressSession.MemoryStore()
      const logins = new Map([['ann', 1]])
      const site = es({ store })
      const mine = ours({ validate: (session) => session.login === logins.get(session.name) })
      mine.fill = (req) => { fill(req); req.session.login = logins.get('ann') }
      const [id, here] = await both(site, mine, (req) => req.sessionID, name)
      equal(here, 'ann', 'before')
      await promised((done) => store.destroy(id, done))
      logins.set('ann', 2)
      equal([await site.go(name), await mine.go(name)], [undefined, undefined], 'after')
    },
  },

  'client-sessions': {
    async lifetime() {
      for (const site of [cl({ duration: 86_400_000 }), ours({ maxAge: day })]) {
        await site.go(fill)
        equal([await lives(site, day - 600), await lives(site, 700)], [true, false], 'before and after a day')
      }
    },
    async rolling() {
      const site = cl({ duration: hour * 1000, activeDuration: 300_000 })
      await site.go(fill)
      const lived = [await lives(site, hour - 60), await lives(site, 300), await lives(site, hour)]
      equal(lived, [true, true, false], 'there')
      await rollsHere()
      equal(await rolls(ours({ idleTimeout: hour, maxAge: 2 * hour })), 'ended while it was used', 'here, past maxAge')
    },
    'until the browser closes': () => closes(cl({ cookie: { ephemeral: true } })),
    async "a session's own lifetime"() {
      const [site, mine] = [cl({ activeDuration: 0 }), ours()]
      const there = (req) => { req.session.setDuration(3_600_000, true) }
      await both(site, mine, there, limitTo(hour, { persistent: false }))
      for (const one of [site, mine]) {
        equal(persistent(one.line), false, 'whether the cookie is persistent')
        equal([await lives(one, hour - 60), await lives(one, 61)], [true, false], 'before and after an hour')
      }
    },
    'reset': () => ends(cl, (req) => req.session.reset(), clear),
    'reset, keeping some': () => keepsSome(cl(), (req) => req.session.reset(['lang'])),
    'a whole new session': () => replaced(cl),
    async requestKey() {
      const site = cl({ cookieName: 'other', requestKey: 'session' })
      await site.go(fill)
      equal([await site.go(name), Object.keys(site.lines)], ['ann', ['other']], 'there')
    },
    async 'outside of a request'() {
      const options = { cookieName: 'session', secret }
      const { encode, decode } = clientSessions.util
      outside(decode(options, encode(options, { name: 'ann' })).content)
    },
  },

  'koa-session': {
    'several keys': () => rotates(koa({}, [secret, other]), koa({}, [other])),
    'contents': () => readable(koa()),
    async lifetime() {
      await aDay(koa({ maxAge: 86_400_000 }))
      await sinceLastWritten(koa({ maxAge: hour * 1000 }))
    },
    'until the browser closes': () => closes(koa({ maxAge: 'session' })),
    async 'rolling, renew'() {
      for (const option of ['rolling', 'renew']) {
        equal(await rolls(koa({ [option]: true, maxAge: hour * 1000 })), 'ended when it was not used', option)
      }
      await rollsHere()
    },
    "a session's own lifetime": () => anHour(koa(), (ctx) => { ctx.session.maxAge = 3_600_000 }),
    'logout': () => ends(koa, setNull, clear),
    'a whole new session': () => replaced(koa),
    'isNew': () => answers(koa, (ctx) => ctx.session.isNew, isNewHere, true, false),
    'save, manuallyCommit': () => saves(koa(), (ctx) => { fill(ctx); ctx.session.save() }),
  },

  '@fastify/secure-session': {
    async 'get, set'() {
      await saves(secure(), (req) => { req.session.set('name', 'ann') })
      await alike('ann', secure(), (req) => req.session.get('name'), name)
    },
    async 'inside an object'() {
      for (const [site, count] of [[secure(), 1], [ours(), 2]]) {
        await site.go((req) => { req.session.cart = ['tea'] })
        await site.go((req) => { req.session.cart.push('milk') })
        equal(await site.go((req) => req.session.cart.length), count, 'what is in it')
      }
    },
    'data': () => alike({ name: 'ann' }, secure(), (req) => req.session.data(), whole),
    'delete': () => ends(secure, (req) => req.session.delete(), clear),
    'regenerate': () => keepsSome(secure(), (req) => req.session.regenerate(['lang'])),
    async lifetime() {
      await aDay(secure({ expiry: day }), false)
      await sinceLastWritten(secure({ expiry: hour }))
    },
    'touch': () => rewrites(secure(), (req) => { req.session.touch() }),
    'until the browser closes': () => closes(secure()),
    "a session's own lifetime": () => anHour(secure(), (req) => { req.session.options({ maxAge: hour }) }),
    "the key's file": () => alike('ann', secure({ key: bytes(secret) }), name, name, ours({}, bytes(secret))),
    'several keys': () => rotates(secure({ key: [bytes(secret), bytes(other)] }), secure({ key: bytes(other) })),
    async 'outside of a request'() {
      const { app } = secure()
      await app.ready()
      const value = app.encodeSecureSession(app.createSecureSession({ name: 'ann' }))
      outside(app.decodeSecureSession(value).data())
    },
  },
}

/** How many packages come along with one that is installed here. */
async function packagesBelow(name) {
  const { stdout } = await promisify(execFile)('npm', ['query', `#${name} *`], { cwd: import.meta.dirname })
  return JSON.parse(stdout).length
}

export async function comingFromRows(suite) {
  const texts = page.split(/^## /m).slice(1)
  const sections = Object.fromEntries(texts.map((text) => [text.split('\n', 1)[0], text]))
  await row(suite, 'coming-from.md', 'has a section for each library here', () => {
    equal(Object.keys(sections).filter((heading) => !/^(?:Moving|Compared)/.test(heading)), Object.keys(tables), 'sections')
  })
  await row(suite, 'coming-from.md', 'counts the packages that come along', async () => {
    const [names, counts] = [/^\| \| this \| (.*) \|$/m, /^\| packages \| 0 \| (.*) \|$/m]
      .map((line) => line.exec(sections.Compared)[1].split(' | '))
    const packages = names.map((name) => name.split(' ')[0])
    equal(names, packages.map((name) => `${name} ${dependencies[name]}`), 'versions')
    equal(counts.map(Number), await Promise.all(packages.map(packagesBelow)), 'packages')
  })
  for (const [library, table] of Object.entries(tables)) {
    await row(suite, library, 'has a check for each row of its table, and the version that is tried', () => {
      const section = sections[library]
      equal(/^Version (\d+\.\d+\.\d+)\./m.exec(section)?.[1], dependencies[library], 'version')
      const names = [...section.matchAll(/^\| ([^|]*) \|/gm)].map(([, cell]) => cell.replaceAll('`', '')).slice(1)
      equal(names, Object.keys(table), 'rows')
    })
    for (const [name, check] of Object.entries(table)) await row(suite, `coming from ${library}`, name, check)
  }
}

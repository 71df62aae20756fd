// coming-from.md: each row of its tables, tried on both sides.
import clientSessions from 'client-sessions'
import cookieSession from 'cookie-session'
import express from 'express'
import expressSession from 'express-session'
import { getIronSession, sealData, unsealData } from 'iron-session'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import supertest from 'supertest'
import { RequestSessions, SessionHandler } from './library.js'
import { equal, row } from './report.js'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'example', 'frameworks', 'coming-from.md'), 'utf8')
const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'))
const lock = JSON.parse(readFileSync(join(import.meta.dirname, 'package-lock.json'), 'utf8'))
const secret = 'a secret of these tests, which seals nothing that matters'
const other = 'another secret of these tests, older than the first one'
const hour = 3600
const day = 24 * hour

/** A browser of one site, whose cookies have names and lines. Time stands still but for what `wait` lets pass. */
class Site {
  lines = {}
  now = Date.UTC(2027, 0, 15, 8)

  constructor(...middleware) {
    this.app = express()
    this.app.set('env', 'test')
    for (const one of middleware) this.app.use(one)
    this.app.use((req, res) => this.act(req, res))
    this.app.use((error, req, res, next) => { res.status(500).end() })
  }

  wait(seconds) { this.now += seconds * 1000 }

  /** A request in which `act(req, res)` happens; gives what that returned, unless it answered by itself. */
  async go(act = () => {}) {
    let result, failure
    this.act = async (req, res) => {
      try {
        result = await act(req, res)
      } catch (error) {
        failure = error
      }
      res.end()
    }
    const cookie = Object.entries(this.lines).map(([name, line]) => `${name}=${/=([^;]*)/.exec(line)[1]}`).join('; ')
    mock.timers.enable({ apis: ['Date'], now: this.now })
    try {
      this.answer = await supertest(this.app).get('/').set('Cookie', cookie)
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

function ours(options = {}, keys = secret) {
  const sessions = new RequestSessions({ onEvent: () => {}, ...options })
  const handler = new SessionHandler(null, keys, sessions)
  const site = new Site(handler.attach)
  Object.defineProperty(site.app.request, 'session', sessions.accessor)
  return Object.assign(site, { sessions, handler })
}

const fill = (req) => { req.session.name = 'ann' }
const name = (req) => req.session?.name
const whole = (req) => ({ ...req.session })
/** Whether somebody who filled the session is still known after so long. */
const lives = async (site, seconds, act = name) => {
  site.wait(seconds)
  return await site.go(act) === 'ann'
}
const persistent = (line) => /max-age|expires/i.test(line)
const seconds = (line) => {
  const expires = /expires=([^;]*)/i.exec(line)?.[1]
  return Number(/max-age=(\d+)/i.exec(line)?.[1] ?? (Date.parse(expires) - Date.UTC(2027, 0, 15, 8)) / 1000)
}

/** Fills a session on each side, and lets each act on it; gives what was seen there and here. */
async function both(site, mine, there, here = there) {
  for (const one of [site, mine]) await one.go(fill)
  return [await site.go(there), await mine.go(here)]
}

const rolls = async (site, act) => {
  await site.go(fill)
  for (let i = 0; i < 3; i++) {
    site.wait(0.75 * hour)
    if (await site.go(act) !== 'ann') return 'ended while it was used'
  }
  return await lives(site, 2 * hour) ? 'never ended' : 'ended when it was not used'
}

const closes = async (site, mine) => {
  for (const one of [site, mine]) await one.go(fill)
  equal([persistent(site.line), persistent(mine.line)], [false, false], 'whether the cookies are persistent')
  equal([await lives(mine, day - 1), await lives(mine, 1)], [true, false], 'here, before and after maxAge')
}

const cs = (options = {}) => new Site(cookieSession({ name: 'other', keys: [secret], ...options }))
const es = (options = {}) =>
  new Site(expressSession({ name: 'other', secret, resave: false, saveUninitialized: false, ...options }))
const cl = (options = {}) => new Site(clientSessions({ cookieName: 'session', secret, ...options }))
const ironOptions = { password: secret, cookieName: 'other' }
const iron = (options = {}) => {
  const site = new Site(async (req, res, next) => {
    req.options = { ...ironOptions, ...options }
    req.session = await getIronSession(req, res, req.options)
    next()
  })
  return site
}
const save = async (req) => { fill(req); await req.session.save() }
const promised = (act) => new Promise((resolve, reject) => act((error) => error ? reject(error) : resolve()))

const tables = {
  'cookie-session': {
    async 'several keys'() {
      for (const [make, older] of [
        [(keys) => cs({ keys }), cs({ keys: [other] })],
        [(keys) => ours({}, keys), ours({}, [other])],
      ]) {
        await older.go(fill)
        const site = make([secret, other])
        site.lines = older.lines
        equal(await site.go(name), 'ann', 'with both keys')
        await site.go((req) => { req.session.more = 1 })
        const newest = make([secret])
        newest.lines = site.lines
        equal(await newest.go(name), 'ann', 'written again, with the newest key')
      }
    },
    async contents() {
      const [site, mine] = [cs(), ours()]
      await both(site, mine, name)
      const readable = ({ line }) => Buffer.from(/=([^;]*)/.exec(line)[1], 'base64').includes('ann')
      equal([readable(site), readable(mine)], [true, false], 'whether the name is in the cookie')
    },
    async lifetime() {
      const [site, mine] = [cs({ maxAge: 86_400_000 }), ours({ maxAge: day })]
      await both(site, mine, name)
      equal([seconds(site.line), seconds(mine.line)].every((one) => Math.abs(one - day) < 60), true,
        `a day, in ${site.line} and ${mine.line}`)
      equal([await lives(mine, day - 1), await lives(mine, 1)], [true, false], 'here, before and after maxAge')
    },
    'until the browser closes': () => closes(cs(), ours({ persistent: false })),
    async rolling() {
      const site = cs({ maxAge: hour * 1000 })
      await site.go(fill)
      await site.go((req) => { req.session.last = randomUUID() })
      equal(site.sent.length > 0, true, 'whether a change sends the cookie again')
      equal(await rolls(ours({ idleTimeout: hour }), name), 'ended when it was not used', 'here')
    },
    async "a session's own lifetime"() {
      const [site, mine] = [cs({ maxAge: 86_400_000 }), ours()]
      await site.go((req) => { fill(req); req.sessionOptions.maxAge = 3_600_000 })
      await mine.go((req) => { fill(req); mine.sessions.limit(req, { maxAge: hour }) })
      equal([seconds(site.line), seconds(mine.line)].every((one) => Math.abs(one - hour) < 60), true, 'an hour')
      equal([await lives(mine, hour - 1), await lives(mine, 1)], [true, false], 'here, before and after it')
    },
    async logout() {
      for (const act of [(req) => { req.session = null }, (req) => { mine.sessions.clear(req) }]) {
        var mine = ours()
        const site = cs()
        await both(site, mine, (req) => { req.session = null }, act)
        equal([site.lines.other, mine.lines.session], [undefined, undefined], 'cookies')
      }
    },
    'a whole new session': () => replaced(cs),
    async isNew() {
      const [site, mine] = [cs(), ours()]
      const here = (req) => mine.sessions.info(req) === undefined
      equal([await site.go((req) => req.session.isNew), await mine.go(here)], [true, true], 'at first')
      equal(await both(site, mine, (req) => req.session.isNew, here), [false, false], 'later')
    },
    async isPopulated() {
      const [site, mine] = [cs(), ours()]
      const here = (req) => Object.keys(req.session).length > 0
      equal([await site.go((req) => req.session.isPopulated), await mine.go(here)], [false, false], 'at first')
      equal(await both(site, mine, (req) => req.session.isPopulated, here), [true, true], 'later')
    },
    async 'a Date'() {
      const [site, mine] = [cs(), ours()]
      await site.go((req) => { req.session.at = new Date(0) })
      equal(await site.go((req) => req.session.at), new Date(0).toISOString(), 'what comes back there')
      await mine.go((req) => { req.session.at = new Date(0) })
      equal([mine.answer.status, mine.line], [500, undefined], 'here')
      await mine.go((req) => { req.session.at = new Date(0).getTime(); req.session.text = new Date(0).toISOString() })
      equal(await mine.go(whole), { at: 0, text: new Date(0).toISOString() }, 'what comes back here')
    },
  },

  'iron-session': {
    async reading() {
      const [site, mine] = [iron(), ours()]
      await site.go(save)
      await mine.go(fill)
      equal([await site.go(async (req, res) => (await getIronSession(req, res, ironOptions)).name),
        await mine.go((req) => mine.sessions.get(req).name)], ['ann', 'ann'], 'names')
    },
    async save() {
      const [site, mine] = [iron(), ours()]
      await site.go(save)
      await mine.go(fill)
      equal([site.sent.length, mine.sent.length], [1, 1], 'cookies')
    },
    async 'knowing that it fits'() {
      const mine = ours()
      const large = (req) => { req.session.large = 'x'.repeat(5000) }
      const thrown = async (act) => { try { await act() } catch { return true } }
      equal(await iron().go((req) => { large(req); return thrown(() => req.session.save()) }), true, 'there')
      equal(await mine.go((req) => { large(req); return thrown(() => mine.sessions.check(req)) }), true, 'here')
    },
    async destroy() {
      const [site, mine] = [iron(), ours()]
      await site.go(save)
      await mine.go(fill)
      await site.go((req) => req.session.destroy())
      await mine.go((req) => mine.sessions.clear(req))
      equal([site.line, mine.line], [undefined, undefined], 'cookies')
    },
    async ttl() {
      const [site, mine] = [iron({ ttl: hour }), ours({ maxAge: hour })]
      for (const one of [site, mine]) {
        const act = one === site ? save : fill
        await one.go(act)
        one.wait(hour / 2)
        await one.go(async (req) => { req.session.again = 1; await req.session.save?.() })
      }
      equal([await lives(site, hour - 120), await lives(mine, hour / 2)], [true, false], 'after another half hour')
      equal(await rolls(ours({ idleTimeout: hour }), name), 'ended when it was not used', 'idleTimeout')
      const unset = [iron(), ours()]
      await unset[0].go(save)
      await unset[1].go(fill)
      equal(unset.map(({ line }) => Math.round(seconds(line) / day)), [14, 1], 'days, unless set')
    },
    async 'until the browser closes'() {
      const [site, mine] = [iron({ cookieOptions: { maxAge: undefined } }), ours({ persistent: false })]
      await site.go(save)
      await mine.go(fill)
      equal([persistent(site.line), persistent(mine.line)], [false, false], 'whether the cookies are persistent')
    },
    async "a session's own lifetime"() {
      const [site, mine] = [iron(), ours()]
      await site.go(async (req) => { req.session.updateConfig({ ...req.options, ttl: hour }); await save(req) })
      await mine.go((req) => { fill(req); mine.sessions.limit(req, { maxAge: hour }) })
      equal([site, mine].map(({ line }) => Math.round(seconds(line) / hour)), [1, 1], 'hours')
    },
    async 'several passwords'() {
      const [older, site] = [iron({ password: { 1: other } }), iron({ password: { 2: secret, 1: other } })]
      await older.go(save)
      site.lines = older.lines
      const [mineOlder, mine] = [ours({}, other), ours({}, [secret, other])]
      await mineOlder.go(fill)
      mine.lines = mineOlder.lines
      equal([await site.go(name), await mine.go(name)], ['ann', 'ann'], 'names')
    },
    async 'outside of a request'() {
      const seal = await sealData({ name: 'ann' }, { password: secret })
      const { handler } = ours()
      const here = { ...handler.decodeCookie(handler.encodeCookie({ name: 'ann' })) }
      equal([await unsealData(seal, { password: secret }), here], [{ name: 'ann' }, { name: 'ann' }], 'what came back')
    },
    async 'a web Response'() {
      const response = new Response()
      const session = await getIronSession(new Request('https://example.com'), response, ironOptions)
      session.name = 'ann'
      await session.save()
      equal(response.headers.getSetCookie().length, 1, 'cookies there')
      const { handler } = ours()
      const mine = new Response(null, { headers: { 'Set-Cookie': handler.encodeSetCookie({ name: 'ann' }) } })
      const [, value] = /^session=([^;]*); /.exec(mine.headers.getSetCookie()[0])
      equal({ ...handler.decodeCookie(value) }, { name: 'ann' }, 'here')
    },
  },

  'express-session': {
    async 'reading and changing'() {
      equal(await both(es(), ours(), name), ['ann', 'ann'], 'names')
    },
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
      const created = (req) => mine.sessions.info(req).createdAt.getTime()
      const [old, oldHere] = await both(site, mine, (req) => req.sessionID, created)
      mine.wait(60)
      await site.go(async (req) => {
        await promised((done) => req.session.regenerate(done))
        req.session.role = 'admin'
      })
      await mine.go((req) => { mine.sessions.clear(req); req.session.role = 'admin' })
      equal([await site.go(name), await mine.go(whole)], [undefined, { role: 'admin' }], 'what is left')
      equal([await site.go((req) => req.sessionID) === old, await mine.go(created) === oldHere], [false, false],
        'whether it is the old one')
    },
    async destroy() {
      for (const act of [(req) => { req.session = null }, (req, mine) => { mine.sessions.clear(req) }]) {
        const [site, mine] = [es(), ours()]
        await both(site, mine, (req) => promised((done) => req.session.destroy(done)), (req) => act(req, mine))
        equal([await site.go(name), await mine.go(name), mine.line], [undefined, undefined, undefined], 'what is left')
      }
    },
    async save() {
      const [site, mine] = [es(), ours()]
      await site.go(async (req) => { fill(req); await promised((done) => req.session.save(done)) })
      await mine.go((req) => { fill(req); mine.sessions.check(req) })
      equal([await site.go(name), await mine.go(name)], ['ann', 'ann'], 'names')
    },
    async reload() {
      const [site, mine] = [es(), ours()]
      equal(await both(site, mine, async (req) => {
        req.session.name = 'bob'
        await promised((done) => req.session.reload(done))
        return req.session.name
      }, (req) => {
        const copy = structuredClone({ ...req.session })
        req.session.name = 'bob'
        mine.sessions.set(req, copy)
        return req.session.name
      }), ['ann', 'ann'], 'names')
      equal(mine.sent, [], 'cookies: nothing changed')
    },
    async 'touch, rolling'() {
      const site = es({ rolling: true, cookie: { maxAge: hour * 1000 } })
      await site.go(fill)
      await site.go(name)
      equal(site.sent.length, 1, 'a cookie for a read')
      await es().go((req) => { fill(req); req.session.touch() })
      equal(await rolls(ours({ idleTimeout: hour }), name), 'ended when it was not used', 'here')
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
    async 'cookie.maxAge of one session'() {
      const [site, mine] = [es(), ours()]
      await site.go((req) => { fill(req); req.session.cookie.maxAge = 3_600_000 })
      await mine.go((req) => { fill(req); mine.sessions.limit(req, { maxAge: hour }) })
      equal([persistent(site.line), Math.round(seconds(mine.line) / hour)], [true, 1], 'hours')
    },
    'until the browser closes': () => closes(es(), ours({ persistent: false })),
    async 'when it ends'() {
      const [site, mine] = [es({ cookie: { maxAge: hour * 1000 } }), ours({ maxAge: hour })]
      const here = (req) => mine.sessions.info(req)?.expiresAt
      const ends = await both(site, mine, (req) => req.session.cookie.expires, here)
      equal(ends.map((end) => end instanceof Date), [true, true], 'times')
    },
    async "ending somebody's sessions"() {
      const store = new expressSession.MemoryStore()
      const site = es({ store })
      await site.go(fill)
      const id = await site.go((req) => req.sessionID)
      await promised((done) => store.destroy(id, done))
      const logins = new Map([['ann', 1]])
      const mine = ours({ validate: (session) => session.login === logins.get(session.name) })
      await mine.go((req) => { fill(req); req.session.login = logins.get('ann') })
      equal(await mine.go(name), 'ann', 'before')
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
      equal(await rolls(ours({ idleTimeout: hour }), name), 'ended when it was not used', 'here')
      const mine = ours({ idleTimeout: hour, maxAge: 2 * hour })
      equal(await rolls(mine, name), 'ended while it was used', 'here, past maxAge')
    },
    'until the browser closes': () => closes(cl({ cookie: { ephemeral: true } }), ours({ persistent: false })),
    async "a session's own lifetime"() {
      const [site, mine] = [cl({ activeDuration: 0 }), ours()]
      await site.go(fill)
      await site.go((req) => { req.session.setDuration(3_600_000, true) })
      await mine.go((req) => { fill(req); mine.sessions.limit(req, { maxAge: hour, persistent: false }) })
      for (const one of [site, mine]) {
        equal(persistent(one.line), false, 'whether the cookie is persistent')
        equal([await lives(one, hour - 60), await lives(one, 61)], [true, false], 'before and after an hour')
      }
    },
    async reset() {
      const [site, mine] = [cl(), ours()]
      await both(site, mine, (req) => req.session.reset(), (req) => mine.sessions.clear(req))
      equal([await site.go(name), await mine.go(name)], [undefined, undefined], 'what is left')
    },
    async 'reset, keeping some'() {
      const [site, mine] = [cl(), ours()]
      for (const one of [site, mine]) await one.go((req) => { fill(req); req.session.lang = 'de' })
      await site.go((req) => req.session.reset(['lang']))
      await mine.go((req) => {
        const { lang } = req.session; mine.sessions.clear(req); req.session.lang = lang
      })
      equal([await site.go(whole), await mine.go(whole)], [{ lang: 'de' }, { lang: 'de' }], 'what is left')
    },
    'a whole new session': () => replaced(cl),
    async requestKey() {
      const site = cl({ cookieName: 'other', requestKey: 'session' })
      await site.go(fill)
      equal([await site.go(name), Object.keys(site.lines)], ['ann', ['other']], 'there')
    },
    async 'outside of a request'() {
      const options = { cookieName: 'session', secret }
      const { handler } = ours()
      const { encode, decode } = clientSessions.util
      const there = decode(options, encode(options, { name: 'ann' })).content
      const here = { ...handler.decodeCookie(handler.encodeCookie({ name: 'ann' })) }
      equal([there, here], [{ name: 'ann' }, { name: 'ann' }], 'what came back')
    },
  },
}

async function replaced(there) {
  for (const act of [
    (req) => { req.session = { name: 'bob' } },
    (req, mine) => { mine.sessions.set(req, { name: 'bob' }) },
  ]) {
    const [site, mine] = [there(), ours()]
    await both(site, mine, (req) => { req.session = { name: 'bob' } }, (req) => act(req, mine))
    equal([await site.go(name), await mine.go(name)], ['bob', 'bob'], 'names')
  }
}

/** The packages of the lock file that a package needs, and those need. */
function packagesBelow(path, found = new Set()) {
  for (const name of Object.keys(lock.packages[path].dependencies ?? {})) {
    let at = path
    while (lock.packages[`${at}/node_modules/${name}`] === undefined && at.includes('/node_modules/')) {
      at = at.slice(0, at.lastIndexOf('/node_modules/'))
    }
    const below = [`${at}/node_modules/${name}`, `node_modules/${name}`].find((one) => lock.packages[one] !== undefined)
    if (found.has(below)) continue
    found.add(below)
    packagesBelow(below, found)
  }
  return found
}

export async function comingFromRows(suite) {
  const texts = page.split(/^## /m).slice(1)
  const sections = Object.fromEntries(texts.map((text) => [text.split('\n', 1)[0], text]))
  await row(suite, 'coming-from.md', 'has a section for each library here', () => {
    equal(Object.keys(sections), [...Object.keys(tables), 'Compared'], 'sections')
  })
  await row(suite, 'coming-from.md', 'counts the packages that come along', () => {
    const counts = /^\| packages \| (.*) \|$/m.exec(sections.Compared)[1].split(' | ').map(Number)
    const names = ['cookie-session', 'iron-session', 'express-session', 'client-sessions']
    equal(counts, [0, ...names.map((name) => packagesBelow(`node_modules/${name}`).size)], 'packages')
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

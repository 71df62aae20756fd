import { request as plainRequest } from 'node:http'
import { request } from 'node:https'
import { until } from '../browser/until.js'
import { exchange } from './exchange.js'

/** What became of all requests. Each page view is right, lost or mixed up; each change shows in the next page view. */
export class Tally {
  right = 0 // showed just what this visitor had left there
  lost = 0 // showed an empty session, or an older one
  mixed = 0 // showed something of another visitor
  changed = 0 // answered by the site; what it left is for the next page view to show
  unanswered = { GET: 0, POST: 0 } // 502, 503, 504 or a connection that broke: not what was asked for
  reasons = [] // of the latest of them
}

/** One browser with one cookie, which does one thing after the other and knows what it must see next. */
export class Visitor {
  #origin
  #agent
  #random
  #tally
  #thefts
  #expected = {}
  #maybeOut = false // a logout was sent, and no answer came
  cookie

  constructor(name, note, { origin, agent, random, tally, thefts }) {
    this.name = name
    this.note = note
    this.#origin = new URL(origin)
    this.#agent = agent
    this.#random = random
    this.#tally = tally
    this.#thefts = thefts
  }

  get loggedIn() { return this.#expected.name !== undefined }

  /** Logs in, and leaves a note. Anything that it meets later under another name is somebody else's. */
  async signIn() {
    await this.post('/login', { name: this.name })
    if (this.loggedIn) await this.post('/', { note: `${this.name}: ${this.note}` })
  }

  /** Logs in, as often as it takes while machines or Redis are away. */
  getIn() {
    return until(async () => {
      await this.signIn()
      return this.loggedIn
    }, `${this.name} is in`)
  }

  /** One page view or one change, as chance has it; now and then it logs out, and comes back. */
  async step() {
    const chance = this.#random()
    if (!this.loggedIn) await this.signIn()
    else if (this.#maybeOut || chance < 0.65) await this.view()
    else if (chance < 0.95) await this.post('/', { note: `${this.name}: ${this.#random()} ${this.note}` })
    else await this.logOut()
  }

  /** Logs out, after somebody copied the cookie. */
  async logOut(path = '/logout') {
    const { cookie } = this
    const answer = await this.post(path, {})
    if (answer.status === 303) this.#thefts.push({ cookie, user: this.name, at: performance.now() })
    return answer
  }

  async view() {
    const answer = await this.send('GET', '/')
    if (answer.status !== 200) return this.#unanswered('GET', answer)
    if (this.loggedIn) this.#expected.views++ // the cookie came with the headers, and counts even if the body broke off
    if (answer.body === undefined) return this.#unanswered('GET', answer)
    answer.visit = visitIn(answer)
    this.#judge(answer.visit)
    return answer
  }

  async post(path, fields) {
    const answer = await this.send('POST', path, new URLSearchParams(fields).toString())
    // 503: logged out in this browser, though Redis could not be told.
    if (path.startsWith('/logout') && answer.status === 503) this.#expected = {}
    // Else no answer, so no cookie: the session is as it was, in this browser and so everywhere. Only a logout may have
    // been stored before its answer got lost.
    if (answer.status !== 303) {
      if (path.startsWith('/logout')) this.#maybeOut = true
      return this.#unanswered('POST', answer)
    }
    if (path === '/login') this.#expected = { name: this.name, views: 0 }
    else if (path.startsWith('/logout')) this.#expected = {}
    else this.#expected = { ...this.#expected, ...fields }
    if (path !== '/') this.#maybeOut = false
    this.#tally.changed++
    return answer
  }

  #judge({ name, note, views }) {
    const expected = this.#expected
    const out = name === undefined && this.#maybeOut
    this.#maybeOut = false
    if (out) this.#expected = {}
    else if (name !== expected.name || note !== expected.note || views !== expected.views) {
      const own = (name ?? this.name) === this.name && (note === undefined || note.startsWith(`${this.name}: `))
      if (own) this.#tally.lost++
      else this.#tally.mixed++
      this.#expected = name === undefined ? {} : { name, note, views } // each loss is counted once
      return
    }
    this.#tally.right++
  }

  #unanswered(method, answer) {
    // Anything but a proxy without a machine, or a site without Redis, is a fault that this client was not made for.
    if (answer.status !== undefined && ![200, 502, 503, 504].includes(answer.status)) {
      throw new Error(`${this.name}: ${method} was answered ${answer.status}`)
    }
    this.#tally.unanswered[method]++
    this.#tally.reasons = [...this.#tally.reasons.slice(-9), answer.status ?? answer.error ?? 'cut off']
    return answer
  }

  /** Goes to a machine itself, and not to nginx; what becomes of the session is for the caller to judge. */
  sendTo(port, method, path, body) {
    return this.#exchange(plainRequest, { host: '127.0.0.1', port, agent: false, proxied: true, method, path, body })
  }

  postTo(port, path, body = '') { return this.sendTo(port, 'POST', path, body) }

  /** The browser is closed: no cookie, and nothing to be expected. */
  forget() {
    this.cookie = undefined
    this.#expected = {}
  }

  send(method, path, body, accept) {
    const { hostname: host, port } = this.#origin
    return this.#exchange(request, { host, port, agent: this.#agent, method, path, body, accept })
  }

  /** With a jar for a single cookie, whose line counts even if the body breaks off. */
  async #exchange(request, options) {
    const answer = await exchange(request, { ...options, cookie: this.cookie })
    for (const line of answer.headers?.['set-cookie'] ?? []) {
      const [pair, ...attributes] = line.split('; ')
      this.cookie = attributes.includes('Max-Age=0') ? undefined : pair
    }
    return answer
  }
}

/** What a page view shows of the session: nothing when it is the login form. */
export function visitIn({ headers, body }) {
  if (headers['content-type'] !== 'application/json') return {}
  const { login, ...visit } = JSON.parse(body)
  return { ...visit, name: login.user }
}

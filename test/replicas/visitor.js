import { request } from 'node:https'

/** What became of all requests. Each page view is right, lost or mixed up; each change shows in the next page view. */
export class Tally {
  right = 0 // showed just what this visitor had left there
  lost = 0 // showed an empty session, or an older one
  mixed = 0 // showed something of another visitor
  changed = 0 // answered by the site; what it left is for the next page view to show
  unanswered = { GET: 0, POST: 0 } // 502, 504 or a connection that broke: no answer of the site
}

/** One browser with one cookie, which does one thing after the other and knows what it must see next. */
export class Visitor {
  #origin
  #agent
  #random
  #tally
  #expected = {}
  cookie

  constructor(name, note, { origin, agent, random, tally }) {
    this.name = name
    this.note = note
    this.#origin = new URL(origin)
    this.#agent = agent
    this.#random = random
    this.#tally = tally
  }

  /** Says who it is, and leaves a note. Anything that it meets later under another name is somebody else's. */
  async signIn() {
    await this.post('/', { name: this.name, note: `${this.name}: ${this.note}` })
  }

  /** One page view or one change, as chance has it; now and then it has itself forgotten, and comes back. */
  async step() {
    const chance = this.#random()
    if (this.#expected.name === undefined) await this.signIn()
    else if (chance < 0.65) await this.view()
    else if (chance < 0.95) await this.post('/', { note: `${this.name}: ${this.#random()} ${this.note}` })
    else await this.post('/forget', {})
  }

  async view() {
    const views = (this.#expected.views ?? 0) + 1
    const answer = await this.send('GET', '/')
    if (answer.status !== 200) return this.#unanswered('GET', answer)
    this.#expected.views = views // the cookie came with the headers, so it counts even if the body broke off
    if (answer.body === undefined) return this.#unanswered('GET', answer)
    answer.visit = JSON.parse(answer.body)
    this.#judge(answer.visit)
    return answer
  }

  async post(path, fields) {
    const answer = await this.send('POST', path, new URLSearchParams(fields).toString())
    // No answer, so no cookie: the session is as it was, in this browser and so everywhere.
    if (answer.status !== 303) return this.#unanswered('POST', answer)
    this.#expected = path === '/forget' ? {} : { ...this.#expected, ...fields }
    this.#tally.changed++
    return answer
  }

  #judge({ name, note, views }) {
    const expected = this.#expected
    if (name === expected.name && note === expected.note && views === expected.views) return void this.#tally.right++
    const own = (name ?? this.name) === this.name && (note === undefined || note.startsWith(`${this.name}: `))
    if (own) this.#tally.lost++
    else this.#tally.mixed++
    this.#expected = { name, note, views } // each loss is counted once
  }

  #unanswered(method, answer) {
    // Anything but a proxy without a machine is a fault that this client was not made for.
    if (answer.status !== undefined && ![200, 502, 504].includes(answer.status)) {
      throw new Error(`${this.name}: ${method} was answered ${answer.status}`)
    }
    this.#tally.unanswered[method]++
    return answer
  }

  send(method, path, body, accept = 'application/json') {
    return new Promise((resolve) => {
      const req = request({
        method,
        path,
        host: this.#origin.hostname,
        port: this.#origin.port,
        agent: this.#agent,
        timeout: 30_000,
        headers: {
          accept,
          ...(body !== undefined && {
            'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body),
          }),
          ...(this.cookie !== undefined && { cookie: this.cookie }),
        },
      })
      req.on('timeout', () => req.destroy())
      req.on('error', () => resolve({}))
      req.on('response', (res) => {
        const status = res.statusCode
        this.#keep(res.headers['set-cookie'] ?? [])
        let text = ''
        res.setEncoding('utf8').on('data', (part) => { text += part })
        res.on('close', () => resolve({ status, headers: res.headers, body: res.complete ? text : undefined }))
      })
      req.end(body)
    })
  }

  /** A jar for a single cookie. */
  #keep(lines) {
    for (const line of lines) {
      const [pair, ...attributes] = line.split('; ')
      this.cookie = attributes.includes('Max-Age=0') ? undefined : pair
    }
  }
}

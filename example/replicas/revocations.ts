import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { client, type Redis, within } from './redis.js'
import { everySession, margin, now, Revoked } from './revoked.js'

const key = 'revoked' // the sorted set of all entries by their end, and the channel on which new ones are told
const mark = 'revoked:mark' // random, set anew when Redis has lost its data and got it back
const page = 1_000 // entries sent or read at once
const beat = 250 // milliseconds from one sign of life to the next
const patience = 2_000 // milliseconds until a connection that says nothing counts as lost
const pagePatience = 10_000 // milliseconds, where a whole page is on its way
const grace = 3_000 // milliseconds in which processes that know more give an empty Redis its data back

type Entry = [what: string, until: number]

/** What was revoked anywhere, known in every process: stored in Redis, told to all, and looked up in memory. */
export class Revocations {
  readonly known = new Revoked()
  readonly #unsent = new Map<string, number>() // what Redis has not confirmed yet
  #redis: Redis | undefined
  #heardAll = 0
  #nextDrop = 0
  #away = false

  /** Resolves when everything that was revoked so far is known, however long Redis is away. */
  static async start(url: string, say: (news: string) => void): Promise<Revocations> {
    const revocations = new Revocations()
    await new Promise<void>((filled) => void revocations.#keepUp(url, say, filled))
    return revocations
  }

  /** Unix milliseconds: what was revoked before then is known here. */
  get heardAll(): number { return this.#heardAll }

  /** @throws when Redis is away */
  get redis(): Redis {
    if (!this.#redis) throw new Error('Redis is away')
    return this.#redis
  }

  /** Resolves once Redis has it. When that fails this process knows it all the same, and goes on trying. */
  async revoke(what: string, until: number): Promise<void> {
    this.known.add(what, until)
    this.#unsent.set(what, until)
    await this.#store([[what, until]])
  }

  /** "Log out everywhere": ends all sessions that the user has now. `lifetime` is how long the newest could last. */
  async revokeAll(user: string, lifetime: number): Promise<void> {
    await this.revoke(everySession(user), Math.max(now() + lifetime, await this.numberOf(user) + 1))
  }

  /** The number for a new login. Redis is asked: news of a "log out everywhere" just before may still be on its way. */
  async numberOf(user: string): Promise<number> {
    try {
      this.known.add(everySession(user), await within(patience, this.redis.zScore(key, everySession(user))) ?? 0)
    } catch {} // what is known has to do
    return this.known.until(everySession(user))
  }

  async #keepUp(url: string, say: (news: string) => void, filled: () => void): Promise<never> {
    for (let first = true; ; await delay(beat, undefined, { ref: false })) {
      const [redis, news] = [client(url), client(url)]
      try {
        await within(patience, Promise.all([redis.connect(), news.connect()]))
        await this.#listen(news) // before anything is read: what comes in between is heard
        await this.#compare(redis)
        await this.#load(redis)
        if (first && !(await within(patience, redis.exists(mark)))) await delay(grace)
        this.#redis = redis
        await this.#sendBack()
        await within(patience, redis.set(mark, randomUUID(), { condition: 'NX' }))
        const data = await within(patience, redis.get(mark))
        for (;; await delay(beat, undefined, { ref: false })) {
          await this.#beat(redis, news, data)
          if (this.#away) say(`Redis is back, ${this.known.size} revocations are known`)
          this.#away = first = false
          filled()
        }
      } catch (error) {
        if (!this.#away) say(`Redis is away (${(error as Error).message}), ${this.known.size} revocations are known`)
        this.#away = true
      } finally {
        this.#redis = undefined
        for (const each of [redis, news]) if (each.isOpen) each.destroy()
      }
    }
  }

  async #listen(news: Redis): Promise<void> {
    await within(patience, news.subscribe(key, (message) => {
      for (const [what, until] of JSON.parse(message) as Entry[]) this.known.add(what, until)
    }))
  }

  /** Notes what Redis should have and has not: it was restarted empty, or with data of a while ago. */
  async #compare(redis: Redis): Promise<void> {
    for (const entries of pages(this.known.entries())) {
      const stored = await within(pagePatience, redis.zmScore(key, entries.map(([what]) => what)))
      for (const [index, [what, until]] of entries.entries()) {
        if ((stored[index] ?? 0) < until) this.#unsent.set(what, until)
      }
    }
  }

  async #load(redis: Redis): Promise<void> {
    // From the last to end to the first: entries that end meanwhile, and are dropped, shift none that is still to come.
    for (let start = 0, length = page; length === page; start += page) {
      const entries = await within(pagePatience, redis.zRangeWithScores(key, start, start + page - 1, { REV: true }))
      for (const { value, score } of entries) this.known.add(value, score)
      length = entries.length
    }
  }

  /** Sends what Redis has not confirmed: after a logout that could not be stored, and after a loss of its data. */
  async #sendBack(): Promise<void> {
    for (const entries of pages(this.#unsent)) await this.#store(entries)
  }

  /** Stores entries and tells them, both or none. */
  async #store(entries: Entry[]): Promise<void> {
    const members = entries.map(([value, score]) => ({ value, score }))
    const transaction = this.redis.multi().zAdd(key, members, { GT: true }).publish(key, JSON.stringify(entries))
    await within(entries.length > 1 ? pagePatience : patience, transaction.exec())
    for (const [what] of entries) this.#unsent.delete(what)
  }

  /** Proves that both connections live, and that Redis still has its data. */
  async #beat(redis: Redis, news: Redis, data: string | null): Promise<void> {
    const asked = Date.now()
    // The answers of one connection come in order: with this one, all that was told before it was asked for is heard.
    const [marked] = await within(patience, Promise.all([redis.get(mark), news.ping()]))
    if (marked !== data) throw new Error('it has lost its data')
    await this.#sendBack()
    this.#heardAll = asked
    if (this.#nextDrop > asked) return
    this.#nextDrop = asked + 60_000
    this.known.drop()
    await within(patience, redis.zRemRangeByScore(key, '-inf', now() - margin))
  }
}

function* pages(entries: Iterable<Entry>): Generator<Entry[]> {
  let some: Entry[] = []
  for (const entry of entries) {
    if (some.push(entry) < page) continue
    yield some
    some = []
  }
  if (some.length > 0) yield some
}

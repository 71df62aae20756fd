import { createHash } from 'node:crypto'
import { Agent } from 'node:https'
import { during, until } from '../browser/until.js'
import { Tally, Visitor } from './visitor.js'

/** Hundreds of visitors, a few of them at work at any time. */
export class Crowd {
  tally = new Tally()
  thefts = [] // cookies that somebody copied before a logout, and when that was answered
  visitors
  #origin
  #agent
  #random
  #steps = 0

  constructor({ origin, authority, count, seed }) {
    this.#origin = origin
    this.#random = seeded(seed)
    // Connections to nginx are kept, as browsers do; its certificate is checked against our own authority.
    this.#agent = new Agent({ ca: authority, keepAlive: true, maxSockets: 12 })
    this.visitors = Array.from({ length: count }, (_, index) => (
      // Every tenth has a session near the limit of what a cookie can hold.
      this.visitor(`visitor-${index}`, index % 10 === 0 ? 'x'.repeat(2700) : 'hello')
    ))
  }

  visitor(name, note) {
    const [origin, agent, random] = [this.#origin, this.#agent, this.#random]
    return new Visitor(name, note, { origin, agent, random, tally: this.tally, thefts: this.thefts })
  }

  /** Has every visitor do something, 12 at a time, in an order of chance. */
  async round(act = (visitor) => visitor.step()) {
    const queue = this.visitors.map((visitor) => [this.#random(), visitor]).sort(([a], [b]) => a - b)
    await Promise.all(Array.from({ length: 12 }, async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        await act(next[1])
        this.#steps++
      }
    }))
  }

  /** Rounds, one after the other, for as long as something else goes on, and one more when it is over. */
  async during(event) {
    await during(event, () => this.round())
    await this.round()
  }

  /** Resolves when so many more steps have been made by the rounds that go on. */
  async someSteps(count) {
    const enough = this.#steps + count
    await until(() => this.#steps >= enough, `${count} more steps were made`, 60)
  }

  leave() { this.#agent.destroy() }
}

/** Numbers from 0 to 1 that are the same in each run with the same seed. */
function seeded(seed) {
  let count = 0
  return () => createHash('sha256').update(`${seed} ${count++}`).digest().readUInt32BE() / 2 ** 32
}

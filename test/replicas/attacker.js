import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { during } from '../browser/until.js'
import { exchange } from './exchange.js'

const allowed = 1_000 // milliseconds after the answer to a logout in which a copy of the cookie may still be good

/**
 * Sends cookies of people who have logged out to each process of each machine, past nginx.
 * It asks a page that tells which process answered.
 */
export class Attacker {
  replays = 0
  tooLate = [] // replays that were accepted when they must not be
  #ports
  #thefts
  #next = 0

  constructor(ports, thefts) {
    this.#ports = ports
    this.#thefts = thefts
  }

  /** Tries a cookie once, and tells who answered and whether it was let in. */
  async replay({ cookie, user }, port, agent) {
    this.replays++
    const sent = performance.now()
    const { status, body } = await get(port, agent, cookie)
    if (status !== 200) return { sent, accepted: false }
    const accepted = body.startsWith('{')
    if (accepted) assert.equal(JSON.parse(body).login.user, user)
    return { sent, accepted, process: Number(accepted ? JSON.parse(body).process : /process (\d+)/.exec(body)[1]) }
  }

  /** Replays stolen cookies, now the latest ones and now those of long ago, as long as something else goes on. */
  during(event) {
    return during(event, async () => {
      const { length } = this.#thefts
      const back = this.#next++ % 2 ? this.#next % Math.max(1, length) : this.#next % 16
      const theft = this.#thefts[length - 1 - back]
      if (theft) await Promise.all(this.#ports.map((port) => this.#demandRefusal(theft, port).catch(() => {})))
      await new Promise((resolve) => setTimeout(resolve, 10))
    })
  }

  /** Replays every stolen cookie on every process that there is. */
  async everywhere(processes = 2) {
    const { length } = this.#thefts
    await Promise.all(this.#ports.map(async (port) => {
      const connections = await this.connections(port, processes)
      await Promise.all(connections.map(async (agent) => {
        for (const theft of this.#thefts.slice(0, length)) await this.#demandRefusal(theft, port, agent)
        agent.destroy()
      }))
    }))
    return length
  }

  async #demandRefusal(theft, port, agent) {
    const { sent, accepted, process } = await this.replay(theft, port, agent)
    if (accepted && sent > theft.at + allowed) {
      this.tooLate.push({ user: theft.user, port, process, milliseconds: Math.round(sent - theft.at) })
    }
  }

  /** A connection that stays with each process of a machine. */
  async connections(port, processes = 2) {
    const found = new Map()
    for (let tries = 0; found.size < processes; tries++) {
      assert(tries < 200, `only ${found.size} processes answer at port ${port}`)
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const process = await this.health(port, agent).then(({ process }) => process, () => undefined)
      if (process !== undefined && !found.has(process)) found.set(process, agent)
      else agent.destroy()
      if (process === undefined) await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return [...found.values()]
  }

  /** What each process of a machine says of itself. */
  async healths(port) {
    const connections = await this.connections(port)
    const healths = await Promise.all(connections.map((agent) => this.health(port, agent)))
    for (const agent of connections) agent.destroy()
    return healths
  }

  /** What a process says of itself. */
  async health(port, agent) {
    return JSON.parse((await get(port, agent, undefined, '/health')).body)
  }
}

/** Asks a machine as nginx does. */
async function get(port, agent = false, cookie, path = '/') {
  const { status, body, error } = await exchange(request, { port, agent, cookie, path, proxied: true })
  if (body === undefined) throw new Error(error ?? 'the answer broke off')
  return { status, body }
}

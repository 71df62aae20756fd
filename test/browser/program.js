import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { until } from './until.js'

/** A process, and all that it starts: they are one group, so that they end together. */
export class Program {
  complaints = '' // what it wrote to standard error
  #child
  #printed = ''

  constructor(command, args, environment) {
    this.#child = spawn(command, args, {
      env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'], detached: true,
    })
    this.#child.stdout.setEncoding('utf8').on('data', (text) => { this.#printed += text })
    this.#child.stderr.setEncoding('utf8').on('data', (text) => { this.complaints += text })
    process.once('exit', () => this.#kill())
  }

  get #runs() { return this.#child.exitCode === null && this.#child.signalCode === null }

  /** The first group of a pattern, once the process has printed what fits it. */
  async says(pattern) {
    const found = () => pattern.exec(this.#printed)?.[1]
    await until(() => found() !== undefined || !this.#runs, `it says ${pattern}`)
    if (!this.#runs) throw new Error(`it ended: ${this.#printed}${this.complaints}`)
    return found()
  }

  async stop() {
    const ended = this.#runs && once(this.#child, 'exit')
    this.#kill()
    await ended
  }

  #kill() {
    try {
      process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // The group is gone already.
    }
  }
}

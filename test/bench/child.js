import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A process that runs `file` of this folder, and answers each message with one message. */
export class Child {
  #process
  #waiting = []
  #early = [] // messages that nobody has asked for yet
  #gone

  constructor(file, args = []) {
    const stdio = ['ignore', 'inherit', 'pipe', 'ipc']
    this.#process = fork(fileURLToPath(new URL(file, import.meta.url)), args, { stdio })
    let said = ''
    this.#process.stderr.on('data', (chunk) => { said += chunk })
    this.#process.on('message', (message) => {
      if (this.#waiting.length > 0) this.#waiting.shift().resolve(message)
      else this.#early.push(message)
    })
    this.#process.on('close', (code) => {
      const reason = /^\w*Error.*$/m.exec(said)?.[0] ?? said
      this.#gone = new Error(`${file} ended with ${code}: ${reason}`)
      for (const { reject } of this.#waiting) reject(this.#gone)
    })
  }

  /** The next message. */
  message() {
    if (this.#early.length > 0) return Promise.resolve(this.#early.shift())
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  ask(message) {
    const answer = this.message()
    this.#process.send(message)
    return answer
  }

  /** It ends by itself when it is alone, so that `--cpu-prof` gets to write its profile. */
  async end() {
    this.#waiting = []
    if (this.#gone !== undefined || this.#process.exitCode !== null) return
    const gone = once(this.#process, 'exit')
    if (this.#process.connected) this.#process.disconnect()
    await gone
  }
}

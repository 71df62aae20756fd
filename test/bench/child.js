import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A process that answers each message with one message. */
export class Child {
  #process
  #waiting = []
  #gone

  /** @param started a process with an IPC channel; by default a new one that runs `file` of this folder */
  constructor(file, args = [], started = fork(fileURLToPath(new URL(file, import.meta.url)), args)) {
    this.#process = started
    started.on('message', (message) => this.#waiting.shift()?.resolve(message))
    started.on('exit', (code) => {
      this.#gone = new Error(`${file} ${args.join(' ')} ended with ${code}`)
      for (const { reject } of this.#waiting) reject(this.#gone)
    })
  }

  /** The next message. */
  message() {
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  ask(message) {
    const answer = this.message()
    this.#process.send(message)
    return answer
  }

  /** It ends by itself when it is alone, so that `--cpu-prof` gets to write its profile. */
  end() {
    this.#waiting = []
    if (this.#process.isConnected?.() ?? this.#process.connected) this.#process.disconnect()
  }
}

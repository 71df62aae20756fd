import { fileURLToPath } from 'node:url'
import { Program } from './program.js'

const program = fileURLToPath(new URL('../../build/auth.js', import.meta.url))

/** The auth example as a process of its own, as `make run` starts it. */
export class AuthServer {
  port = 0
  #program
  #environment

  constructor(environment) {
    this.#environment = environment
  }

  get origin() { return `http://127.0.0.1:${this.port}` }
  get complaints() { return this.#program.complaints }

  async start() {
    this.#program = new Program(process.execPath, [program], { ...this.#environment, PORT: String(this.port) })
    this.port = Number(await this.#program.says(/http:\/\/127\.0\.0\.1:(\d+)/))
    return this
  }

  /** On the same port, with other settings where some are given. */
  async restart(environment) {
    await this.stop()
    Object.assign(this.#environment, environment)
    await this.start()
  }

  stop() { return this.#program.stop() }
}

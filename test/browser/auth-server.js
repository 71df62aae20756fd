import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { until } from './until.js'

const program = fileURLToPath(new URL('../../build/auth.js', import.meta.url))

/** The auth example as a process of its own, as `make run` starts it. */
export class AuthServer {
  #process
  #environment
  port = 0
  complaints = '' // what it wrote to standard error since it was started

  constructor(environment) {
    this.#environment = environment
  }

  static async start(environment) {
    const server = new AuthServer(environment)
    await server.#run()
    return server
  }

  get origin() { return `http://127.0.0.1:${this.port}` }

  async restart(environment = {}) {
    await this.stop()
    Object.assign(this.#environment, environment)
    await this.#run()
  }

  async #run() {
    const child = spawn(process.execPath, [program], {
      env: { ...process.env, ...this.#environment, PORT: String(this.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (text) => { printed += text })
    this.complaints = ''
    child.stderr.setEncoding('utf8').on('data', (text) => { this.complaints += text })
    const failed = once(child, 'exit').then(() => { throw new Error(`the auth example ended: ${this.complaints}`) })
    failed.catch(() => {}) // it does end, later, when it is told to
    const listens = until(() => /http:\/\/127\.0\.0\.1:(\d+)/.exec(printed)?.[1], 'the auth example listens')
    this.port = Number(await Promise.race([failed, listens]))
  }

  async stop() {
    const running = this.#process.exitCode === null && this.#process.signalCode === null
    this.kill()
    if (running) await once(this.#process, 'exit')
  }

  kill() { this.#process.kill('SIGKILL') }
}

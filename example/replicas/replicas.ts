import { type ChildProcess, fork } from 'node:child_process'
import { on, once } from 'node:events'
import { rmSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Policy } from './app.js'
import { makeCertificate } from './certificate.js'
import { makeKey, writeKeys } from './keys.js'
import { startNginx } from './nginx.js'
import { startRedis } from './redis-server.js'

const program = fileURLToPath(new URL('machine.js', import.meta.url))

export interface Ports {
  /** Where nginx listens. */
  nginx: number
  /** Where the machines listen, one port each. */
  machines: readonly number[]
  /** Where Redis listens. */
  redis: number
  /** Where each machine looks for it, should something stand between them. */
  redisFrom?: readonly number[]
}

export interface Settings {
  keys?: readonly string[]
  whenRedisIsAway?: Policy
  /** Is told what the machines complain about. They say it on the standard error as well unless this is set. */
  onComplaint?: (text: string) => void
}

/** Several machines (here: process groups on this one), nginx in front, Redis behind, and all that they read. */
export class Replicas {
  readonly #machines: (ChildProcess | undefined)[] = []
  readonly #folder: string
  readonly #ports: Ports
  readonly #settings: Settings
  #nginx: ChildProcess | undefined
  #redis: ChildProcess | undefined

  private constructor(folder: string, ports: Ports, settings: Settings) {
    this.#folder = folder
    this.#ports = ports
    this.#settings = settings
  }

  static async start(ports: Ports, settings: Settings = {}): Promise<Replicas> {
    const folder = await mkdtemp(join(tmpdir(), 'seshcookie-replicas-'))
    const replicas = new Replicas(folder, ports, settings)
    try {
      await chmod(folder, 0o711) // nginx, when it is started by root, works as somebody with fewer rights
      await makeCertificate(folder, ['localhost', '127.0.0.1'])
      replicas.setKeys(settings.keys ?? [makeKey()])
      await replicas.startRedis()
      await Promise.all(ports.machines.map((_, index) => replicas.startMachine(index)))
      replicas.#nginx = await startNginx(folder, ports.nginx, ports.machines)
      return replicas
    } catch (error) {
      await replicas.stop()
      throw error
    }
  }

  get origin(): string {
    return `https://localhost:${this.#ports.nginx}`
  }

  /** The certificate of the authority to trust. */
  get authority(): string {
    return join(this.#folder, 'authority.pem')
  }

  get keyFile(): string {
    return join(this.#folder, 'keys')
  }

  /** What every process of every machine reads when it starts: the first key seals, and each of them opens. */
  setKeys(keys: readonly string[]): void {
    writeKeys(this.keyFile, keys)
  }

  async startMachine(index: number): Promise<void> {
    const { whenRedisIsAway = 'go on', onComplaint } = this.#settings
    const { machines, redis, redisFrom } = this.#ports
    const machine = fork(program, {
      stdio: ['ignore', 'inherit', onComplaint ? 'pipe' : 'inherit', 'ipc'],
      env: {
        ...process.env,
        PORT: String(machines[index]),
        MACHINE: String.fromCharCode(65 + index),
        KEY_FILE: this.keyFile,
        REDIS_URL: `redis://127.0.0.1:${redisFrom?.[index] ?? redis}`,
        WHEN_REDIS_IS_AWAY: whenRedisIsAway,
      },
    })
    machine.stderr?.setEncoding('utf8').on('data', (text: string) => onComplaint?.(text))
    this.#machines[index] = machine
    await news(machine, 'ready')
  }

  /** Ends a machine as its administrator would: it answers what it has begun. */
  async stopMachine(index: number): Promise<void> {
    const machine = this.#machines[index]
    if (machine && isRunning(machine)) {
      machine.kill('SIGTERM')
      await once(machine, 'exit')
    }
  }

  /** Ends a machine as a power cut would. Its processes notice that their primary is gone, and end as well. */
  async killMachine(index: number): Promise<void> {
    const machine = this.#machines[index]!
    machine.kill('SIGKILL')
    await once(machine, 'exit')
  }

  /** Makes a machine stand still, for tests: it accepts connections, and answers none. */
  freezeMachine(index: number): void {
    this.#machines[index]!.kill('SIGSTOP')
  }

  /** On one machine after the other, each process is replaced by one that reads the keys anew. No port closes. */
  async reloadAll(): Promise<void> {
    for (const index of this.#machines.keys()) await this.reloadMachine(index)
  }

  /** @throws when the machine kept its old processes, because no new one could start */
  async reloadMachine(index: number): Promise<void> {
    const machine = this.#machines[index]!
    machine.kill('SIGHUP')
    if ((await news(machine, 'replaced', 'not replaced')) === 'not replaced') throw new Error('the old processes stay')
  }

  async startRedis(): Promise<void> {
    this.#redis = await startRedis(join(this.#folder, 'redis'), this.#ports.redis)
  }

  /** Ends Redis as a power cut would. What it has on disk is there when it is started again, unless it is `emptied`. */
  async killRedis({ emptied = false } = {}): Promise<void> {
    this.#redis!.kill('SIGKILL')
    await once(this.#redis!, 'exit')
    if (emptied) await rm(join(this.#folder, 'redis'), { recursive: true })
  }

  async stop(): Promise<void> {
    const all = [this.#nginx, this.#redis, ...this.#machines].filter((child) => child !== undefined && isRunning(child))
    const ended = all.map((child) => once(child!, 'exit'))
    this.kill()
    await Promise.all(ended)
  }

  /** Ends everything at once, and waits for nothing: for a process that is about to end itself. */
  kill(): void {
    this.#nginx?.kill('SIGTERM') // its worker processes would survive a SIGKILL
    for (const child of [...this.#machines, this.#redis]) child?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

/** The first that a machine tells of what is wanted. */
async function news(machine: ChildProcess, ...wanted: string[]): Promise<string> {
  for await (const [message] of on(machine, 'message', { close: ['exit'] })) {
    if (wanted.includes(message)) return message
  }
  throw new Error('a machine ended')
}

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeCertificate } from './certificate.js'
import { makeKey, writeKeys } from './keys.js'
import { startNginx } from './nginx.js'

const program = fileURLToPath(new URL('machine.js', import.meta.url))

export interface Ports {
  /** Where nginx listens. */
  nginx: number
  /** Where the machines listen, one port each. */
  machines: readonly number[]
}

/** Several machines (here: process groups on this one) with nginx in front of them, and all that they read. */
export class Replicas {
  readonly #machines: (ChildProcess | undefined)[] = []
  readonly #folder: string
  readonly #ports: Ports
  #nginx: ChildProcess | undefined

  private constructor(folder: string, ports: Ports) {
    this.#folder = folder
    this.#ports = ports
  }

  static async start(ports: Ports, keys: readonly string[] = [makeKey()]): Promise<Replicas> {
    const folder = await mkdtemp(join(tmpdir(), 'seshcookie-replicas-'))
    const replicas = new Replicas(folder, ports)
    try {
      await chmod(folder, 0o711) // nginx, when it is started by root, works as somebody with fewer rights
      await makeCertificate(folder, ['localhost', '127.0.0.1'])
      replicas.setKeys(keys)
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
    const machine = fork(program, {
      env: {
        ...process.env,
        PORT: String(this.#ports.machines[index]),
        MACHINE: String.fromCharCode(65 + index),
        KEY_FILE: this.keyFile,
      },
    })
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

  async reloadMachine(index: number): Promise<void> {
    const machine = this.#machines[index]!
    machine.kill('SIGHUP')
    await news(machine, 'replaced')
  }

  async stop(): Promise<void> {
    const all = [this.#nginx, ...this.#machines].filter((child) => child !== undefined && isRunning(child))
    const ended = all.map((child) => once(child!, 'exit'))
    this.kill()
    await Promise.all(ended)
  }

  /** Ends everything at once, and waits for nothing: for a process that is about to end itself. */
  kill(): void {
    this.#nginx?.kill('SIGTERM') // its worker processes would survive a SIGKILL
    for (const machine of this.#machines) machine?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

async function news(machine: ChildProcess, wanted: string): Promise<void> {
  const ended = once(machine, 'exit').then(() => { throw new Error('a machine ended') })
  const told = (async () => {
    for (;;) if ((await once(machine, 'message'))[0] === wanted) return
  })()
  await Promise.race([told, ended])
}

// One machine: a port, and a few processes of node:cluster that share it.
//
//   PORT=8444 MACHINE=A PROCESSES=2 KEY_FILE=keys REDIS_URL=redis://127.0.0.1:6379 WHEN_REDIS_IS_AWAY='go on' \
//     node machine.js
//
// SIGHUP replaces the processes one after the other, with the keys that the file holds by then; SIGTERM ends them once
// they have answered what they are at.

import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Policy, site } from './app.js'
import { readKeys } from './keys.js'
import { Revocations } from './revocations.js'

const {
  PORT = '8444', MACHINE = 'A', PROCESSES = '2', KEY_FILE = 'keys', REDIS_URL = 'redis://127.0.0.1:6379',
  WHEN_REDIS_IS_AWAY = 'go on',
} = process.env
const patience = 30_000 // milliseconds that a process has to start in, where an old one can stay in its place

if (cluster.isPrimary) await supervise()
else await serve()

async function supervise(): Promise<void> {
  const workers = new Set<Worker>()
  let ending = false

  async function start(patience?: number): Promise<void> {
    const worker = cluster.fork()
    const timer = patience && setTimeout(() => worker.process.kill('SIGKILL'), patience)
    worker.on('exit', () => {
      // One that was told to end is no longer in the set; any other one died, and is replaced.
      if (workers.delete(worker) && !ending) restart()
    })
    const ended = once(worker, 'exit').then(() => { throw new Error(`a process of machine ${MACHINE} did not start`) })
    await Promise.race([once(worker, 'listening'), ended]).finally(() => clearTimeout(timer))
    workers.add(worker)
  }

  /** Starts a process for one that died. As long as that fails the others go on, with what they read at their start. */
  async function restart(): Promise<void> {
    while (!ending) {
      try {
        return await start()
      } catch (error) {
        complain(error)
        await delay(1_000)
      }
    }
  }

  async function end(worker: Worker): Promise<void> {
    workers.delete(worker)
    if (worker.isDead()) return
    if (worker.isConnected()) worker.send('end')
    await once(worker, 'exit')
  }

  // The new process listens before the old one ends, so the port is never closed. Where no new one can start, because
  // of a key file that is not right or because Redis is away, the old ones stay.
  async function replaceAll(): Promise<void> {
    try {
      readKeys(KEY_FILE)
      for (const worker of [...workers]) {
        await start(patience)
        await end(worker)
      }
      tell('replaced')
    } catch (error) {
      complain(error)
      tell('not replaced')
    }
  }

  try {
    if (WHEN_REDIS_IS_AWAY !== 'go on' && WHEN_REDIS_IS_AWAY !== 'refuse') {
      throw new Error("WHEN_REDIS_IS_AWAY must be 'go on' or 'refuse'")
    }
    readKeys(KEY_FILE)
    await Promise.all(Array.from({ length: Number(PROCESSES) }, () => start()))
  } catch (error) {
    complain(error)
    process.exit(1)
  }

  let replacing = Promise.resolve()
  process.on('SIGHUP', () => { replacing = replacing.then(replaceAll) })
  process.on('SIGTERM', async () => {
    ending = true
    await Promise.all([...workers].map(end))
    process.exit()
  })
  process.on('disconnect', () => process.exit()) // whoever started this machine is gone
  tell('ready')
}

function tell(news: string): void {
  process.send?.(news)
}

function complain(error: unknown): void {
  console.error(`machine ${MACHINE}: ${(error as Error).message}`)
}

async function serve(): Promise<void> {
  // A signal to the whole terminal is for the primary, which then ends its processes one by one.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM']) process.on(signal, () => {})
  cluster.worker?.on('error', () => process.exit()) // the primary is gone

  const keys = readKeys(KEY_FILE)
  const say = (news: string): void => console.error(`machine ${MACHINE}, process ${process.pid}: ${news}`)
  // Who does not know what was revoked must not answer: without Redis no process starts, and those that run go on.
  const revocations = await Revocations.start(REDIS_URL, say)
  const server = createServer(site(keys, MACHINE, revocations, WHEN_REDIS_IS_AWAY as Policy))
  server.on('error', (error) => {
    console.error(error.message)
    process.exit(1)
  })
  server.listen(Number(PORT), '127.0.0.1')
  process.on('message', (message) => {
    if (message !== 'end') return
    server.keepAliveTimeout = 1 // milliseconds, for connections whose answer is still on its way
    // Not process.exit(): a connection that the primary is just handing over would be lost. disconnect() gives it back.
    server.close(() => cluster.worker?.disconnect())
  })
}

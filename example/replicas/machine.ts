// One machine: a port, and a few processes of node:cluster that share it.
//
//   PORT=8444 MACHINE=A PROCESSES=2 KEY_FILE=keys node machine.js
//
// SIGHUP replaces the processes one after the other, with the keys that the file holds by then; SIGTERM ends them once
// they have answered what they are at.

import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { readKeys } from './keys.js'
import { site } from './app.js'

const { PORT = '8444', MACHINE = 'A', PROCESSES = '2', KEY_FILE = 'keys' } = process.env

if (cluster.isPrimary) await supervise()
else serve()

async function supervise(): Promise<void> {
  const workers = new Set<Worker>()
  let ending = false

  async function start(): Promise<void> {
    const worker = cluster.fork()
    worker.on('exit', () => {
      // One that was told to end is no longer in the set. Any other one died, and is replaced if it ever listened:
      // else the fault is in what all of them read, and would come again at once.
      if (!workers.delete(worker) || ending) return
      start().catch(fail)
    })
    const ended = once(worker, 'exit').then(() => { throw new Error(`a process of machine ${MACHINE} did not start`) })
    await Promise.race([once(worker, 'listening'), ended])
    workers.add(worker)
  }

  async function end(worker: Worker): Promise<void> {
    workers.delete(worker)
    if (worker.isDead()) return
    if (worker.isConnected()) worker.send('end')
    await once(worker, 'exit')
  }

  // The new process listens before the old one ends, so the port is never closed.
  async function replaceAll(): Promise<void> {
    for (const worker of [...workers]) {
      await start()
      await end(worker)
    }
  }

  function fail(error: Error): void {
    console.error(error.message)
    process.exit(1)
  }

  await Promise.all(Array.from({ length: Number(PROCESSES) }, start)).catch(fail)

  let replacing = Promise.resolve()
  process.on('SIGHUP', () => {
    replacing = replacing.then(replaceAll).then(() => tell('replaced'), fail)
  })
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

function serve(): void {
  const server = createServer(site(readKeys(KEY_FILE), MACHINE))
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
  cluster.worker?.on('error', () => process.exit()) // the primary is gone
  // A signal to the whole terminal is for the primary, which then ends its processes one by one.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM']) process.on(signal, () => {})
}

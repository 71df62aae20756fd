// What a million revoked sessions cost one process and Redis. Needs redis-server, and `make build/replicas/run.js`.
//
//   node --expose-gc test/replicas/million.js

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startRedis } from '../../build/replicas/redis-server.js'
import { Revocations } from '../../build/replicas/revocations.js'
import { now, oneSession, Revoked } from '../../build/replicas/revoked.js'
import { until } from '../browser/until.js'

const count = Number(process.env.COUNT ?? 1_000_000)
const day = 86_400
const id = () => randomBytes(16).toString('base64url')
const ends = (index) => now() + Math.floor(index / count * day) + 1
const say = (what, value) => console.log(`${what.padEnd(64)} ${value}`)
const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`
const lag = monitorEventLoopDelay({ resolution: 1 })

/** How long something takes. The process's own time counts on a busy machine; without others, how long it stood. */
async function timed(what, work) {
  globalThis.gc()
  lag.reset()
  lag.enable()
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  const value = await work()
  const took = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  lag.disable()
  say(what, `${(took / 1000).toFixed(2)} s, of it ${((user + system) / 1e6).toFixed(2)} s of this process's time; ` +
    `at most ${Math.round(lag.max / 1e6)} ms at a stretch`)
  return value
}

const server = createServer().listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address()
await new Promise((resolve) => server.close(resolve))
const folder = await mkdtemp(join(tmpdir(), 'seshcookie-million-'))
const data = join(folder, 'redis')
let redis = await startRedis(data, port)
try {
  // In memory alone.
  globalThis.gc()
  const ids = Array.from({ length: count }, id)
  globalThis.gc()
  const withIds = process.memoryUsage().heapUsed
  const revoked = new Revoked()
  for (const [index, each] of ids.entries()) revoked.add(oneSession(each), ends(index))
  globalThis.gc()
  say(`${count} revoked ids in the memory of a process`, megabytes(process.memoryUsage().heapUsed - withIds))
  const login = { id: '', user: 'somebody', number: 0, until: now() + day }
  for (const known of [true, false]) {
    const asked = known ? ids.slice(0, 100_000) : Array.from({ length: 100_000 }, id)
    const began = process.cpuUsage()
    for (const each of asked) revoked.has({ ...login, id: each })
    const took = (process.cpuUsage(began).user * 1000 / asked.length).toFixed(0)
    say(`looking one up that ${known ? 'is' : 'is not'} revoked`, `${took} ns`)
  }
  const { now: clock } = Date
  Date.now = () => clock() + day / 2 * 1000
  let began = process.cpuUsage()
  revoked.drop()
  say(`dropping ${count - revoked.size} that have ended, at once`, `${process.cpuUsage(began).user / 1000} ms`)
  const { size } = revoked
  Date.now = () => clock() + (day / 2 + 60) * 1000
  began = process.cpuUsage()
  revoked.drop()
  say(`dropping ${size - revoked.size}, those of a minute`, `${process.cpuUsage(began).user / 1000} ms`)
  Date.now = clock

  // With Redis.
  const quiet = () => {}
  const first = await Revocations.start(`redis://127.0.0.1:${port}`, quiet)
  for (let start = 0; start < count; start += 5000) {
    await first.redis.zAdd('revoked', ids.slice(start, start + 5000).map((each, index) => ({
      value: oneSession(each), score: ends(start + index),
    })))
  }
  say('in Redis', megabytes(Number(/used_memory:(\d+)/.exec(await first.redis.info('memory'))[1])))

  const later = await timed('a process that starts reads all', () => Revocations.start(`redis://127.0.0.1:${port}`, quiet))
  say('it knows', later.known.size)

  redis.kill('SIGKILL')
  await once(redis, 'exit')
  await rm(data, { recursive: true })
  redis = await startRedis(data, port)
  await timed('an empty Redis gets all back from a process', () => until(async () => (
    await later.redis.zCard('revoked') === count
  ), 'Redis has all', 300))
} finally {
  redis.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
}
process.exit()

import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { deepStrictEqual } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { sessionOf } from './app.js'
import { figure, timed } from './measure.js'
import { library, requestWith } from './ours.js'
import { measureServers } from './servers.js'
import { number } from './table.js'

/*
 * What a session costs by its size and by the number of keys; and what it costs to keep it in a store instead. The
 * store is Redis on the same machine, through express-session and connect-redis; the processor time of redis-server
 * counts as the server's own does.
 */

const sizes = [11, 134, 500, 1000, 2000, 2900]
const keyCounts = [1, 2, 4, 8]

/** Opening a request's cookie, sealed with the last key, by size and keys; sealing, by size. */
async function byKeys({ quick }) {
  const { RequestSessions, SessionHandler } = await library()
  const keys = Array.from({ length: Math.max(...keyCounts) }, () => randomBytes(32))
  const handler = (key, cacheSize) => new SessionHandler(() => {}, key, new RequestSessions(), { cacheSize })
  const cases = {}
  for (const bytes of sizes) {
    const session = sessionOf(bytes)
    for (const count of keyCounts) {
      const some = handler(keys.slice(0, count), 0)
      const header = Buffer.from(`session=${handler(keys[count - 1], 0).encodeCookie(session)}`, 'latin1')
      const read = () => some.read(requestWith(header.latin1Slice(0, header.length)))
      deepStrictEqual({ ...read() }, session, `${count} keys open ${bytes} bytes`)
      cases[`${bytes} with ${count}`] = read
      if (count > 1) continue
      const caching = handler(keys[0], 1000)
      cases[`${bytes} cached`] = () => caching.read(requestWith(header.latin1Slice(0, header.length)))
      cases[`${bytes} sealed`] = () => some.encodeCookie(session)
    }
  }
  const times = await timed(cases, { rounds: quick ? 5 : 9, milliseconds: quick ? 10 : 20 })
  const of = (name) => figure(times[name].cpu)
  const results = sizes.map((bytes) => ({
    bytes,
    sealed: of(`${bytes} sealed`),
    opened: Object.fromEntries(keyCounts.map((count) => [count, of(`${bytes} with ${count}`)])),
    cached: of(`${bytes} cached`),
  }))
  const columns = ['bytes of JSON', 'sealed', ...keyCounts.map((count) =>
    count === 1 ? 'opened, 1 key' : `the last of ${count} keys`), 'cached']
  const rows = results.map(({ bytes, sealed, opened, cached }) =>
    [bytes, ...[sealed, ...Object.values(opened), cached].map((one) => number(one.median))])
  return { results, table: { title: 'Processor time of a cookie, µs', columns, rows } }
}

/** Runs with a redis-server of its own, in memory only, on a free port of the loopback interface. */
async function withRedis(run) {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = spawn('redis-server', args.map(String), { stdio: 'ignore' })
  const gone = once(server, 'exit').then(([code]) => { throw new Error(`redis-server ended with ${code}`) },
    (error) => { throw error.code === 'ENOENT' ? new Error('redis-server is not installed') : error })
  gone.catch(() => {})
  const { createClient } = await import('redis')
  const client = createClient({ url: `redis://127.0.0.1:${port}` })
  client.on('error', () => {}) // until it listens; what fails for good rejects a command
  try {
    await Promise.race([gone, client.connect()])
    return await Promise.race([gone, run(client, port)])
  } finally {
    if (client.isOpen) client.destroy()
    server.kill()
  }
}

/** Microseconds of processor time that redis-server has used, all its threads. */
async function usedBy(client) {
  const info = await client.info('cpu')
  const seconds = (name) => Number(new RegExp(`^${name}:([\\d.]+)\\r?$`, 'm').exec(info)[1])
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6
}

const ways = [
  ['ours, written', { kind: 'ours', use: 'written' }],
  ['ours, read', { kind: 'ours', use: 'read' }],
  ['ours, read with cacheSize: 0', { kind: 'ours', use: 'read', cacheSize: 0 }],
  ['Redis, written', { kind: 'express-session, Redis', use: 'written', stored: true }],
  ['Redis, read', { kind: 'express-session, Redis', use: 'read', stored: true }],
  ['Redis, read with disableTouch', { kind: 'express-session, Redis', use: 'read', stored: true, disableTouch: true }],
]

async function bySizes({ quick, ...options }) {
  return withRedis(async (client, port) => {
    const specs = (quick ? [134, 2000] : sizes).flatMap((bytes) => {
      const base = `bare, ${bytes}`
      return [
        { name: base, base, kind: 'bare', use: 'none', bytes },
        ...ways.map(([name, spec]) => ({ ...spec, name: `${name}, ${bytes}`, base, bytes, port })),
      ]
    })
    const elsewhere = ({ stored }) => stored ? usedBy(client) : 0
    return measureServers(specs, { ...options, sockets: true, quick, title: 'sizes, whole servers', elsewhere })
  })
}

export async function sizesAndStore(options) {
  options.say('sizes, one process')
  const keys = await byKeys(options)
  const { servers } = await bySizes(options)
  const found = (name) => servers.find((server) => server.name === name)
  const columns = ['bytes of JSON', 'bare', ...ways.map(([name]) => name)]
  const rows = sizes.filter((bytes) => found(`bare, ${bytes}`)).map((bytes) =>
    [bytes, ...['bare', ...ways.map(([name]) => name)].map((name) =>
      number(found(`${name}, ${bytes}`).cpuMicroseconds.median))])
  const title = `Processor time of a request to a whole server, redis-server's included, µs; ${servers[0].processes} ` +
    'processes of each'
  return { results: { keys: keys.results, servers }, tables: [keys.table, { title, columns, rows }] }
}

import { deepStrictEqual } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { sessionOf } from './app.js'
import { Child } from './child.js'
import { figure, timed } from './measure.js'
import { built, library, requestWith, scripts, sources } from './ours.js'
import { number, spread } from './table.js'

/*
 * What has to stay small: the cost of refusing cookies that nobody issued, starting, the package, and memory.
 */

const most = 16_000 // bytes of a header; Node.js refuses more than 16 KiB of headers

/** Cookies that nobody issued. */
async function refused({ quick }) {
  const { RequestSessions, SessionHandler } = await library()
  const keys = Array.from({ length: 8 }, () => randomBytes(32))
  const handler = (count) => new SessionHandler(() => {}, keys.slice(0, count), new RequestSessions())
  const [one, eight] = [handler(1), handler(8)]
  const forged = (characters) => {
    const bytes = randomBytes(characters * 3 >> 2)
    bytes[0] = 1 // the version
    return `session=${bytes.toString('base64url')}`
  }
  const genuine = one.encodeCookie(sessionOf(134)).length
  const fill = (make) => {
    let header = make()
    for (let next = make(); header.length + next.length + 2 <= most; next = make()) header += `; ${next}`
    return header
  }
  const headers = {
    'no cookie': '',
    'another cookie': 'theme=dark',
    'one, too short': 'session=AQ',
    'one, not base64url': `session=${'?'.repeat(genuine)}`,
    'one, forged': forged(genuine),
    'one, of 4096 characters': forged(4096),
    '16 kB: 4 of 3980 characters': fill(() => forged(3980)),
    '16 kB: many of 108 characters': fill(() => forged(108)),
    '16 kB: many empty': fill(() => 'session='),
    '16 kB: many of other names': fill(() => 's=1'),
    '16 kB: semicolons': ';'.repeat(most),
    '16 kB: spaces': `${' '.repeat(most - 1000)};${' '.repeat(999)}`,
  }
  const cases = {}
  for (const [what, header] of Object.entries(headers)) {
    const bytes = Buffer.from(header, 'latin1')
    for (const [name, some] of [['1 key', one], ['8 keys', eight]]) {
      const read = () => some.read(requestWith(bytes.latin1Slice(0, bytes.length)))
      deepStrictEqual({ ...read() }, {}, `${what} opens nothing`)
      cases[`${what}, ${name}`] = read
    }
  }
  const times = await timed(cases, { rounds: quick ? 3 : 9, milliseconds: quick ? 10 : 20 })
  const rows = Object.entries(headers).map(([what, { length }]) => ({
    what,
    headerBytes: length,
    oneKey: figure(times[`${what}, 1 key`].cpu),
    eightKeys: figure(times[`${what}, 8 keys`].cpu),
  }))
  const large = rows.filter(({ what }) => what.startsWith('16 kB'))
  const { oneKey: dearest } = large.reduce((a, b) => a.oneKey.median > b.oneKey.median ? a : b)
  const inMilliseconds = Object.entries(dearest).map(([name, value]) => [name, value / 1000])
  return {
    results: { rows, dearestMilliseconds: Object.fromEntries(inMilliseconds) },
    table: {
      title: 'Refusing cookies',
      columns: ['', 'bytes of the header', '1 key, CPU µs', '8 keys, CPU µs'],
      rows: rows.map(({ what, headerBytes, oneKey, eightKeys }) =>
        [what, headerBytes, spread(oneKey), spread(eightKeys)]),
    },
  }
}

const starting = `
  import { randomBytes } from 'node:crypto'
  import 'node:http'
  const times = [performance.now()]
  const lap = () => times.push(performance.now())
  const { SessionHandler } = await import(${JSON.stringify(new URL('index.js', built).href)})
  lap()
  new SessionHandler(() => {}, randomBytes(32))
  lap()
  new SessionHandler(() => {}, 'a passphrase of at least 32 bytes, for this measurement')
  lap()
  console.log(JSON.stringify(times.slice(1).map((time, i) => time - times[i])))
`

/** What starting costs, each time in a fresh process. */
function start({ quick }) {
  const laps = Array.from({ length: quick ? 3 : 9 }, () =>
    JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', starting], { encoding: 'utf8' })))
  const [imported, bytes, string] = [0, 1, 2].map((lap) => figure(laps.map((times) => times[lap])))
  const rows = [
    ['import, node:http and node:crypto being there', spread(imported)],
    ['the first handler, with a key of bytes', spread(bytes)],
    ['another one, with a key that is a string (scrypt)', spread(string)],
  ]
  return { results: { imported, bytes, string }, table: { title: 'Starting', columns: ['', 'milliseconds'], rows } }
}

/** The package as npm packs it, and the build's scripts, each compressed by itself. */
function size() {
  const files = scripts().map((file) => readFileSync(new URL(file, built)))
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error']
  const output = execFileSync('npm', args, { cwd: fileURLToPath(new URL('..', built)), encoding: 'utf8' })
  const [packed] = [JSON.parse(output)].flat()
  const kilobytes = (all) => all.reduce((sum, bytes) => sum + bytes.length, 0) / 1000
  const results = {
    packed: packed.size / 1000,
    unpacked: packed.unpackedSize / 1000,
    scripts: kilobytes(files),
    scriptsGzipped: kilobytes([gzipSync(Buffer.concat(files))]),
    lines: sources().reduce((sum, source) => sum + source.split('\n').length - 1, 0),
  }
  const rows = [
    ['packed', results.packed],
    ['unpacked', results.unpacked],
    ['JavaScript of dist', results.scripts],
    ['the same, gzipped', results.scriptsGzipped],
  ]
  return {
    results,
    table: { title: 'Sizes', columns: ['', 'kB'], rows: rows.map(([what, kB]) => [what, kB.toFixed(1)]) },
  }
}

export async function limits(options) {
  const results = {}
  const tables = []
  for (const [name, measure] of Object.entries({ refused, start, size })) {
    options.say(`limits: ${name}`)
    const part = await measure(options)
    results[name] = part.results
    tables.push(part.table)
  }
  return { results, tables }
}

/** What the heap has grown by after a million requests, the first hundred thousand left out. */
export async function memory({ quick, say }) {
  const count = quick ? 10_000 : 1_000_000
  const load = new Child('load.js')
  const servers = []
  try {
    for (const [name, spec] of [['bare', { kind: 'bare' }], ['ours, read', { kind: 'ours', use: 'read' }],
      ['ours, written', { kind: 'ours', use: 'written' }]]) {
      say(`memory: ${number(count, 0)} requests to ${name}`)
      const server = new Child('serve.js', [JSON.stringify({ ...spec, bytes: 134 })])
      try {
        const { port } = await server.message()
        const heapAfter = async (answers) => {
          await load.ask({ port, connections: 32 })
          await load.ask({ answers, milliseconds: 600_000 })
          await load.ask('stop')
          return (await server.ask('collect')).heapUsed / 1e6
        }
        const before = await heapAfter(count / 10)
        const after = await heapAfter(count)
        servers.push({ name, before, after, grown: after - before })
      } finally {
        await server.end()
      }
    }
  } finally {
    await load.end()
  }
  return {
    results: { requests: count, servers, grownMegabytes: Math.max(...servers.slice(1).map(({ grown }) => grown)) },
    tables: [{
      title: `Heap after ${number(count, 0)} keep-alive requests`,
      columns: ['', 'MB before', 'MB after', 'MB grown'],
      rows: servers.map(({ name, ...megabytes }) =>
        [name, ...['before', 'after', 'grown'].map((what) => number(megabytes[what], 2))]),
    }],
  }
}

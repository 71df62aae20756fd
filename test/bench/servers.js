import { equal, match, notEqual } from 'node:assert/strict'
import { answerFor } from './app.js'
import { Child } from './child.js'
import { ask } from './connection.js'
import { figure, interval, leastRatio, median, ratio, ratios, shuffled } from './measure.js'
import { number, percent, spread } from './table.js'

/*
 * Whole servers, each a process of its own, kept busy one after the other by one process of browsers. What a server
 * did, and the processor time that it took for that, it counts itself.
 *
 * Two processes of the very same code differ, by up to 15 %, by what V8 happened to compile and when. So all servers
 * are started anew again and again: a set of processes is warmed up, measured in turns, and ended, until the time that
 * was given is over. Each set gives one value for each server, and one ratio for each pair of them.
 */

const connections = 32
const turns = 3 // in each set

// How many requests, and how long at most, where others keep the machine busy or a server is slow.
const usual = {
  warmUp: { answers: 20_000, milliseconds: 3000 }, // for the compiler, when a process is new
  settling: { answers: 1000, milliseconds: 100 }, // before each measurement: connections, logins, caches
  turn: { answers: 6000, milliseconds: 600 }, // one measurement
}
const short = {
  warmUp: { answers: 1000, milliseconds: 500 },
  settling: { answers: 100, milliseconds: 100 },
  turn: { answers: 500, milliseconds: 200 },
}

/** Characters of the cookie that a server without one gets, so that each reads as many: as ours makes it. */
const cookieLength = (bytes) => Math.ceil((1 + 16 + Math.ceil((21 + bytes) / 32) * 32 + 32) * 8 / 6)

/** It does what its name says: nobody is timed who does less. */
async function check({ name, kind, use, bytes, stored = false }, port) {
  const constant = answerFor(bytes)
  const login = await ask(port, '/login')
  equal(login.body, constant, `${name} answers a login`)
  equal(login.cookie === '', kind === 'bare', `${name} sets a cookie at a login`)
  const [first, second] = [await ask(port, '/', login.cookie), await ask(port, '/', login.cookie)]
  match(first.body, /^\S+ \d{5} *$/, `${name} answers with what the session holds`)
  if (use !== 'written') {
    equal(first.body, constant, `${name} reads`)
    equal(first.cookie, '', `${name} writes no cookie that has not changed`)
    const stranger = await ask(port, '/')
    equal(stranger.body === constant, use !== 'read', `${name} knows no stranger`)
    return
  }
  notEqual(first.body, second.body, `${name} changes the session each time`)
  equal(first.cookie === '', stored, `${name} writes the session to a cookie, or to its store`)
  if (!stored) notEqual(first.cookie, second.cookie, `${name} writes another cookie each time`)
  const after = await ask(port, '/look', stored ? login.cookie : second.cookie)
  equal(after.body, second.body, `${name} reads what it wrote`)
}

/** A cookie that a server which sets none gets all the same. */
const fillerFor = ({ bytes }) => `session=${'x'.repeat(cookieLength(bytes))}`

const start = (load, { spec, port }) => load.ask({ port, connections, filler: fillerFor(spec) })

/** Warms a new process up. */
async function warmUp(server, { load, lengths }) {
  const { spec, child } = server
  if (load === undefined) {
    await child.ask({ exchanges: lengths.warmUp.answers, filler: fillerFor(spec) })
    return
  }
  await start(load, server)
  await load.ask(lengths.warmUp)
  await load.ask('stop')
}

/** One measurement. `elsewhere` gives the processor time that others have used for this server. */
async function measure(server, { load, elsewhere, lengths }) {
  const { spec, child } = server
  if (load !== undefined) {
    await start(load, server)
    await load.ask(lengths.settling)
  }
  const [from, othersFrom] = [await child.ask('usage'), await elsewhere(spec)]
  await (load ?? child).ask(load === undefined ? { exchanges: lengths.turn.answers } : lengths.turn)
  const [to, othersTo] = [await child.ask('usage'), await elsewhere(spec)]
  await load?.ask('stop')
  const requests = to.requests - from.requests
  const seconds = (to.time - from.time) / 1000
  const cpu = to.cpu - from.cpu
  return { cpu: (cpu + othersTo - othersFrom) / requests, perSecond: requests / seconds, busy: cpu / 1e6 / seconds }
}

/** In another order each time, but two builds of one server next to each other. */
function inTurn(running) {
  const groups = new Map()
  for (const server of running) {
    const { against, name } = server.spec
    const group = against ?? name
    groups.set(group, [...groups.get(group) ?? [], server])
  }
  return shuffled([...groups.values()]).flatMap(shuffled)
}

/** A set of processes from its start to its end: the medians of the turns, by the server's name. */
async function measureSet(specs, failed, how) {
  const running = []
  const values = new Map()
  try {
    for (const spec of shuffled(specs)) {
      const child = new Child('serve.js', [JSON.stringify(spec)])
      running.push({ spec, child })
    }
    for (const server of [...running]) {
      const { spec, child } = server
      try {
        server.port = (await child.message()).port
        await check(spec, server.port)
      } catch (error) {
        if (!spec.mayFail) throw error
        failed.set(spec.name, error.message)
        running.splice(running.indexOf(server), 1)
        await child.end()
        continue
      }
      values.set(spec.name, { cpu: [], perSecond: [], busy: [] })
      await warmUp(server, how)
    }
    for (let i = 0; i < turns; i++) {
      for (const server of inTurn(running)) {
        const measured = await measure(server, how)
        for (const [what, value] of Object.entries(measured)) values.get(server.spec.name)[what].push(value)
      }
    }
  } finally {
    await Promise.all(running.map(({ child }) => child.end()))
  }
  return new Map([...values].map(([name, { cpu, perSecond, busy }]) =>
    [name, { cpu: median(cpu), perSecond: median(perSecond), busy: median(busy) }]))
}

/**
 * Measures servers for about so many seconds, at least two sets. A spec is `{ name, base, kind, use, bytes, … }`, all
 * of which goes to serve.js; `base` is the name of the bare server that it is compared with.
 */
export async function measureServers(specs, { seconds, quick, sockets = true, say, title, elsewhere = () => 0 }) {
  const load = sockets ? new Child('load.js') : undefined
  const how = { load, elsewhere, lengths: quick ? short : usual }
  const failed = new Map()
  const sets = []
  const begun = performance.now()
  const passed = () => (performance.now() - begun) / 1000
  try {
    while (sets.length < 2 || passed() * (sets.length + 1) / sets.length <= seconds) {
      const wanted = specs.filter(({ name }) => !failed.has(name))
      sets.push(await measureSet(wanted, failed, how))
      say(`${title}: ${sets.length} processes of each in ${number(passed(), 0)} s`)
    }
  } finally {
    await load?.end()
  }
  const every = (name, what) => sets.map((set) => set.get(name)[what])
  const servers = specs.filter(({ name }) => !failed.has(name)).map(({ name, base, against }) => ({
    name,
    base,
    processes: sets.length,
    cpu: every(name, 'cpu'),
    cpuMicroseconds: figure(every(name, 'cpu')),
    cpuOfBare: ratio(every(base, 'cpu'), every(name, 'cpu')),
    cpuOfBareByLeast: leastRatio(every(base, 'cpu'), every(name, 'cpu')),
    perSecond: figure(every(name, 'perSecond')),
    perSecondOfBare: ratio(every(name, 'perSecond'), every(base, 'perSecond')),
    busy: figure(every(name, 'busy')),
    ...(against !== undefined && !failed.has(against) && {
      cpuOfOther: interval(ratios(every(name, 'cpu'), every(against, 'cpu'))),
      cpuOfOtherByLeast: leastRatio(every(name, 'cpu'), every(against, 'cpu')),
    }),
  }))
  return { servers, failed: Object.fromEntries(failed) }
}

/** The tables of what measureServers gives. */
export function tablesOf(title, { servers, failed }) {
  const rows = servers.map((server) => [
    server.name,
    spread(server.cpuMicroseconds),
    percent(server.cpuOfBare),
    `${number(server.cpuOfBareByLeast * 100, 0)} %`,
    spread(server.perSecond),
    percent(server.perSecondOfBare),
  ])
  for (const [name, reason] of Object.entries(failed)) rows.push([name, `fails: ${reason}`, '', '', '', ''])
  const columns = ['', 'CPU µs/request', 'bare ÷ this', 'by the least', 'requests/s', 'this ÷ bare']
  const tables = [{ title: `${title}, ${servers[0].processes} processes of each`, columns, rows }]
  const compared = servers.filter(({ cpuOfOther }) => cpuOfOther !== undefined)
  if (compared.length > 0) {
    tables.push({
      title: `${title}: CPU time, this build ÷ the other (90 % interval)`,
      columns: ['', 'this ÷ other', 'by the least'],
      rows: compared.map(({ name, cpuOfOther: { median, min, max }, cpuOfOtherByLeast }) =>
        [name, `${number(median, 3)} (${number(min, 3)}..${number(max, 3)})`, number(cpuOfOtherByLeast, 3)]),
    })
  }
  return tables
}

const otherBuild = ', other build'

/** Ours once more with the other build, where there is one. */
function withOther(specs, against) {
  return specs.flatMap((spec) => {
    if (against === undefined || spec.kind !== 'ours') return [spec]
    const other = { ...spec, name: `${spec.name}${otherBuild}`, folder: against }
    return [{ ...spec, against: other.name }, other]
  })
}

/** What has the text in its name, with the bare servers that it is compared with. */
function chosen(specs, only) {
  const found = specs.filter(({ kind, name }) => kind !== 'bare' && only.every((text) => name.includes(text)))
  const bases = new Set(found.map(({ base }) => base))
  return specs.filter((spec) => found.includes(spec) || bases.has(spec.name))
}

async function part(title, specs, { only, against, ...options }) {
  const results = await measureServers(chosen(withOther(specs, against), only), { ...options, title })
  return { results, tables: tablesOf(title, results) }
}

/** The servers of part http. */
const httpSpecs = () => [134, 2000].flatMap((bytes) => {
  const base = `bare, ${bytes}`
  return [
    { name: base, base, kind: 'bare', use: 'none', bytes },
    ...['read', 'written'].map((use) => ({ name: `floor, ${use}, ${bytes}`, base, kind: 'floor', use, bytes })),
    ...[['ignored'], ['read'], ['read', 0], ['written']].map(([use, cacheSize]) => ({
      name: `ours, ${use}${cacheSize === 0 ? ' with cacheSize: 0' : ''}, ${bytes}`,
      base,
      kind: 'ours',
      use,
      cacheSize,
      bytes,
    })),
  ]
})

/** Raw node:http: bare, the floor, and ours. */
export function http(options) {
  const specs = httpSpecs()
  const wanted = options.against === undefined ? specs : specs.filter(({ kind }) => kind !== 'floor')
  return part(options.sockets ? 'node:http' : 'node:http, without sockets', wanted, options)
}

/** Fastify: bare, ours by attach, and @fastify/secure-session. */
export function fastify(options) {
  const on = { on: 'fastify', base: 'Fastify', bytes: 134 }
  const specs = [
    { ...on, name: 'Fastify', kind: 'bare', use: 'none' },
    ...['read', 'written'].flatMap((use) => [
      { ...on, name: `ours, ${use}`, kind: 'ours', use },
      { ...on, name: `secure-session, ${use}`, kind: 'secure-session', use, mayFail: true },
    ]),
  ]
  const wanted = options.against === undefined ? specs : specs.filter(({ kind }) => kind !== 'secure-session')
  return part('Fastify', wanted, { ...options, sockets: true })
}

/** Other libraries on raw node:http. */
export function peers(options) {
  const specs = [
    { name: 'bare', base: 'bare', kind: 'bare', use: 'none', bytes: 134 },
    ...['ours', 'cookie-session', 'client-sessions', 'iron-session'].flatMap((kind) => ['read', 'written'].map((use) =>
      ({ name: `${kind}, ${use}`, base: 'bare', kind, use, bytes: 134, mayFail: kind !== 'ours' }))),
  ]
  return part('Other libraries on node:http', specs, { ...options, against: undefined, sockets: true })
}

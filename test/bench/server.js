import { equal, match, notEqual } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from './child.js'
import { ask } from './connection.js'
import { contenders } from './contenders.js'
import { figure, ratio, shuffled } from './measure.js'
import { number, percent, spread } from './table.js'
import { visit } from './visit.js'

/*
 * Part 2: whole servers, each a process of its own, one after the other kept busy by one process of browsers. What a
 * server did, and the processor time it took for that, it counts itself.
 */

const connections = 32
const warmUp = 100 // milliseconds before each measurement: connections and logins, the caches
const turns = 2 // in each round: what else the machine does comes and goes within seconds

/** It does what its name says: nobody is timed who does less. */
export async function check(name, { use }, port) {
  const login = await ask(port, '/login')
  equal(login.body, visit.constant, `${name} answers a login`)
  const [first, second] = [await ask(port, '/', login.cookie), await ask(port, '/', login.cookie)]
  match(first.body, /^ada@example\.org \d{4}$/, `${name} answers with what the session holds`)
  const setsCookie = ({ head }) => /^set-cookie: /im.test(head)
  if (use !== 'written') {
    equal(first.body, visit.constant, `${name} reads`)
    equal(setsCookie(first), false, `${name} writes no cookie that has not changed`)
    const stranger = await ask(port, '/')
    equal(stranger.body, use === 'read' ? 'undefined undefined' : visit.constant, `${name} knows no stranger`)
    return
  }
  notEqual(first.body, second.body, `${name} changes the session each time`)
  const inMemory = name.startsWith('express-session')
  equal(setsCookie(first), !inMemory, `${name} writes the session to a cookie, or to its memory`)
  if (!inMemory) notEqual(first.cookie, second.cookie, `${name} writes another cookie each time`)
  const after = await ask(port, '/look', inMemory ? login.cookie : second.cookie)
  equal(after.body, second.body, `${name} reads what it wrote`)
}

/**
 * One measurement: requests a second, and microseconds of processor time a request. `awake`: the browsers never sleep,
 * which is fairer to a single server, and would leave several too few processors.
 */
export async function measure(servers, load, port, milliseconds, { awake = false } = {}) {
  await load.ask({ port, connections, awake })
  await sleep(warmUp)
  const from = await Promise.all(servers.map((server) => server.ask('usage')))
  await sleep(milliseconds)
  const to = await Promise.all(servers.map((server) => server.ask('usage')))
  await load.ask('stop')
  const difference = (field) => to.reduce((all, usage, i) => all + usage[field] - from[i][field], 0)
  const seconds = difference('time') / servers.length / 1000
  const requests = difference('requests')
  return { perSecond: requests / seconds, cpu: difference('cpu') / requests, busy: difference('cpu') / 1e6 / seconds }
}

export async function server({ rounds, only, against, quick, say }) {
  const all = new Map([...contenders(against)].filter(([name, { use }]) => use === 'none' || name.includes(only)))
  const load = new Child('load.js')
  const running = new Map()
  const failed = {}
  try {
    for (const [name, contender] of all) {
      const child = new Child('serve.js', against === undefined ? [name] : [name, '--against', against])
      try {
        const { port } = await child.message()
        await check(name, contender, port)
        running.set(name, { child, port, contender, perSecond: [], cpu: [], busy: [] })
      } catch (error) {
        child.end()
        if (name.includes('ours') || contender.use === 'none') throw error
        failed[name] = error.message
      }
    }
    // The first turn is for the compiler.
    for (let turn = 0; turn <= turns * rounds; turn++) {
      say(`servers, turn ${turn} of ${turns * rounds}`)
      for (const { child, port, perSecond, cpu, busy } of shuffled([...running.values()])) {
        const measured = await measure([child], load, port, quick ? 200 : turn === 0 ? 1000 : 400, { awake: true })
        if (turn === 0) continue
        perSecond.push(measured.perSecond)
        cpu.push(measured.cpu)
        busy.push(measured.busy)
      }
    }
  } finally {
    load.end()
    for (const { child } of running.values()) child.end()
  }
  const results = [...running].map(([name, { contender, perSecond, cpu, busy }]) => {
    const base = running.get(contender.base)
    return {
      name,
      base: contender.base,
      perSecond: figure(perSecond),
      perSecondOfBare: ratio(perSecond, base.perSecond),
      cpuMicroseconds: figure(cpu),
      // Requests for the same processor time: what perSecondOfBare is on a machine with nothing else to do.
      requestsOfBareForSameCpu: ratio(base.cpu, cpu),
      requestsOfBareByLeastCpu: Math.min(...base.cpu) / Math.min(...cpu),
      busy: figure(busy),
    }
  })
  const rows = results.map((row) => [
    row.name,
    spread(row.perSecond),
    percent(row.perSecondOfBare),
    spread(row.cpuMicroseconds),
    percent(row.requestsOfBareForSameCpu),
    `${number(row.requestsOfBareByLeastCpu * 100, 0)} %`,
  ])
  for (const [name, reason] of Object.entries(failed)) {
    say(`${name} does not run on this Node: ${reason}`)
    rows.push([name, 'fails', '', '', '', ''])
  }
  const columns = ['', 'requests/s', 'of bare', 'CPU µs/request', 'of bare for the same CPU', 'by the least']
  return { results: { servers: results, failed }, tables: [{ title: 'Servers', columns, rows }] }
}

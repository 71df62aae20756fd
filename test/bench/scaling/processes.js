import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Child } from '../child.js'
import { contenders } from '../contenders.js'
import { figure } from '../measure.js'
import { check, measure } from '../server.js'
import { number, spread } from '../table.js'

/*
 * One process and two, by node:cluster. The browsers need a processor too, so on two of them two processes cannot be
 * twice as fast; the processor time a request is what tells. It counts the waking of the browsers, which sleep here.
 */

const names = ['node:http', 'ours, read', 'ours, written']

export async function processes({ rounds, quick }) {
  const results = names.flatMap((name) => [1, 2].map((count) => ({ name, count, perSecond: [], cpu: [], busy: [] })))
  const load = new Child('load.js')
  try {
    for (let round = 0; round < Math.min(rounds, 5); round++) {
      for (const { name, count, perSecond, cpu, busy } of results) {
        cluster.setupPrimary({ exec: fileURLToPath(new URL('../serve.js', import.meta.url)), args: [name] })
        const workers = Array.from({ length: count }, () => cluster.fork())
        const servers = workers.map((worker) => new Child('serve.js', [name], worker))
        const [{ port }] = await Promise.all(servers.map((server) => server.message()))
        if (round === 0) await check(name, contenders().get(name), port)
        await measure(servers, load, port, 300) // for the compiler
        const measured = await measure(servers, load, port, quick ? 300 : 1000)
        perSecond.push(measured.perSecond)
        cpu.push(measured.cpu)
        busy.push(measured.busy)
        const gone = workers.map((worker) => once(worker, 'exit'))
        for (const server of servers) server.end()
        await Promise.all(gone)
      }
    }
  } finally {
    load.end()
    for (const worker of Object.values(cluster.workers)) worker.process.kill()
  }
  const figures = results.map(({ name, count, perSecond, cpu, busy }) => ({
    name,
    processes: count,
    perSecond: figure(perSecond),
    cpuMicroseconds: figure(cpu),
    processorsBusy: figure(busy),
  }))
  const rows = figures.map(({ name, processes: count, perSecond, cpuMicroseconds, processorsBusy }) =>
    [name, count, spread(perSecond), spread(cpuMicroseconds), number(processorsBusy.median)])
  const columns = ['', 'processes', 'requests/s', 'CPU µs/request', 'processors busy']
  return { results: figures, tables: [{ title: 'node:cluster, beside one process of browsers', columns, rows }] }
}

import { Child } from '../child.js'
import { ask, Connection, requestFor } from '../connection.js'
import { number } from '../table.js'

/*
 * What requests keep in memory: while they wait for their answers, and when they are over.
 */

const names = ['node:http', 'ours, ignored', 'ours, read']
const fail = (error) => { throw error }

const backlog = 200 // connections that a server has not accepted yet; at more than 511 some are lost

async function arrived(server, count) {
  while ((await server.ask('usage')).held < count);
}

/** Requests that the server has read the session of, and not answered yet, each with a cookie of its own. */
export async function inFlight({ quick }) {
  const count = quick ? 1000 : 10_000
  const results = []
  for (const name of names) {
    const server = new Child('serve.js', [name, '--hold'])
    const connections = []
    try {
      const { port } = await server.message()
      const logins = []
      for (let i = 0; i < count; i++) logins.push((await ask(port, '/login')).cookie)
      const before = await server.ask('collect')
      for (const cookie of logins) {
        const connection = new Connection(port, fail)
        connections.push(connection)
        connection.send(requestFor('/hold', cookie), fail)
        if (connections.length % backlog === 0) await arrived(server, connections.length)
      }
      await arrived(server, count)
      const during = await server.ask('collect')
      results.push({
        name,
        requests: count,
        heapBytes: (during.heapUsed - before.heapUsed) / count,
        residentBytes: (during.rss - before.rss) / count,
      })
    } finally {
      for (const connection of connections) connection.close()
      server.end()
    }
  }
  const bare = results[0].heapBytes
  const rows = results.map(({ name, heapBytes, residentBytes }) =>
    [name, number(heapBytes), number(heapBytes - bare), number(residentBytes)])
  const columns = ['', 'heap, bytes a request', 'more than bare', 'resident, bytes a request']
  return { results, tables: [{ title: `${number(count)} requests in flight`, columns, rows }] }
}

/** What the heap has grown by after a million requests, the first hundred thousand left out. */
export async function million({ quick, say }) {
  const count = quick ? 100_000 : 1_000_000
  const load = new Child('load.js')
  const results = {}
  const rows = []
  try {
    for (const name of ['node:http', 'ours, read', 'ours, written']) {
      say(`${number(count)} requests to ${name}`)
      const server = new Child('serve.js', [name])
      try {
        const { port } = await server.message()
        await load.ask({ port, connections: 32, limit: count / 10 })
        const before = await server.ask('collect')
        await load.ask({ port, connections: 32, limit: count })
        const after = await server.ask('collect')
        const [from, to] = [before.heapUsed / 1e6, after.heapUsed / 1e6]
        results[name] = { megabytesBefore: from, megabytesAfter: to, megabytesGrown: to - from }
        rows.push([name, from, to, to - from].map((cell, i) => i === 0 ? cell : number(cell, 2)))
      } finally {
        server.end()
      }
    }
  } finally {
    load.end()
  }
  const ours = ['ours, read', 'ours, written'].map((name) => results[name].megabytesGrown)
  const columns = ['', 'MB before', 'MB after', 'MB grown']
  return {
    results: { requests: count, servers: results, grownMegabytes: Math.max(...ours) },
    tables: [{ title: `Heap after ${number(count)} keep-alive requests`, columns, rows }],
  }
}

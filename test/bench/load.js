import { ask, Connection, requestFor } from './connection.js'

/*
 * The browsers, in a process of their own: each has a connection and the cookie of its own login, and asks for / again
 * as soon as it is answered. The process never sleeps, which takes a processor: to wake it would cost the server, at
 * its write, as much as all else it does, and only those slow enough for the browsers to wait.
 *
 * Its messages: `{ port, connections, filler }` starts, with `filler` as the cookie of a browser whose server sets
 * none; `{ answers, milliseconds }` waits for so many more answers, but no longer than that; 'stop'.
 */

const fail = (error) => { throw error }
let connections = []
let answers = 0
let until = Infinity
let reached

const stayAwake = () => { if (connections.length > 0) setImmediate(stayAwake) }

async function start({ port, connections: count, filler = '' }) {
  const requests = []
  for (let i = 0; i < count; i++) requests.push(requestFor('/', (await ask(port, '/login')).cookie || filler))
  connections = requests.map((request) => {
    const connection = new Connection(port, fail)
    const next = () => {
      if (++answers >= until) reached()
      connection.send(request, next)
    }
    connection.send(request, next)
    return connection
  })
  stayAwake()
}

function wait({ answers: more, milliseconds }) {
  return new Promise((resolve) => {
    until = answers + more
    reached = () => {
      until = Infinity
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(reached, milliseconds)
  })
}

function stop() {
  for (const connection of connections) connection.close()
  connections = []
}

process.on('disconnect', () => process.exit())
process.on('message', async (message) => {
  if (message === 'stop') stop()
  else if (message.port !== undefined) await start(message)
  else await wait(message)
  process.send('done')
})

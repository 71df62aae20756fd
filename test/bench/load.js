import { ask, Connection, requestFor } from './connection.js'

/*
 * The browsers, in a process of their own, started by server.js and scaling: each has a connection, the cookie of its own login,
 * and asks for / again as soon as it is answered. Told to stay awake, the process never sleeps: to wake it would cost
 * the server, at its write, as much as all else it does, and only those slow enough for the browsers to wait. That
 * takes a processor.
 */

const fail = (error) => { throw error }
let staying
const stayAwake = () => { if (staying) setImmediate(stayAwake) }
let stop

/** Keeps `connections` busy until told to stop, or until `limit` requests were answered. */
async function start({ port, connections, limit = Infinity, awake }) {
  staying = awake
  stayAwake()
  const open = []
  let answers = 0
  for (let i = 0; i < connections; i++) {
    const { cookie } = await ask(port, '/login')
    open.push({ connection: new Connection(port, fail), request: requestFor('/', cookie) })
  }
  stop = () => {
    staying = false
    for (const { connection } of open) connection.close()
    process.send({ answers })
  }
  for (const { connection, request } of open) {
    const next = () => {
      answers++
      if (answers === limit) stop()
      else if (answers < limit) connection.send(request, next)
    }
    connection.send(request, next)
  }
}

process.on('disconnect', () => process.exit())
process.on('message', async (message) => {
  if (message === 'stop') stop()
  else {
    await start(message)
    if (message.limit === undefined) process.send('started')
  }
})

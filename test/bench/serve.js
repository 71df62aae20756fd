import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { contenders } from './contenders.js'
import { collectGarbage } from './measure.js'

/*
 * One contender as a server in a process of its own: `node serve.js NAME`, started by server.js and scaling.js. It
 * listens on a free port of the loopback interface, and tells its parent what it used whenever asked. With --hold the
 * answers to /hold wait for ever.
 */

const { values: { against, hold }, positionals: [name] } = parseArgs({
  options: { against: { type: 'string' }, hold: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const contender = contenders(against).get(name)
const held = []
let requests = 0

const counted = (listener) => (req, res) => {
  requests++
  if (hold && req.url === '/hold') {
    res.end = () => res
    held.push(res)
  }
  listener(req, res)
}

async function server() {
  if (contender.fastify === undefined) return createServer(counted(await contender.listener()))
  const { default: Fastify } = await import('fastify')
  const wrap = await contender.wrap?.() ?? ((handler) => handler)
  const app = Fastify({ serverFactory: (handler) => createServer(counted(wrap(handler))) })
  await contender.fastify(app)
  await app.ready()
  return app.server
}

process.on('message', (message) => {
  if (message === 'collect') collectGarbage()
  const { user, system } = process.cpuUsage()
  const { heapUsed, rss } = process.memoryUsage()
  process.send({ requests, cpu: user + system, time: performance.now(), heapUsed, rss, held: held.length })
})
process.on('disconnect', () => process.exit())

const listening = await server()
listening.listen(0, '127.0.0.1', () => process.send({ port: listening.address().port }))

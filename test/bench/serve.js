import { createServer } from 'node:http'
import { answerFor, application } from './app.js'
import { browser } from './exchange.js'
import { codec } from './floor.js'
import { collectGarbage } from './measure.js'
import * as ours from './ours.js'
import * as peers from './peers.js'

/*
 * One server in a process of its own, started by servers.js: `node serve.js SPEC`, where SPEC is the JSON that says
 * which. It listens on a free port of the loopback interface, does requests without sockets when told so, and tells
 * its parent what it has used whenever asked.
 */

/** The least of a server with an encrypted cookie: the floor, and nothing that only a library needs. */
function floorListener(spec) {
  const floor = codec(ours.key)
  const visit = application(spec)
  const attributes = '; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax'
  return (req, res) => {
    const { cookie } = req.headers
    const text = cookie === undefined ? '{}' : floor.open(cookie.slice(cookie.indexOf('=') + 1)).trimEnd()
    const session = JSON.parse(text)
    const body = visit(session, req.url)
    const fields = ['Vary', 'Cookie', 'Content-Length', body.length]
    const after = JSON.stringify(session)
    if (after !== text) {
      const value = floor.seal(after)
      fields.push('Set-Cookie', `session=${value}${attributes}`, 'Cache-Control', 'no-store')
    }
    res.writeHead(200, fields)
    res.end(body)
  }
}

const raw = {
  bare({ bytes }) {
    const constant = answerFor(bytes)
    return (req, res) => res.end(constant)
  },
  floor: floorListener,
  ours: ours.listener,
  ...peers.listeners,
}

const onFastify = {
  bare(Fastify, count, { bytes }) {
    const constant = answerFor(bytes)
    const app = Fastify({ serverFactory: count })
    app.get('*', (request, reply) => reply.send(constant))
    return app
  },
  'ours': ours.fastify,
  'secure-session': peers.fastify,
}

let requests = 0

/** A server that counts its requests. */
const counting = (listener) => createServer((req, res) => {
  requests++
  listener(req, res)
})

async function serverFor({ on, kind, ...spec }) {
  if (on !== 'fastify') return counting(await raw[kind](spec))
  const { default: Fastify } = await import('fastify')
  const app = await onFastify[kind](Fastify, counting, spec)
  await app.ready()
  return app.server
}

let exchanges

process.on('message', (message) => {
  if (message === 'collect') collectGarbage()
  if (message.exchanges !== undefined) {
    exchanges ??= browser(server, message.filler)
    exchanges(message.exchanges)
  }
  const { user, system } = process.cpuUsage()
  process.send({ requests, cpu: user + system, time: performance.now(), heapUsed: process.memoryUsage().heapUsed })
})
process.on('disconnect', () => process.exit())

const server = await serverFor(JSON.parse(process.argv[2]))
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))

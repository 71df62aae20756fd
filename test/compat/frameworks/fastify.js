import fastify from 'fastify'
import http from 'node:http'
import { Readable } from 'node:stream'
import { nodeListener } from './node-listener.js'

async function serve(routes, wrap, handle) {
  const app = fastify({ serverFactory: (handler) => http.createServer(wrap(handler)) })
  for (const [path, route] of routes) app.get(path, (request, reply) => handle(route, request, reply, routes))
  await app.ready()
  return app.server
}

async function reply(route, request, reply) {
  const { headers = {}, text, json, stream } = await route(request.raw)
  return reply.headers(headers).send(stream === undefined ? json ?? text : Readable.from(stream))
}

function hijack(route, request, reply, routes) {
  reply.hijack()
  return nodeListener(routes)(request.raw, reply.raw)
}

export default [
  { name: 'Fastify 5, serverFactory', serve: (routes, wrap) => serve(routes, wrap, reply) },
  { name: 'Fastify 5, hijack and reply.raw', serve: (routes, wrap) => serve(routes, wrap, hijack) },
]

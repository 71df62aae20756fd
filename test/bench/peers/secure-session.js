import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import secureSession from '@fastify/secure-session'
import { visit } from '../visit.js'

const key = randomBytes(32)

/** sodium-native's secretbox, by the functions that the plug-in itself offers, less the parsing of the header. */
export async function codec() {
  const fastify = Fastify()
  fastify.register(secureSession, { key })
  await fastify.ready()
  return {
    seal: (session) => fastify.encodeSecureSession(fastify.createSecureSession({ ...session })),
    open: (value) => fastify.decodeSecureSession(value).data(),
    cookie: (value) => `session=${encodeURIComponent(value)}`,
  }
}

export function plugin(fastify, writes) {
  fastify.register(secureSession, { key, cookie: { path: '/' } })
  fastify.get('*', (request, reply) => reply.send(visit(request.session, request.url, writes)))
}

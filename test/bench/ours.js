import { readdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { answerFor, application } from './app.js'

/** The folder of the build that is measured. */
export const built = new URL('../../dist/', import.meta.url)

/** The library from a folder with a build of it: this repository's unless told otherwise. */
export function library(folder) {
  return import(new URL('index.js', folder === undefined ? built : pathToFileURL(`${folder}/`)))
}

/** The names of the build's scripts. */
export const scripts = () => readdirSync(built).filter((file) => file.endsWith('.js'))

/** The texts of lib/. */
export function sources() {
  const lib = new URL('../../lib/', import.meta.url)
  return readdirSync(lib).filter((file) => file.endsWith('.ts')).map((file) => readFileSync(new URL(file, lib), 'utf8'))
}

export const key = Buffer.alloc(32, 'for measurements only; ')

/** A listener of node:http with the library around it. */
export async function listener(spec) {
  const { SessionHandler, Session } = await library(spec.folder)
  const visit = application(spec)
  const asking = (req, res) => res.end(visit(Session.get(req), req.url))
  const constant = answerFor(spec.bytes)
  const ignoring = (req, res) => req.url === '/login' ? asking(req, res) : res.end(constant)
  const { cacheSize = 1000 } = spec
  return new SessionHandler(spec.use === 'ignored' ? ignoring : asking, key, Session, { cacheSize }).listener
}

/** Fastify with `attach` in a hook. */
export async function fastify(Fastify, count, spec) {
  const { SessionHandler, Session } = await library(spec.folder)
  const visit = application(spec)
  const { attach } = new SessionHandler(null, key, Session)
  const app = Fastify({ serverFactory: count })
  app.addHook('onRequest', (request, reply, done) => { attach(request.raw, reply.raw, done) })
  app.get('*', (request, reply) => reply.send(visit(Session.get(request.raw), request.url)))
  return app
}

/** As little of a request as `read` looks at. */
export const requestWith = (cookie) => ({ headers: { cookie }, socket: {} })

/** Seals and opens; reads from a request too, as a server does. */
export async function codec(folder) {
  const { SessionHandler, RequestSessions } = await library(folder)
  const handler = new SessionHandler(null, key, new RequestSessions())
  return {
    seal: (session) => handler.encodeCookie(session),
    open: (value) => handler.decodeCookie(value),
    readCached: (cookie) => handler.read(requestWith(cookie)),
  }
}

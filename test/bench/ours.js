import { readdirSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { answerFor, application } from './app.js'

/** The folder of the build that is measured. */
export const built = new URL('../../dist/', import.meta.url)

/** The library from a folder with a build of it: this repository's unless told otherwise. */
export function library(folder) {
  return import(new URL('index.js', folder === undefined ? built : pathToFileURL(`${folder}/`)))
}

/** The names and bytes of the build's scripts. */
export const scripts = () => readdirSync(built).filter((file) => file.endsWith('.js'))

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

/** Fastify with the library around its own listener, or with `attach` in a hook. */
export async function fastify(Fastify, count, { how, ...spec }) {
  const { SessionHandler, Session } = await library(spec.folder)
  const visit = application(spec)
  const { cacheSize = 1000 } = spec
  const around = (listener) => new SessionHandler(listener, key, Session, { cacheSize })
  const app = Fastify({
    serverFactory: (listener) => count(how === 'serverFactory' ? around(listener).listener : listener),
  })
  if (how === 'attach') {
    const handler = around(null)
    app.addHook('onRequest', (request, reply, done) => {
      handler.attach(request.raw, reply.raw)
      done()
    })
  }
  app.get('*', (request, reply) => reply.send(visit(Session.get(request.raw), request.url)))
  return app
}

/** As little of a request as `read` looks at. */
export const requestWith = (cookie) => ({ headers: { cookie }, socket: {} })

/** Seals and opens; opens by a request too, as a server does. */
export async function codec(folder) {
  const { SessionHandler, RequestSessions } = await library(folder)
  const handler = (cacheSize) => new SessionHandler(() => {}, key, new RequestSessions(), { cacheSize })
  const forgetful = handler(0)
  const remembering = handler(1000)
  return {
    seal: (session) => forgetful.encodeCookie(session),
    open: (value) => forgetful.decodeCookie(value),
    read: (cookie) => forgetful.read(requestWith(cookie)),
    recall: (cookie) => remembering.read(requestWith(cookie)),
  }
}

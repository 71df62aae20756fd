import { pathToFileURL } from 'node:url'
import { usual } from './session.js'
import { visit } from './visit.js'

/** The folder of the build that is measured. */
export const built = new URL('../../dist/', import.meta.url)

/** The library from a folder with a build of it: this one's unless told otherwise. */
export async function library(folder) {
  return import(new URL('index.js', folder === undefined ? built : pathToFileURL(`${folder}/`)))
}

const key = Buffer.alloc(32, 'for measurements only; ') // the same in each process of a cluster
const nobody = () => {}

/** Seals and opens; opens by a request too, as a server does. */
export async function codec(folder) {
  const { SessionHandler, RequestSessions } = await library(folder)
  const handler = (remember) => new SessionHandler(nobody, key, new RequestSessions(), { remember })
  const forgetful = handler(0)
  const remembering = handler(1000)
  return {
    seal: (session) => forgetful.encodeCookie(session),
    open: (value) => forgetful.decodeCookie(value),
    read: (cookie) => forgetful.read(requestWith(cookie)),
    recall: (cookie) => remembering.read(requestWith(cookie)),
    cookie: (value) => `session=${value}`,
  }
}

/** As little of a request as `read` looks at. */
export function requestWith(cookie) {
  return { headers: { cookie }, socket: {} }
}

function around({ SessionHandler, Session }, { use, remember = 1000, sessions = Session }) {
  const ignoring = (req, res) => res.end(req.url === '/login' ? visit(sessions.get(req), req.url) : visit.constant)
  const asking = (req, res) => res.end(visit(sessions.get(req), req.url, use === 'written'))
  return new SessionHandler(use === 'ignored' ? ignoring : asking, key, sessions, { remember })
}

/** A listener with the library around it. `use`: 'ignored', 'read' or 'written'. */
export async function listener({ folder, ...options }) {
  return around(await library(folder), options).listener
}

/** One listener for each use, and a cookie's value that all of them open. */
export async function listeners(folder) {
  const used = await library(folder)
  const handler = (use, remember) => around(used, { use, remember, sessions: new used.RequestSessions() })
  return {
    value: handler('read').encodeCookie(usual),
    listeners: {
      ignored: handler('ignored').listener,
      read: handler('read').listener,
      'read, remember: 0': handler('read', 0).listener,
      written: handler('written').listener,
    },
  }
}

/** Fastify's own listener with the library around it, and a route that uses it. */
export async function fastifyOptions(folder) {
  const { SessionHandler } = await library(folder)
  return { wrap: (handler) => new SessionHandler(handler, key).listener }
}

export async function plugin(fastify, writes, folder) {
  const { Session } = await library(folder)
  fastify.get('*', (request, reply) => reply.send(visit(Session.get(request.raw), request.url, writes)))
}

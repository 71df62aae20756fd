import * as floor from './floor-server.js'
import * as ours from './ours.js'
import { visit } from './visit.js'

/*
 * The servers. A contender is `{ base, use, listener }` for node:http or `{ base, use, fastify }` for Fastify. `base`
 * is the bare server that it is compared with, `use` what it does with the session at each request.
 */

const bare = 'node:http'
const bareFastify = 'Fastify'

const peer = (name, use) => ({
  base: bare,
  use,
  listener: async () => (await import(`./peers/${name}.js`)).listener(use === 'written'),
})

const least = (use, options) => ({ base: bare, use, listener: () => floor.listener(use, options) })

const own = (use, remember, folder) => ({ base: bare, use, listener: () => ours.listener({ use, remember, folder }) })

const ownFastify = (use, folder) => ({
  base: bareFastify,
  use,
  wrap: async () => (await ours.fastifyOptions(folder)).wrap,
  fastify: (app) => ours.plugin(app, use === 'written', folder),
})

const securePlugin = (use) => ({
  base: bareFastify,
  use,
  fastify: async (app) => (await import('./peers/secure-session.js')).plugin(app, use === 'written'),
})

/** Every contender by its name. `against`: the folder of another build of the library, to be compared with this. */
export function contenders(against) {
  return new Map(Object.entries({
    [bare]: { base: bare, use: 'none', listener: () => (req, res) => res.end(visit.constant) },
    'floor, ignored': least('ignored'),
    'floor, read': least('read'),
    'floor, read, remember: 0': least('read', { remembers: false }),
    'floor, written': least('written'),
    'hooked floor, ignored': least('ignored', { hooked: true }),
    'hooked floor, read': least('read', { hooked: true }),
    'hooked floor, read, remember: 0': least('read', { hooked: true, remembers: false }),
    'hooked floor, written': least('written', { hooked: true }),
    'ours, ignored': own('ignored'),
    'ours, read': own('read'),
    'ours, read, remember: 0': own('read', 0),
    'ours, written': own('written'),
    ...(against !== undefined && {
      'ours, other build, ignored': own('ignored', undefined, against),
      'ours, other build, read': own('read', undefined, against),
      'ours, other build, read, remember: 0': own('read', 0, against),
      'ours, other build, written': own('written', undefined, against),
    }),
    'cookie-session, read': peer('cookie-session', 'read'),
    'cookie-session, written': peer('cookie-session', 'written'),
    'client-sessions, read': peer('client-sessions', 'read'),
    'client-sessions, written': peer('client-sessions', 'written'),
    'express-session (memory), read': peer('express-session', 'read'),
    'express-session (memory), written': peer('express-session', 'written'),
    'iron-session, read': peer('iron-session', 'read'),
    'iron-session, written': peer('iron-session', 'written'),
    [bareFastify]: {
      base: bareFastify,
      use: 'none',
      fastify: (app) => app.get('*', (request, reply) => reply.send(visit.constant)),
    },
    'Fastify + ours, read': ownFastify('read'),
    'Fastify + ours, written': ownFastify('written'),
    'Fastify + secure-session, read': securePlugin('read'),
    'Fastify + secure-session, written': securePlugin('written'),
  }))
}

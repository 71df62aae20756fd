import { randomBytes, webcrypto } from 'node:crypto'
import { application, changes } from './app.js'

/*
 * Other libraries, by their own documentation and with the versions that package-lock.json pins: what seals and opens
 * (for part codec), and a listener of node:http or an app of Fastify (for whole servers). Each is loaded when asked
 * for.
 */

const secret = randomBytes(32).toString('base64url')

/** A middleware of Connect as a listener. */
const asListener = (middleware, spec) => {
  const visit = application(spec)
  return (req, res) => middleware(req, res, () => {
    const body = visit(req.session, req.url)
    res.setHeader('Content-Length', body.length) // as frameworks do; without it two writes of a middleware are chunks
    res.end(body)
  })
}

export const codecs = {
  /** What it does to a session and back, without its Cookies class: it signs, and does not encrypt. */
  async 'cookie-session (signs only)'() {
    const { default: Keygrip } = await import('keygrip')
    const keygrip = new Keygrip([secret])
    return {
      seal(session) {
        const value = Buffer.from(JSON.stringify(session)).toString('base64')
        return { value, signature: keygrip.sign(`session=${value}`) }
      },
      open({ value, signature }) {
        if (!keygrip.verify(`session=${value}`, signature)) throw new Error('the signature does not match')
        return JSON.parse(Buffer.from(value, 'base64').toString('utf8'))
      },
      length: ({ value, signature }) => `session=${value}; session.sig=${signature}`.length,
    }
  },

  async 'client-sessions'() {
    const { default: clientSessions } = await import('client-sessions')
    const own = { cookieName: 'session', secret, duration: 86_400_000 } // it keeps the derived keys there
    return {
      seal: (session) => clientSessions.util.encode(own, session, own.duration),
      open: (value) => clientSessions.util.decode(own, value).content,
    }
  },

  /** sodium-native's secretbox, by the functions that the plug-in itself offers, less the parsing of the header. */
  async '@fastify/secure-session'() {
    const { default: Fastify } = await import('fastify')
    const fastify = await secureSession(Fastify())
    await fastify.ready()
    return {
      seal: (session) => fastify.encodeSecureSession(fastify.createSecureSession({ ...session })),
      open: (value) => fastify.decodeSecureSession(value).data(),
      length: (value) => `session=${encodeURIComponent(value)}`.length,
    }
  },

  /** A JWE: one shared key used as it is (`dir`), AES-256-GCM. The key is imported once. */
  async 'jose, dir + A256GCM'() {
    const { EncryptJWT, jwtDecrypt } = await import('jose')
    const key = await webcrypto.subtle.importKey('raw', randomBytes(32), 'AES-GCM', false, ['encrypt', 'decrypt'])
    const header = { alg: 'dir', enc: 'A256GCM' }
    return {
      awaited: true,
      seal: (session) =>
        new EncryptJWT(session).setProtectedHeader(header).setIssuedAt().setExpirationTime('24h').encrypt(key),
      async open(value) {
        const { iat, exp, ...session } = (await jwtDecrypt(value, key)).payload
        return session
      },
    }
  },

  async 'iron-session'() {
    const { sealData, unsealData } = await import('iron-session')
    const options = { cookieName: 'session', password: secret }
    return {
      awaited: true,
      seal: (session) => sealData(session, options),
      open: (value) => unsealData(value, options),
    }
  },
}

export const listeners = {
  async 'cookie-session'(spec) {
    const { default: cookieSession } = await import('cookie-session')
    return asListener(cookieSession({ name: 'session', keys: [secret] }), spec)
  },

  async 'client-sessions'(spec) {
    const { default: clientSessions } = await import('client-sessions')
    return asListener(clientSessions({ cookieName: 'session', secret, duration: 86_400_000 }), spec)
  },

  async 'iron-session'(spec) {
    const { getIronSession } = await import('iron-session')
    const visit = application(spec)
    return async (req, res) => {
      const session = await getIronSession(req, res, { cookieName: 'session', password: secret })
      const body = visit(session, req.url)
      if (changes(spec, req.url)) await session.save()
      res.end(body)
    }
  },

  /** The session is in Redis, its cookie holds a signed number. */
  async 'express-session, Redis'({ port, disableTouch = false, ...spec }) {
    const [{ default: expressSession }, { RedisStore }, { createClient }] =
      await Promise.all([import('express-session'), import('connect-redis'), import('redis')])
    const client = createClient({ url: `redis://127.0.0.1:${port}` })
    await client.connect()
    const store = new RedisStore({ client, disableTouch })
    return asListener(expressSession({ secret, store, resave: false, saveUninitialized: false }), spec)
  },
}

async function secureSession(app) {
  const { default: plugin } = await import('@fastify/secure-session')
  return app.register(plugin, { key: randomBytes(32), cookieName: 'session', cookie: { path: '/', httpOnly: true } })
}

/** Fastify with @fastify/secure-session. */
export async function fastify(Fastify, count, spec) {
  const visit = application(spec)
  const app = Fastify({ serverFactory: count })
  await secureSession(app)
  app.get('*', (request, reply) => reply.send(visit(request.session, request.url)))
  return app
}

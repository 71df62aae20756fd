import compression from 'compression'
import cookieSession from 'cookie-session'
import express from 'express'
import expressSession from 'express-session'
import helmet from 'helmet'
import { getIronSession } from 'iron-session'
import morgan from 'morgan'
import http from 'node:http'
import onHeaders from 'on-headers'
import { RequestSessions, SessionHandler } from '../library.js'
import { key } from '../story/app.js'
import { expressApp } from './express.js'
import { nodeListener } from './node-listener.js'

const secret = 'a secret of these tests, which seals nothing that matters'
const marks = (req, res, next) => {
  onHeaders(res, function () { this.setHeader('X-Marked', 'yes') })
  next()
}
const quiet = { write() {} }
const onLogin = (change) => (req, res, next) => {
  if (!req.url.startsWith('/login')) return next()
  Promise.resolve(change(req, res)).then(() => next(), next)
}

const other = {
  'express-session': [
    expressSession({ name: 'other.sid', secret, resave: false, saveUninitialized: false }),
    onLogin((req) => { req.session.seen = true }),
  ],
  'cookie-session': [
    cookieSession({ name: 'other.cs', keys: [secret] }),
    onLogin((req) => { req.session.seen = true }),
  ],
  'iron-session': [
    onLogin(async (req, res) => {
      const session = await getIronSession(req, res, { cookieName: 'other.iron', password: secret })
      session.seen = true
      await session.save()
    }),
  ],
}

const inside = (name, middleware, more) => ({
  name: `${name}, inside`,
  serve: (routes, wrap) => http.createServer(wrap(expressApp(express, routes, middleware))),
  ...more,
})

/** Around the session handler: `middleware` sees the response first, and its hooks run last. */
const outside = (name, middleware, more) => ({
  name: `${name}, outside`,
  serve: (routes, wrap) => {
    const listener = wrap(nodeListener(routes))
    return http.createServer((req, res) => {
      middleware(req, res, (error) => {
        if (error) throw error
        listener(req, res)
      })
    })
  },
  ...more,
})

const gzip = { headers: { 'Accept-Encoding': 'gzip' } }
const compress = () => compression({ threshold: 0 })

export default [
  inside('compression', [compress()]),
  inside('compression, gzip', [compress()], gzip),
  outside('compression', compress()),
  outside('compression, gzip', compress(), gzip),
  inside('helmet', [helmet()]),
  outside('helmet', helmet()),
  inside('morgan', [morgan('combined', { stream: quiet })]),
  outside('morgan', morgan('combined', { stream: quiet })),
  inside('on-headers', [marks]),
  outside('on-headers', marks),
  inside('express-session', other['express-session'], { cookies: ['other.sid'] }),
  outside('express-session', expressSession({ name: 'other.sid', secret, resave: false, saveUninitialized: false })),
  inside('cookie-session', other['cookie-session'], { cookies: ['other.cs', 'other.cs.sig'] }),
  outside('cookie-session', cookieSession({ name: 'other.cs', keys: [secret] })),
  inside('iron-session', other['iron-session'], { cookies: ['other.iron'] }),
  inside('all that go together', [
    morgan('combined', { stream: quiet }), helmet(), compress(), marks,
    ...other['express-session'], ...other['iron-session'],
  ], { ...gzip, cookies: ['other.sid', 'other.iron'] }),
  {
    name: 'as a middleware of Express 5',
    serve: (routes, wrap) => {
      const listener = wrap((req) => req.next())
      return http.createServer(expressApp(express, routes, [listener]))
    },
  },
  {
    name: 'another session handler, inside',
    cookies: ['inner'],
    serve: (routes, wrap) => {
      const sessions = new RequestSessions()
      const listener = nodeListener(routes)
      const inner = new SessionHandler((req, res) => {
        if (req.url.startsWith('/login')) sessions.get(req).seen = true
        return listener(req, res)
      }, key, sessions, { cookieName: 'inner' })
      return http.createServer(wrap(inner.listener))
    },
  },
]

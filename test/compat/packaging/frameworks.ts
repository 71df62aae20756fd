// The library among the types of frameworks. Never run: only compiled.
import express from 'express'
import fastify from 'fastify'
import Koa from 'koa'
import http from 'node:http'
import { Session, SessionHandler } from 'seshcookie-http'

const key = new Uint8Array(32)

const app = express()
app.get('/', (req, res) => { res.json(Session.get(req)) })
http.createServer(new SessionHandler(app, key).listener)

const koa = new Koa()
koa.use((ctx) => { ctx.body = Session.get(ctx.req)['user'] })
http.createServer(new SessionHandler(koa.callback(), key).listener)

const server = fastify({ serverFactory: (handler) => http.createServer(new SessionHandler(handler, key).listener) })
server.get('/', (request) => Session.get(request.raw))

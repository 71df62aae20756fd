import http from 'node:http'
import Koa from 'koa'
import { Readable } from 'node:stream'

function serve(routes, wrap) {
  const table = new Map(routes)
  const app = new Koa()
  app.silent = true
  app.use(async (ctx) => {
    const route = table.get(ctx.path)
    if (route === undefined) return
    const { headers = {}, text, json, stream } = await route(ctx.req)
    ctx.set(headers)
    ctx.body = stream === undefined ? json ?? text : Readable.from(stream)
  })
  return http.createServer(wrap(app.callback()))
}

export default [{ name: 'Koa 3', serve }]

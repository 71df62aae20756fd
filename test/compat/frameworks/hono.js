import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import http from 'node:http'

function serve(routes, wrap) {
  const app = new Hono()
  for (const [path, route] of routes) {
    app.get(path, async (c) => {
      const { headers = {}, text, json, stream } = await route(c.env.incoming)
      for (const [name, value] of Object.entries(headers)) {
        for (const one of [value].flat()) c.header(name, one, { append: true })
      }
      if (stream !== undefined) return c.body(ReadableStream.from(bytes(stream)))
      return json === undefined ? c.text(text) : c.json(json)
    })
  }
  app.onError((error, c) => c.text('failed', 500))
  return http.createServer(wrap(getRequestListener(app.fetch)))
}

async function* bytes(stream) {
  for await (const part of stream) yield new TextEncoder().encode(part)
}

export default [{ name: 'Hono, @hono/node-server', serve }]

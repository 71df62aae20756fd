import { H3, toNodeHandler } from 'h3/node'
import http from 'node:http'

function serve(routes, wrap) {
  const app = new H3({ silent: true })
  for (const [path, route] of routes) {
    app.get(path, async (event) => {
      const { headers = {}, text, json, stream } = await route(event.runtime.node.req)
      for (const [name, value] of Object.entries(headers)) {
        for (const one of [value].flat()) event.res.headers.append(name, one)
      }
      return stream === undefined ? json ?? text : ReadableStream.from(stream)
    })
  }
  return http.createServer(wrap(toNodeHandler(app)))
}

export default [{ name: 'h3', serve }]

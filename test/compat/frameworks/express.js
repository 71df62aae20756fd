import express5 from 'express'
import express4 from 'express4'
import http from 'node:http'
import { Readable } from 'node:stream'

/** The routes in an Express application, after `middleware`. */
export function expressApp(express, routes, middleware = []) {
  const app = express()
  app.set('env', 'test') // no stack traces on stderr
  for (const one of middleware) app.use(one)
  for (const [path, route] of routes) {
    app.get(path, async (req, res, next) => {
      try {
        const { headers = {}, text, json, stream } = await route(req)
        res.set(headers)
        if (stream !== undefined) Readable.from(stream).pipe(res.type('text'))
        else if (json !== undefined) res.json(json)
        else res.send(text)
      } catch (error) {
        next(error)
      }
    })
  }
  return app
}

export default [['Express 5', express5], ['Express 4', express4]].map(([name, express]) => ({
  name,
  serve: (routes, wrap) => http.createServer(wrap(expressApp(express, routes))),
}))

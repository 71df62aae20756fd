import connect from 'connect'
import http from 'node:http'
import { pathOf, send } from './node-listener.js'

/** The routes as one function of the shape that Connect made common. */
export function middleware(routes) {
  const table = new Map(routes)
  return (req, res, next) => {
    const route = table.get(pathOf(req))
    if (route === undefined) next()
    else Promise.resolve().then(() => route(req)).then((answer) => send(res, answer)).catch(next)
  }
}

function serve(routes, wrap) {
  const app = connect()
  app.use(middleware(routes))
  // The default answer prints the error's stack.
  app.use((error, req, res, next) => {
    res.statusCode = 500
    res.end('failed')
  })
  return http.createServer(wrap(app))
}

export default [{ name: 'Connect', serve }]

import next from 'next'
import http from 'node:http'
import { join } from 'node:path'

// Built before by `next build`; runtimes.js does it.
const app = next({ dev: false, dir: join(import.meta.dirname, 'next') })
let prepared

async function serve(routes, wrap) {
  await (prepared ??= app.prepare())
  const handle = app.getRequestHandler()
  const table = new Map(routes)
  return http.createServer(wrap((req, res) => {
    req.routes = table
    req.url = `/api${req.url}`
    return handle(req, res)
  }))
}

export default [{ name: 'Next.js, custom server', serve }]

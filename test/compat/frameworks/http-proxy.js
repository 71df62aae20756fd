import http from 'node:http'
import httpProxy from 'http-proxy'
import { listen } from '../servers.js'
import { nodeListener, pathOf } from './node-listener.js'

/**
 * A server with the sessions in front of one without: what a route answers crosses a proxied connection. The session
 * is asked and changed in front, before the request goes on.
 */
async function serve(routes, wrap) {
  const answers = new Map()
  const given = (req) => answers.get(req.headers['x-id'])
  const back = http.createServer(nodeListener(routes.map(([path]) => [path, given])))
  const target = { host: '127.0.0.1', port: await listen(back) }
  const proxy = httpProxy.createProxyServer({ target })
  const table = new Map(routes)
  let count = 0
  const server = http.createServer(wrap(async (req, res) => {
    try {
      const id = String(++count)
      answers.set(id, await table.get(pathOf(req))?.(req))
      req.headers['x-id'] = id
      proxy.web(req, res)
    } catch {
      res.statusCode = 500
      res.end('failed')
    }
  }))
  server.on('close', () => back.close())
  return server
}

export default [{ name: 'http-proxy', serve }]

import { Readable } from 'node:stream'

/** The routes as a plain listener, for node's own servers. */
export function nodeListener(routes) {
  const table = new Map(routes)
  return async (req, res) => {
    try {
      const route = table.get(pathOf(req))
      const answer = route === undefined ? { status: 404, text: 'nothing here' } : await route(req)
      send(res, answer)
    } catch {
      res.statusCode = 500
      res.end('failed')
    }
  }
}

/** An answer, sent in node's own ways. */
export function send(res, { status = 200, headers = {}, text, json, stream }) {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  if (stream !== undefined) {
    res.statusCode = status
    Readable.from(stream).pipe(res)
    return
  }
  res.writeHead(status, { 'Content-Type': json === undefined ? 'text/plain' : 'application/json' })
  res.end(json === undefined ? text : JSON.stringify(json))
}

export function pathOf(req) {
  return req.url.replace(/\?.*/, '')
}

import { equal } from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'

/*
 * Requests without sockets: Node's own request and response objects on a socket that does nothing. Not what a server
 * costs, but what is added to it is seen through less noise, and without another process.
 */

let written = ''
let listening = true // to what is written

const socket = new Duplex()
socket.write = (bytes) => {
  if (listening) written += bytes
  return true
}

/** One request through a server, from the head that a parser made to the response's end. */
function exchange(server, url, cookie) {
  const req = new IncomingMessage(socket)
  req.method = 'GET'
  req.url = url
  req.httpVersionMajor = req.httpVersionMinor = 1
  // A new string each time, which nobody has hashed yet.
  req.headers = { host: 'localhost', accept: '*/*', ...(cookie && { cookie: cookie.latin1Slice(0, cookie.length) }) }
  const res = new ServerResponse(req)
  res.assignSocket(socket)
  server.emit('request', req, res)
  res.detachSocket(socket)
  res.emit('close')
  return res
}

/** A function that does so many requests of one browser, which is logged in. */
export function browser(server, filler) {
  exchange(server, '/login')
  const [, set = filler] = /^set-cookie: ([^;\r]*)/im.exec(written) ?? []
  const cookie = Buffer.from(set, 'latin1')
  written = ''
  equal(exchange(server, '/', cookie).writableEnded, true, 'only what answers at once can be asked without sockets')
  listening = false
  return (count) => {
    for (let i = 0; i < count; i++) exchange(server, '/', cookie)
  }
}

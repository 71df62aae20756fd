import http from 'node:http'
import http2 from 'node:http2'
import { http2Request, parseMessages, rawExchange, requestText } from '../raw.js'
import { equal, row } from '../report.js'
import { listen, stop } from '../servers.js'
import { withSession } from '../story/app.js'
import { sharedByRequests, ways } from './ways.js'
import { act, compareAll, cookie, modes, ownCookies, respond } from './wire.js'

/** All ways that HTTP/1.1 has, over one connection each; a message of 1xx may come before the answer. */
export function http1Rows(suite) {
  const exchange = async (port, headers, { method = 'GET', version = '1.1' }) => {
    const text = requestText(method, '/', headers).replace('HTTP/1.1', `HTTP/${version}`)
    return parseMessages(await rawExchange(port, text), [method])
  }
  return rows(suite, http, http.ServerResponse, () => false, exchange)
}

/** All ways that HTTP/2 has, over node's compatibility API. */
export function http2Rows(suite) {
  const exchange = async (port, headers, { method }) => [await http2Request(port, '/', { method, headers })]
  return rows(suite, http2, http2.Http2ServerResponse, ({ http1 }) => http1, exchange)
}

async function rows(suite, { createServer }, { prototype }, leftOut, exchange) {
  // The request says what to do: row, own cookies, mode.
  const listener = (req, res) => {
    const { 'x-way': way, 'x-own': own, 'x-mode': mode } = req.headers
    act(mode, req)
    return respond(ways[way][1], Object.values(ownCookies)[own], res, req)
  }
  const [bare, server] = [createServer(listener), createServer(withSession(listener))]
  const [barePort, port] = [await listen(bare), await listen(server)]
  const before = sharedByRequests()

  for (const [index, [name, , how = {}]] of ways.entries()) {
    if (leftOut(how) || (how.has !== undefined && !(how.has in prototype))) continue
    for (const [own, title] of Object.keys(ownCookies).entries()) {
      if (own > 0 && how.alone) continue
      for (const mode of modes) {
        await row(suite, `${name}, ${title}`, mode, async () => {
          const headers = { 'Cookie': cookie, 'X-Way': String(index), 'X-Own': String(own), ...how.headers }
          const wanted = await exchange(barePort, headers, how)
          const got = await exchange(port, { ...headers, 'X-Mode': mode }, how)
          compareAll(mode, wanted, got, how)
        })
      }
    }
  }
  await row(suite, 'what requests share', 'stays as it was', () => equal(sharedByRequests(), before, 'the constants'))
  stop(bare)
  stop(server)
}

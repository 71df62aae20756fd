import http from 'node:http'
import { parseMessages, rawExchange, requestText } from '../raw.js'
import { equal, row } from '../report.js'
import { listen, stop } from '../servers.js'
import { withSession } from '../story/app.js'
import { sharedByRequests, ways } from './ways.js'
import { act, compare, cookie, modes, ownCookies, respond } from './wire.js'

/** All ways, over one connection each. */
export async function http1Rows(suite) {
  // The request says what to do: row, own cookies, mode.
  const listener = (req, res) => {
    const { 'x-way': way, 'x-own': own, 'x-mode': mode } = req.headers
    act(mode, req)
    return respond(ways[way][1], Object.values(ownCookies)[own], res, req)
  }
  const [bare, server] = [http.createServer(listener), http.createServer(withSession(listener))]
  const [barePort, port] = [await listen(bare), await listen(server)]
  const before = sharedByRequests()

  for (const [index, [name, respond, { method = 'GET', headers, version = '1.1', has, bypass } = {}]] of ways.entries()) {
    if (has !== undefined && http.ServerResponse.prototype[has] === undefined) continue
    for (const [own, title] of Object.keys(ownCookies).entries()) {
      if (own > 0 && !/cookies/.test(respond.toString())) continue
      for (const mode of modes) {
        await row(suite, `${name}, ${title}`, mode, async () => {
          const ask = (headers) => requestText(method, '/', headers).replace('HTTP/1.1', `HTTP/${version}`)
          const common = { Cookie: cookie, 'X-Way': index, 'X-Own': own, ...headers }
          const wanted = parseMessages(await rawExchange(barePort, ask(common)), [method])
          const got = parseMessages(await rawExchange(port, ask({ ...common, 'X-Mode': mode })), [method])
          equal(got.map(({ start }) => start), wanted.map(({ start }) => start), 'status lines')
          for (const [i, message] of wanted.entries()) compare(mode, message, got[i], { bypass })
        })
      }
    }
  }
  await row(suite, 'what requests share', 'stays as it was', () => equal(sharedByRequests(), before, 'shared constants'))
  stop(bare)
  stop(server)
}

import http2 from 'node:http2'
import { http2Request } from '../raw.js'
import { equal, row } from '../report.js'
import { listen, stop } from '../servers.js'
import { withSession } from '../story/app.js'
import { sharedByRequests, ways } from './ways.js'
import { act, compare, cookie, modes, ownCookies, respond } from './wire.js'

/** The ways that HTTP/2 has, over one connection each. */
export async function http2Rows(suite) {
  const listener = (req, res) => {
    const { 'x-way': way, 'x-own': own, 'x-mode': mode } = req.headers
    act(mode, req)
    return respond(ways[way][1], Object.values(ownCookies)[own], res, req)
  }
  const [bare, server] = [http2.createServer(listener), http2.createServer(withSession(listener))]
  const [barePort, port] = [await listen(bare), await listen(server)]
  const before = sharedByRequests()

  for (const [index, [name, respond, { method, headers, http1, has, bypass } = {}]] of ways.entries()) {
    if (http1 || (has !== undefined && !(has in http2.Http2ServerResponse.prototype))) continue
    for (const [own, title] of Object.keys(ownCookies).entries()) {
      if (own > 0 && !/cookies/.test(respond.toString())) continue
      for (const mode of modes) {
        await row(suite, `${name}, ${title}`, mode, async () => {
          const common = { cookie, 'x-way': String(index), 'x-own': String(own), ...headers }
          const wanted = await http2Request(barePort, '/', { method, headers: common })
          const got = await http2Request(port, '/', { method, headers: { ...common, 'x-mode': mode } })
          equal(got.start, wanted.start, 'status')
          compare(mode, wanted, got, { bypass })
        })
      }
    }
  }
  await row(suite, 'what requests share', 'stays as it was', () => equal(sharedByRequests(), before, 'shared constants'))
  stop(bare)
  stop(server)
}

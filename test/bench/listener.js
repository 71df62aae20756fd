import { equal, match } from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'
import { remember, seal } from './floor.js'
import * as floor from './floor-server.js'
import { figure, nanoseconds } from './measure.js'
import * as ours from './ours.js'
import { usual } from './session.js'
import { number, spread } from './table.js'
import { visit } from './visit.js'

/*
 * What the library adds to a request, without sockets: Node's own request and response on a socket that does nothing.
 * Not what a server costs, but exact where a server's figures drown in those of the network. Many rounds, and
 * the least of them count: what else the machine does can only add.
 */

let written // what was written to the socket, while somebody wants to know

const socket = new Duplex()
socket.write = (bytes) => {
  if (written !== undefined) written += bytes
  return true
}

/** One request through `listener`, from the head that a parser made to the response's end. */
function exchange(listener, cookie) {
  const bytes = Buffer.from(cookie, 'latin1')
  return () => {
    const req = new IncomingMessage(socket)
    req.method = 'GET'
    req.url = '/'
    req.httpVersionMajor = req.httpVersionMinor = 1
    req.headers = { host: 'localhost', cookie: bytes.latin1Slice() }
    const res = new ServerResponse(req)
    res.assignSocket(socket)
    listener(req, res)
    res.detachSocket(socket)
    res.emit('close')
    return res
  }
}

/** One request through each contender's listener, by the contender's name. */
export async function contenders(against) {
  const { value, listeners } = await ours.listeners()
  const others = against === undefined ? {} : (await ours.listeners(against)).listeners
  const cases = { 'node:http': exchange((req, res) => res.end(visit.constant), `session=${value}`) }
  const least = seal(usual)
  remember(least, JSON.stringify(usual))
  for (const use of Object.keys(listeners)) {
    const [what, forgets] = use.split(', ')
    const options = { remembers: forgets === undefined }
    cases[`floor, ${use}`] = exchange(floor.listener(what, options), `session=${least}`)
    cases[`hooked floor, ${use}`] = exchange(floor.listener(what, { ...options, hooked: true }), `session=${least}`)
  }
  for (const [use, handle] of Object.entries(listeners)) {
    cases[`ours, ${use}`] = exchange(handle, `session=${value}`)
    if (against !== undefined) cases[`ours, other build, ${use}`] = exchange(others[use], `session=${value}`)
  }
  return cases
}

function check(name, run) {
  written = ''
  run()
  const answer = written
  written = undefined
  match(answer, /^HTTP\/1\.1 200 OK\r\n/, `${name} answers`)
  match(answer, new RegExp(`${usual.user} \\d{4}$`), `${name} answers with what the session holds`)
  equal(/^set-cookie: session=/im.test(answer), name.endsWith('written'), `${name} writes a cookie when it should`)
  equal(/^vary: cookie\r$/im.test(answer), !/node:http|ignored/.test(name), `${name} says that it read the cookie`)
}

export async function listener({ rounds, against }) {
  const cases = await contenders(against)
  for (const [name, run] of Object.entries(cases)) check(name, run)
  const times = await nanoseconds(cases, { rounds: 3 * rounds, milliseconds: 40 })
  const figures = Object.entries(times).map(([name, { cpu }]) => [name, figure(cpu.map((n) => n / 1000))])
  const [[, bare]] = figures
  const results = figures.map(([name, microseconds]) =>
    ({ name, cpuMicroseconds: microseconds, added: microseconds.min - bare.min }))
  const rows = results.map(({ name, cpuMicroseconds, added }) => [name, spread(cpuMicroseconds), number(added, 2)])
  const columns = ['', 'CPU µs', 'more than bare, by the least of each']
  return { results, tables: [{ title: 'A request and its response, without sockets', columns, rows }] }
}

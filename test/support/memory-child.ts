/** Prints a line of JSON with what a handler leaves in memory. */
import type { IncomingMessage } from 'node:http'
import { RequestSessions, SessionHandler } from '../../lib/index.js'
import { open } from './client.js'
import { listen } from './listen.js'
import { bytesInUse } from './memory.js'
import { key } from './sessions.js'
import { volume } from './volume.js'

export interface Measured {
  /** Bytes that requests on kept-alive connections left. */
  requests: number
  /** How many they were, by the answers. */
  answers: number
  /** Of the first 1000 sessions and requests each, how many were collected. */
  sessionsCollected: number
  requestsCollected: number
  /** Bytes that different cookies of 4 kB left, by the value of `cacheSize`. */
  cookies: Record<number, number>
  /** Bytes that 2000 short cookies left, each out of a header of 16 kB. */
  slices: number
}

async function leftBy(work: () => unknown): Promise<number> {
  const before = await bytesInUse()
  await work()
  return await bytesInUse() - before
}

let sessionsCollected = 0
let requestsCollected = 0
const sessionRegistry = new FinalizationRegistry(() => { sessionsCollected++ })
const requestRegistry = new FinalizationRegistry(() => { requestsCollected++ })

let handled = 0
const sessions = new RequestSessions({ onEvent: () => {} })
const handler = new SessionHandler((req, res) => {
  const session = sessions.get(req)
  handled++
  if (handled <= 1000) {
    sessionRegistry.register(session, '')
    requestRegistry.register(req, '')
  }
  // A quarter of them changes it, a quarter does so too late.
  if (handled % 4 === 0) session['changed'] = handled
  res.end()
  if (handled % 4 === 1) session['late'] = handled
}, key, sessions)
let close = () => {}
const origin = await listen({ teardown: (end) => { close = end } }, handler.listener)

const cookie = `session=${handler.encodeCookie({ text: 'x'.repeat(1000) })}`
const batch = `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\n\r\n`.repeat(50)

/** Sends batches of 50 requests on one connection, each once the one before is answered; resolves with all answers. */
function converse(batches: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = open(origin)
    let answers = 0
    let rest = ''
    const next = () => answers < 50 * batches ? socket.write(batch, 'latin1') : socket.end()
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const heads = (rest + chunk).split('\r\n\r\n')
      rest = heads.pop()!
      answers += heads.filter((head) => head.startsWith('HTTP/1.1 200 OK\r\n')).length
      if (heads.length > 0 && answers % 50 === 0) next()
    })
    socket.on('close', () => { resolve(answers) }).on('error', reject)
    next()
  })
}

const visits = async (batches: number) => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => converse(batches)))
  return answers.reduce((sum, count) => sum + count)
}

const read = ({ length }: { length: number }, handler: SessionHandler, header: (n: number) => string) => {
  for (let n = 0; n < length; n++) {
    // Flat, as it comes from a socket, and not yet joined from parts.
    const cookie = Buffer.from(header(n), 'latin1').toString('latin1')
    handler.read({ headers: { cookie } } as IncomingMessage)
  }
}

const caching = (cacheSize: number) => new SessionHandler(() => {}, key, sessions, { cacheSize })
const sealer = caching(0)
const [none, thousand, all] = [caching(0), caching(1000), caching(2000)]
const large = 'x'.repeat(2900)
const padding = 'x'.repeat(16_000)

// Until everything is compiled, and the cache is full.
await visits(6)
let answers = 0
const requests = await leftBy(async () => { answers = await visits(volume(10, 100)) })
close()
await bytesInUse()

const seal = (n: number) => `session=${sealer.encodeCookie({ n, large })}`
read({ length: 1000 }, none, seal)
const measured: Measured = {
  requests,
  answers,
  sessionsCollected,
  requestsCollected,
  cookies: {
    0: await leftBy(() => { read({ length: 2000 }, none, seal) }),
    1000: await leftBy(() => { read({ length: volume(4000, 100_000) }, thousand, seal) }),
  },
  slices: await leftBy(() => {
    read({ length: 2000 }, all, (n) => `other=${padding}; session=${sealer.encodeCookie({ n })}`)
  }),
}
console.log(JSON.stringify(measured))
// What is measured must be alive until here.
for (const handler of [none, thousand, all]) handler.encodeCookie({})

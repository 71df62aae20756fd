/**
 * Plays the cases of crash-cases.ts from the one on that its argument numbers, and prints a line of JSON for each. It
 * catches nothing, so that whatever the library lets escape ends this process.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer as createServer2 } from 'node:http2'
import { RequestSessions, SessionHandler, type SessionEvent } from '../../lib/index.js'
import { cases, faults, finishes, listeners, type Case } from './crash-cases.js'
import { ask, key } from './serve.js'

interface Seen { status: number, setCookie: string[], body: string }

export interface Played {
  failed: Seen
  next: Seen
  events: string[]
  /** Class, code and message of the error of each `failed` event. */
  errors: string[]
  warnings: string[]
}

type Listener = (req: IncomingMessage, res: ServerResponse) => unknown
let current: Listener
const listener: Listener = (req, res) => current(req, res)
const http1 = createServer(listener)
const http2 = createServer2(listener as never)

const portOf = (server: typeof http1 | typeof http2) => (server.address() as { port: number }).port

async function askHttp1(path: string, cookie: string): Promise<Seen> {
  const { status, body, all } = await ask(portOf(http1), path, { cookie })
  return { status, body, setCookie: all('set-cookie') }
}

async function askHttp2(path: string, cookie: string): Promise<Seen> {
  const session = connect(`http://127.0.0.1:${portOf(http2)}`)
  const stream = session.request({ ':path': path, cookie })
  let status = 0
  let setCookie: string[] = []
  stream.on('response', (headers) => {
    status = headers[':status']!
    setCookie = headers['set-cookie'] ?? []
  })
  let body = ''
  for await (const chunk of stream.setEncoding('utf8')) body += chunk
  await new Promise<void>((resolve) => { session.close(resolve) })
  return { status, setCookie, body }
}

// Not from the handler at work: that one would have a pool full of random bytes then.
const cookie = `session=${new SessionHandler(() => {}, key).encodeCookie({ a: 1 })}`

let warnings: string[] = []
process.on('warning', ({ name }) => { warnings.push(name) })

async function play({ protocol, fault, listener, finish }: Case): Promise<Played> {
  const events: SessionEvent[] = []
  const told = listeners[listener]!
  const sessions = new RequestSessions(told === 'none' ? {} : {
    onEvent: (event, req) => {
      events.push(event)
      return told(event, req)
    },
  })
  let undo = () => {}
  const handler = new SessionHandler((req, res) => {
    const session = sessions.get(req)
    if (req.url === '/next') return res.end(JSON.stringify(session))
    undo = faults[fault]!(session) ?? undo
    return finishes[finish]!(res)
  }, key, sessions)
  current = handler.listener
  warnings = []
  const askIt = protocol === 'HTTP/2' ? askHttp2 : askHttp1
  const failed = await askIt('/', cookie)
  undo()
  const next = await askIt('/next', cookie)
  const errors = events.flatMap((event) => event.type === 'failed' ? `${event.error.name}: ${event.error.message}` : [])
  return { failed, next, events: events.map(({ type }) => type), errors, warnings }
}

for (const server of [http1, http2]) await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
for (const one of cases.slice(Number(process.argv[2]))) console.log(JSON.stringify(await play(one)))
http1.close()
http2.close()

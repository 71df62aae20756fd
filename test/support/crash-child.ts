/**
 * Plays the cases of crash-cases.ts from the one on that its argument numbers, and prints a line of JSON for each. It
 * catches nothing, so that whatever the library lets escape ends this process.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createServer2 } from 'node:http2'
import { RequestSessions, SessionHandler, type SessionEvent } from '../../lib/index.js'
import { ask, askHttp2, type Answer } from './client.js'
import { cases, faults, finishes, listeners, type Case } from './crash-cases.js'
import { listen } from './listen.js'
import { key } from './sessions.js'

type Seen = Pick<Answer, 'status' | 'setCookie' | 'body'>

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
const ends: (() => void)[] = []
const scope = { teardown: (end: () => void) => ends.push(end) }
const origins = {
  'HTTP/1.1': await listen(scope, createServer(listener)),
  'HTTP/2': await listen(scope, createServer2(listener as never)),
}

const clients = { 'HTTP/1.1': ask, 'HTTP/2': askHttp2 }

async function see(protocol: Case['protocol'], path: string): Promise<Seen> {
  const { status, setCookie, body } = await clients[protocol](origins[protocol], path, { cookie })
  return { status, setCookie, body }
}

const cookie = `session=${new SessionHandler(() => {}, key).encodeCookie({ a: 1 })}`

let warnings: string[] = []
process.on('warning', (warning) => { warnings.push(`${warning.name} ${(warning as { code?: string }).code}`) })

async function play({ protocol, fault, listener, finish }: Case): Promise<Played> {
  const events: SessionEvent[] = []
  const [told] = listeners[listener]!
  const sessions = new RequestSessions({
    onEvent: told && ((event, req) => {
      events.push(event)
      return told(event, req)
    }),
  })
  let undo = () => {}
  const handler = new SessionHandler((req, res) => {
    const session = sessions.get(req)
    if (req.url === '/next') return res.end(JSON.stringify(session))
    undo = faults[fault]![0](session) ?? undo
    return finishes[finish]!(res)
  }, key, sessions)
  current = handler.listener
  warnings = []
  const failed = await see(protocol, '/')
  undo()
  const next = await see(protocol, '/next')
  const errors = events.flatMap((event) => event.type === 'failed' ? `${event.error.name}: ${event.error.message}` : [])
  return { failed, next, events: events.map(({ type }) => type), errors, warnings }
}

for (const one of cases.slice(Number(process.argv[2]))) console.log(JSON.stringify(await play(one)))
for (const end of ends) end()

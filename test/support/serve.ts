import { createServer, request, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { RequestSessions, SessionHandler, type HandlerOptions, type SessionEvent, type SessionOptions }
  from '../../lib/index.js'
import { defaultRemember } from './remember.js'

export interface Answer {
  status: number
  reason: string
  body: string
  /** Names and values as they came, but for Date, Connection, Keep-Alive and Transfer-Encoding. */
  fields: [name: string, value: string][]
  /** The values of all fields of that name. */
  all(name: string): string[]
}

const transport = /^(date|connection|keep-alive|transfer-encoding)$/i

/** Asks a server on this machine. */
export function ask(
  port: number, path: string, headers: Record<string, string> = {}, method: string = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, path, headers, method, agent: false }, (res) => {
      let body = ''
      res.setEncoding('utf8')
      res.on('data', (chunk: string) => { body += chunk })
      res.on('error', reject)
      res.on('end', () => {
        const fields: Answer['fields'] = []
        for (let i = 0; i < res.rawHeaders.length; i += 2) fields.push([res.rawHeaders[i]!, res.rawHeaders[i + 1]!])
        resolve({
          status: res.statusCode!,
          reason: res.statusMessage!,
          body,
          fields: fields.filter(([name]) => !transport.test(name)),
          all: (name) => fields.filter((field) => field[0].toLowerCase() === name).map((field) => field[1]),
        })
      })
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** Serves until the test is over; gives the port. */
export async function serve(t: Test, listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  t.teardown(() => { server.close(); server.closeAllConnections() })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return (server.address() as AddressInfo).port
}

export type Handle = (req: IncomingMessage, res: ServerResponse, sessions: RequestSessions) => unknown

export const key: Uint8Array = Buffer.alloc(32, 'seshcookie-http tests')

/** A handler around `handle` with sessions of its own, a server for it, and its events. */
export async function serveSessions(
  t: Test, handle: Handle, { options, ...handlerOptions }: HandlerOptions & { options?: SessionOptions } = {},
): Promise<Served> {
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({ onEvent: (event) => { events.push(event) }, ...options })
  const handler = new SessionHandler((req, res) => handle(req, res, sessions), key, sessions,
    { remember: defaultRemember, ...handlerOptions })
  const port = await serve(t, handler.listener)
  return {
    events, handler, sessions, port,
    ask: (path, cookie) => ask(port, path, cookie === undefined ? {} : { cookie }),
    /** The session in the one Set-Cookie line of ours, undefined where there is none, '' where it was expired. */
    sessionIn(answer) {
      const values = answer.all('set-cookie').filter((line) => line.startsWith(`${handler.cookieName}=`))
        .map((line) => line.slice(handler.cookieName.length + 1, line.indexOf(';')))
      if (values.length > 1) throw new Error('more than one Set-Cookie line of ours')
      return values[0] === undefined ? undefined : values[0] === '' ? '' : { ...handler.decodeCookie(values[0]) }
    },
  }
}

export interface Served {
  events: SessionEvent[]
  handler: SessionHandler
  sessions: RequestSessions
  port: number
  ask(path: string, cookie?: string): Promise<Answer>
  sessionIn(answer: Answer): object | '' | undefined
}

/** Resolves once `check` holds. */
export async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise(setImmediate)
}

/** Sets the time, in Unix seconds, until the test is over. */
export function setTime(t: Test, seconds: number): void {
  const real = Date.now
  t.teardown(() => { Date.now = real })
  Date.now = () => seconds * 1000
}

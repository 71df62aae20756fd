import { once } from 'node:events'
import { request, type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import http2, { type ClientHttp2Session } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Answer {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Names and values as they came, but for Date, Connection, Keep-Alive and Transfer-Encoding. */
  readonly fields: [name: string, value: string][]
  readonly setCookie: readonly string[]
  /** The values of all fields of that name, which is in lower case. */
  all(name: string): string[]
}

const transport = /^(date|connection|keep-alive|transfer-encoding)$/i

/** Asks a server on this machine, on a connection of its own or one that an agent keeps. */
export async function ask(
  origin: string, path: string, headers: OutgoingHttpHeaders = {}, method: string = 'GET', body: string = '',
  agent: Agent | false = false,
): Promise<Answer> {
  const { hostname, port } = new URL(origin)
  const req = request({ hostname, port, method, path, headers, agent })
  req.end(body)
  const [res] = await once(req, 'response')
  return answerOf(res.statusCode, res.statusMessage, res.headers, res.rawHeaders, await text(res))
}

/** The same over HTTP/2, on a connection of its own. A header may have several values, each in a field of its own. */
export async function askHttp2(
  origin: string, path: string, sent: Record<string, string | readonly string[]> = {}, method: string = 'GET',
): Promise<Answer> {
  const session = http2.connect(origin)
  try {
    return await askOver(session, path, sent, method)
  } finally {
    session.destroy()
  }
}

/** The same on a connection that is there. */
export async function askOver(
  session: ClientHttp2Session, path: string, sent: Record<string, string | readonly string[]> = {}, method: string = 'GET',
): Promise<Answer> {
  const stream = session.request({ ...sent as Record<string, string>, ':path': path, ':method': method })
  const gone = once(stream, 'close').then(() => { throw new Error('the stream was closed without an answer') })
  const [headers, , raw] = await Promise.race([once(stream, 'response'), gone])
  gone.catch(() => {})
  return answerOf(headers[':status'], '', headers, raw, await text(stream))
}

function answerOf(
  status: number, reason: string, headers: IncomingHttpHeaders, raw: readonly string[], body: string,
): Answer {
  const fields: Answer['fields'] = []
  for (let i = 0; i < raw.length; i += 2) if (!raw[i]!.startsWith(':')) fields.push([raw[i]!, raw[i + 1]!])
  const all = (name: string) => fields.filter((field) => field[0].toLowerCase() === name).map((field) => field[1])
  const chosen = fields.filter(([name]) => !transport.test(name))
  return { status, reason, headers, fields: chosen, setCookie: all('set-cookie'), all, body }
}

/** A connection on which the test writes bytes of its own. */
export function open(origin: string): Socket {
  const { hostname, port } = new URL(origin)
  return connect(Number(port), hostname)
}

/** Sends bytes that no client would, and returns all that comes back until the server hangs up. */
export async function exchange(origin: string, bytes: string): Promise<string> {
  const socket = open(origin)
  socket.write(bytes, 'latin1')
  return text(socket)
}

/** A browser as far as cookies go, and no further: it sends a path as it is given, and follows no redirect. */
export class Client {
  readonly cookies = new Map<string, string>()
  readonly #origin: string

  constructor(origin: string) {
    this.#origin = origin
  }

  get(path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.send('GET', path, headers)
  }

  /** Posts a form as a browser does from a page of the same origin. */
  post(path: string, fields: Record<string, string> = {}, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded', 'Origin': this.#origin, ...headers }
    return this.send('POST', path, form, new URLSearchParams(fields).toString())
  }

  async send(method: string, path: string, headers: OutgoingHttpHeaders = {}, body = ''): Promise<Answer> {
    const cookie = Array.from(this.cookies, (pair) => pair.join('=')).join('; ')
    const answer = await ask(this.#origin, path, cookie ? { cookie, ...headers } : headers, method, body)
    for (const line of answer.all('set-cookie')) this.#store(line)
    return answer
  }

  #store(line: string): void {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) as unknown as [string, string, string]
    if (/; Max-Age=0(;|$)/.test(line)) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}

import { once } from 'node:events'
import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
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
    const form = { 'Content-Type': 'application/x-www-form-urlencoded', Origin: this.#origin, ...headers }
    return this.send('POST', path, form, new URLSearchParams(fields).toString())
  }

  async send(method: string, path: string, headers: OutgoingHttpHeaders = {}, body = ''): Promise<Answer> {
    const { hostname, port } = new URL(this.#origin)
    const cookie = Array.from(this.cookies, (pair) => pair.join('=')).join('; ')
    const sent = cookie ? { cookie, ...headers } : headers
    const req = request({ hostname, port, method, path, headers: sent, agent: false })
    req.end(body)
    const [res] = await once(req, 'response')
    for (const line of res.headers['set-cookie'] ?? []) this.#store(line)
    return { status: res.statusCode, headers: res.headers, body: await text(res) }
  }

  #store(line: string): void {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) as unknown as [string, string, string]
    if (/; Max-Age=0(;|$)/.test(line)) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}

/** Sends bytes that no client would, and returns all that comes back until the server hangs up. */
export async function exchange(origin: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  socket.write(bytes, 'latin1')
  return text(socket)
}

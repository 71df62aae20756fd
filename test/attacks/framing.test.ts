/**
 * A session that cannot be stored turns any status into 500, also one that has no body: the answer stays one whole
 * message, so that the next visitor of the connection gets an answer of its own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { RequestSessions, SessionHandler } from '../../lib/index.js'
import { askOver, exchange } from '../support/client.js'
import { listen } from '../support/listen.js'
import { key } from '../support/sessions.js'

type Fields = [name: string, value: string | number | string[]][]
type Step = (res: ServerResponse) => unknown

interface Message { status: number, fields: Map<string, string>, body: string }

/** The messages of a connection, in answer to requests of these methods; throws where they do not end where it ends. */
function messagesIn(bytes: string, methods: string[]): Message[] {
  const messages: Message[] = []
  let at = 0
  const line = () => {
    const end = bytes.indexOf('\r\n', at)
    if (end === -1) throw new Error(`no line at ${at} of ${JSON.stringify(bytes)}`)
    return bytes.slice(at, at = end + 2).trimEnd()
  }
  const take = (count: number) => {
    if (!(at + count <= bytes.length)) throw new Error(`${count} bytes wanted at ${at} of ${JSON.stringify(bytes)}`)
    return bytes.slice(at, at += count)
  }
  for (const method of methods) {
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(line()) ?? []
    if (status === undefined) throw new Error(`no message at ${at} of ${JSON.stringify(bytes)}`)
    const fields = new Map<string, string>()
    for (let field = line(); field !== ''; field = line()) {
      const [name, ...value] = field.split(': ')
      if (fields.has(name!.toLowerCase())) throw new Error(`${name} twice in ${JSON.stringify(bytes)}`)
      fields.set(name!.toLowerCase(), value.join(': '))
    }
    const message = { status: Number(status), fields, body: '' }
    messages.push(message)
    if (method === 'HEAD' || /^1|204|304/.test(status)) continue
    if (!fields.has('transfer-encoding')) message.body = take(Number(fields.get('content-length')))
    else for (let size = -1; size !== 0; line()) message.body += take(size = Number.parseInt(line(), 16))
  }
  if (at !== bytes.length) throw new Error(`more at ${at} of ${JSON.stringify(bytes)}`)
  return messages
}

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nSet-Cookie: a=1\r\n\r\nevil'

const statuses = [204, 205, 304, 102]

/** What speaks for a status without a body. */
const speaking: Fields[] = [
  [['Content-Length', 600]],
  [['content-LENGTH', '0'], ['Content-Encoding', 'gzip'], ['CONTENT-RANGE', 'bytes 0-1/600']],
  [['Transfer-Encoding', 'chunked']],
  [['transfer-encoding', ['identity']], ['Content-Length', ['5']]],
  [],
]

const refuse = (res: ServerResponse, status: number, fields: Fields) => {
  res.statusCode = status
  try {
    res.writeHead(status, { ...objectOf(fields), 'X-Bad': undefined })
  } catch {
    return
  }
  throw new Error('Node took what it has to refuse')
}

const setAll = (res: ServerResponse, fields: Fields) => {
  for (const [name, value] of fields) res.setHeader(name, value)
}

const objectOf = (...lists: Fields[]) => Object.fromEntries(lists.flat())

/** How status and fields come to a response. */
const heads: [name: string, head: (res: ServerResponse, status: number, fields: Fields) => unknown][] = [
  ['set', (res, status, fields) => { res.statusCode = status; setAll(res, fields) }],
  ['set, and writeHead', (res, status, fields) => { setAll(res, fields); res.writeHead(status, 'No body') }],
  ['object', (res, status, fields) => res.writeHead(status, objectOf(fields, [['X-A', '1']]))],
  ['flat', (res, status, fields) => res.writeHead(status, fields.flat() as string[])],
  ['pairs', (res, status, fields) => res.writeHead(status, fields as never)],
  ['spelled twice', (res, status, fields) =>
    res.writeHead(status, objectOf(fields, fields.map(([name, value]) => [name.toUpperCase(), value])))],
  ['repeated', (res, status, fields) => res.writeHead(status, [...fields, ...fields].flat() as string[])],
  ['removed, as by Express', (res, status) => {
    for (const name of ['Content-Type', 'Content-Length', 'Transfer-Encoding']) res.removeHeader(name)
    res.writeHead(status)
  }],
  ['flat over set', (res, status, fields) => {
    setAll(res, fields)
    res.writeHead(status, fields.flat() as string[])
  }],
  ['object over set', (res, status, fields) => {
    setAll(res, fields)
    res.writeHead(status, objectOf(fields))
  }],
  ['set, and refused once', (res, status, fields) => {
    setAll(res, fields)
    refuse(res, status, [])
  }],
  ['refused once, after something was set', (res, status, fields) => {
    res.setHeader('X-A', '1')
    refuse(res, status, fields)
  }],
]

const bodies: [name: string, body: string, send: Step][] = [
  ['no body', '', (res) => res.end()],
  ['end', answer, (res) => res.end(answer)],
  ['write and end', answer.repeat(2), (res) => { res.write(answer); res.end(answer) }],
  ['flushHeaders and end', answer, (res) => { res.flushHeaders(); res.end(answer) }],
]

interface Row { name: string, body: string, method: string, send: Step }

const rows: Row[] = []
for (const [how, head] of heads) {
  for (const fields of speaking) {
    for (const status of statuses) {
      if (status === 102 && /^set$|refused/.test(how)) continue // HTTP/2 takes it as an argument alone
      for (const [what, body, end] of bodies) {
        // All of them with each, and not each with each other.
        const method = rows.length % 3 === 0 ? 'HEAD' : 'GET'
        const isStrict = rows.length % 2 === 0
        rows.push({
          name: `${method}, ${status} ${how} with ${JSON.stringify(fields)}, ${what}${isStrict ? ', strict' : ''}`,
          method, body,
          send: (res) => {
            res.strictContentLength = isStrict
            head(res, status, structuredClone(fields))
            end(res)
          },
        })
      }
    }
  }
}

/** A listener that answers /3 with the row of that number, and anything else with its path. */
function served(events: string[]) {
  const sessions = new RequestSessions({ onEvent: ({ type }) => { events.push(type) } })
  return new SessionHandler((req: IncomingMessage, res: ServerResponse) => {
    const row = rows[Number(req.url!.slice(1))]
    if (row === undefined) return res.end(req.url)
    sessions.get(req)['a'] = NaN as never
    return row.send(res)
  }, key, sessions).listener
}

const get = (path: string, more = '', method = 'GET') => `${method} ${path} HTTP/1.1\r\nHost: a${more}\r\n\r\n`

/** Sends each row, with two more requests behind it, and looks at all that comes back. */
async function check(t: Test, send: (bytes: string) => Promise<string>, chosen: number[]) {
  for (const index of chosen) {
    const { name, method, body } = rows[index]!
    try {
      const bytes = await send(get(`/${index}`, '', method) + get('/next') + get('/last', '\r\nConnection: close'))
      const messages = messagesIn(bytes, [method, 'GET', 'GET'])
      const [first, ...others] = messages.map(({ status, body }) => `${status} ${body}`)
      t.strictSame([first, ...others], [`500 ${method === 'HEAD' ? '' : body}`, '200 /next', '200 /last'], name)
      t.notOk(messages[0]!.fields.has('content-encoding') || messages[0]!.fields.has('content-range'), name)
    } catch (error) {
      t.fail(`${name}: ${(error as Error).message}`)
    }
  }
}

t.test('over HTTP/1 the next answers are the next answers', async (t) => {
  const events: string[] = []
  const origin = await listen(t, served(events))
  await check(t, (bytes) => exchange(origin, bytes), [...rows.keys()])
  t.strictSame(events, rows.map(() => 'failed'))
})

t.test('over TLS', async (t) => {
  const psk = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
  const secret = { psk: Buffer.alloc(32), identity: 'test' }
  const server = https.createServer({ ...psk, pskCallback: () => secret.psk }, served([]))
  const { port } = new URL(await listen(t, server))
  await check(t, (bytes) => {
    const checkServerIdentity = () => undefined
    const socket = connectTls({ ...psk, port: Number(port), pskCallback: () => secret, checkServerIdentity })
    socket.write(bytes)
    return text(socket)
  }, [...rows.keys()].filter((index) => index % 7 === 0))
})

t.test('over HTTP/2', async (t) => {
  const client = http2.connect(await listen(t, http2.createServer(served([]) as never) as never))
  t.teardown(() => { client.destroy() })
  for (const [index, { name, method, body }] of rows.entries()) {
    if (index % 5 !== 0) continue
    try {
      const answer = await askOver(client, `/${index}`, {}, method)
      t.strictSame([answer.status, answer.body], [500, method === 'HEAD' ? '' : body], name)
      t.strictSame(answer.all('content-length'), [], name)
    } catch (error) {
      t.fail(`${name}: ${(error as Error).message}`)
    }
  }
})

/** What the connection holds of an answer that failed, and of one behind it. */
async function failing(t: Test, send: Step) {
  const sessions = new RequestSessions({ onEvent: () => {} })
  const origin = await listen(t, new SessionHandler((req: IncomingMessage, res: ServerResponse) => {
    if (req.url === '/next') return res.end('next')
    sessions.get(req)['a'] = NaN as never
    return send(res)
  }, key, sessions).listener)
  return messagesIn(await exchange(origin, get('/') + get('/next', '\r\nConnection: close')), ['GET', 'GET'])
}

t.test('a body that a status has keeps what speaks for it', async (t) => {
  const length = String(answer.length)
  const own = { 'content-length': length, 'content-encoding': 'identity', 'content-range': 'bytes 0-73/600' }
  for (const name of ['set', 'object']) {
    const [, head] = heads.find(([how]) => how === name)!
    const [first, next] = await failing(t, (res) => {
      head(res, 206, Object.entries(own))
      res.end(answer)
    })
    t.strictSame([first!.status, first!.body, next!.body], [500, answer, 'next'])
    t.match(Object.fromEntries(first!.fields), own)
  }
})

t.test('over HTTP/1.0 the body ends with the connection', async (t) => {
  const origin = await listen(t, served([]))
  for (const index of rows.keys()) {
    const { name, method, body } = rows[index]!
    if (index % 5 !== 0) continue
    const bytes = await exchange(origin, `${method} /${index} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`)
    const [head, ...rest] = bytes.split('\r\n\r\n')
    t.strictSame(rest.join('\r\n\r\n'), method === 'HEAD' ? '' : body, name)
    t.match(head, /^HTTP\/1\.1 500 /, name)
    t.notMatch(head, /\r\ntransfer-encoding/i, name)
  }
})

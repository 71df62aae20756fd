import http2 from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'
import { gunzipSync } from 'node:zlib'

/*
 * Clients that show what was on the wire: header lines in their order, case and number. Each gives messages of
 * { start, lines, body }: the status line, the header lines as [name, value], and the body without its framing.
 */

/** Everything that a server sends on one HTTP/1.1 connection until it closes. `onBytes` sees each part as it comes. */
export function rawExchange(port, text, { secure = false, onBytes } = {}) {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, servername: 'localhost' }
    const socket = secure ? tls.connect(options) : net.connect(options)
    const parts = []
    socket.on('error', reject)
    socket.on('data', (part) => {
      parts.push(part)
      onBytes?.(part)
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(Buffer.concat(parts).toString('latin1')))
    socket.write(text)
  })
}

/** A request's text. The connection ends with the answer unless told otherwise. */
export function requestText(method, path, headers = {}, connection = 'close') {
  const all = { Host: 'localhost', ...headers, ...(connection && { Connection: connection }) }
  return `${method} ${path} HTTP/1.1\r\n${Object.entries(all).map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`
}

/** The messages in `text`; `methods` are those of the requests, since a HEAD's answer has no body. */
export function parseMessages(text, methods = ['GET']) {
  const messages = []
  let answered = 0
  while (text !== '') {
    const end = text.indexOf('\r\n\r\n')
    if (end === -1) throw new Error(`expected a head, got ${JSON.stringify(text.slice(0, 200))}`)
    const [start, ...rest] = text.slice(0, end).split('\r\n')
    const lines = rest.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
    const message = { start, lines, body: '' }
    messages.push(message)
    text = text.slice(end + 4)
    const status = Number(start.split(' ')[1])
    if (status >= 100 && status < 200) continue
    if (methods[answered++] === 'HEAD' || status === 204 || status === 304) continue
    const length = header(message, 'content-length')
    if (/\bchunked\b/.test(header(message, 'transfer-encoding') ?? '')) {
      for (;;) {
        const size = text.indexOf('\r\n')
        const bytes = parseInt(text, 16)
        if (Number.isNaN(bytes)) throw new Error('expected whole chunks, got a torn body')
        message.body += text.slice(size + 2, size + 2 + bytes)
        text = text.slice(size + 2 + (bytes && bytes + 2))
        if (bytes === 0) break
      }
      const past = text.startsWith('\r\n') ? 2 : text.indexOf('\r\n\r\n') + 4
      message.trailers = text.slice(0, past)
      text = text.slice(past)
    } else {
      message.body = text.slice(0, length ?? text.length)
      text = text.slice(message.body.length)
    }
  }
  return messages
}

/** One HTTP/1.1 request and its answer. */
export async function http1(port, path, { method = 'GET', headers, secure, onBytes } = {}) {
  const text = await rawExchange(port, requestText(method, path, headers), { secure, onBytes })
  const messages = parseMessages(text, [method])
  const message = messages.at(-1)
  if (message === undefined) throw new Error('expected an answer, got an empty connection')
  message.status = Number(message.start.split(' ')[1])
  if (header(message, 'content-encoding') === 'gzip') {
    message.body = gunzipSync(Buffer.from(message.body, 'latin1')).toString()
  }
  return message
}

const sessions = new Map() // HTTP/2 sessions by port

function http2Session(port, secure) {
  if (sessions.has(port)) return sessions.get(port)
  const session = http2.connect(`${secure ? 'https' : 'http'}://localhost:${port}`,
    { rejectUnauthorized: false, host: '127.0.0.1', lookup })
  sessions.set(port, session)
  const forget = () => sessions.delete(port)
  session.on('close', forget).on('goaway', forget).on('error', forget)
  return session
}

/** One HTTP/2 request and its answer, on a connection that is kept. */
export function http2Request(port, path, { method = 'GET', headers = {}, secure = false, onBytes } = {}) {
  return new Promise((resolve, reject) => {
    const session = http2Session(port, secure)
    session.once('error', reject)
    const lower = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]))
    const stream = session.request({ ':path': path, ':method': method, ...lower })
    const message = { start: '', lines: [], body: '' }
    stream.on('error', reject)
    stream.on('response', (headers, flags, raw) => {
      message.status = headers[':status']
      const pairs = raw === undefined
        ? Object.entries(headers).flatMap(([k, v]) => [v].flat().map((one) => [k, String(one)]))
        : Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i], raw[2 * i + 1]])
      message.start = `HTTP/2 ${message.status}`
      message.lines = pairs.filter(([name]) => !name.startsWith(':'))
      onBytes?.()
    })
    stream.on('trailers', (trailers) => { message.trailers = JSON.stringify(trailers) })
    stream.setEncoding('latin1')
    stream.on('data', (part) => { message.body += part })
    stream.on('close', () => {
      session.off('error', reject)
      resolve(message)
    })
    stream.end()
  })
}

// The name is only for SNI and :authority; nothing is asked of a resolver.
function lookup(name, options, callback) {
  callback(null, options.all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4)
}

/** The value of a header, several lines joined; undefined where it is missing. */
export function header({ lines }, name) {
  const values = lines.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}

/** The Set-Cookie lines that are for the cookie `name`; all of them for ''. */
export function setCookies({ lines }, name) {
  return lines.filter(([given]) => given.toLowerCase() === 'set-cookie').map(([, value]) => value)
    .filter((value) => name === '' || value.startsWith(`${name}=`))
}

/** The lines less what differs from one answer to the next by itself. */
export function comparable({ start, lines }) {
  return [start, ...lines.map(([name, value]) => /^date$/i.test(name) ? `${name}: (a date)` : `${name}: ${value}`)]
}

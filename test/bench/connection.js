import { connect } from 'node:net'

/*
 * The least of an HTTP/1.1 client: raw sockets, one request at a time, answers with a Content-Length. A client that
 * costs more than the server would measure itself.
 */

const received = Buffer.allocUnsafeSlow(65536) // for all connections: what arrives is looked at before the next does

/** The cookies that an answer sets, as a browser sends them back. */
function cookieOf(head) {
  const lines = head.matchAll(/^set-cookie: ([^;\r]*)/gim)
  return [...lines].map(([, pair]) => pair).join('; ')
}

export function requestFor(path, cookie = '') {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n${cookie && `Cookie: ${cookie}\r\n`}\r\n`
}

/** A keep-alive connection. What `send` is told to call gets the answer's head and body the first time only. */
export class Connection {
  #socket
  #answered
  #failed
  #pending = ''
  #known = -1 // bytes of the answer before: one of the same length is taken for a whole one

  constructor(port, failed) {
    this.#failed = failed
    const onread = { buffer: received, callback: (length) => this.#read(length) }
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
    this.#socket.on('error', failed)
    this.#socket.on('close', () => failed(new Error('the server closed the connection')))
  }

  send(request, answered) {
    this.#answered = answered
    this.#socket.write(request, 'latin1')
  }

  close() {
    this.#failed = () => {}
    this.#socket.removeAllListeners()
    this.#socket.on('error', () => {})
    this.#socket.destroy()
  }

  #read(length) {
    if (length === this.#known && this.#pending === '') {
      this.#answered()
      return true
    }
    this.#pending += received.latin1Slice(0, length)
    const headEnd = this.#pending.indexOf('\r\n\r\n')
    if (headEnd === -1) return true
    const head = this.#pending.slice(0, headEnd)
    const bodyLength = /^content-length: (\d+)/im.exec(head)
    if (!head.startsWith('HTTP/1.1 200 ') || bodyLength === null) {
      this.#failed(new Error(`an answer that was not expected:\n${head}`))
      return true
    }
    const end = headEnd + 4 + Number(bodyLength[1])
    if (this.#pending.length < end) return true
    const body = this.#pending.slice(headEnd + 4, end)
    this.#known = length === end ? end : -1
    this.#pending = ''
    this.#answered(head, body)
    return true
  }
}

/** One request on a connection of its own. */
export function ask(port, path, cookie = '') {
  return new Promise((resolve, reject) => {
    const connection = new Connection(port, reject)
    connection.send(requestFor(path, cookie), (head, body) => {
      connection.close()
      resolve({ head, body, cookie: cookieOf(head) })
    })
  })
}

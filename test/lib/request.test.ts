import { once } from 'node:events'
import http, { IncomingMessage } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { Socket, type Server } from 'node:net'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { askedUrl, forwardedHost, heldIn, isForwardedTls, isTls, labelOf, ownHeader } from '../../lib/request.js'
import type { AnyRequest } from '../../lib/types.js'
import { listen } from '../support/listen.js'
import { requestAndResponse } from '../support/request-and-response.js'

/** A request with these headers, as Node gives them out. */
function withHeaders(headers: Record<string, string>): AnyRequest {
  const req = new IncomingMessage(new Socket())
  Object.assign(req.headers, headers)
  return req
}

/** Gives every object a property, until the test is over. */
function pollute(t: Test, name: string, value: unknown): () => void {
  const clean = () => { Reflect.deleteProperty(Object.prototype, name) }
  t.teardown(clean)
  // As an assignment through a `__proto__` that was let in does.
  Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true, writable: true })
  return clean
}

t.test('TLS on the request\'s socket', async (t) => {
  t.equal(isTls(requestAndResponse(undefined, true).req), true)
  t.equal(isTls(requestAndResponse().req), false)
  t.equal(isTls({ headers: {} } as AnyRequest), false, 'no socket at all')
  t.equal(isTls({ headers: {}, socket: { encrypted: 1 } } as never), false, 'what is not true')
  t.equal(isTls({ headers: {}, socket: Object.create({ encrypted: true }) } as never), true, 'what a class of sockets says')
})

t.test('the same where Object.prototype says that all are TLS', async (t) => {
  pollute(t, 'encrypted', true)
  const stream = { session: { alpnProtocol: 'h2' } }
  const rows: [name: string, req: object, tls: boolean][] = [
    ['no socket', {}, false],
    ['no socket of a stream over TLS', { stream, httpVersionMajor: 2 }, true],
    ['a socket that says otherwise', { socket: { encrypted: false } }, false],
    ['a stream that has left its session', { socket: {}, stream: {}, httpVersionMajor: 2 }, false],
    ['a stream of what is not HTTP/2', { socket: {}, stream, httpVersionMajor: 1 }, false],
  ]
  for (const [name, req, tls] of rows) t.equal(isTls(req as AnyRequest), tls, name)
})

t.test('a proxy that says that the browser uses TLS', async (t) => {
  const rows: [name: string, value: string, says: boolean][] = [
    ['x-forwarded-proto', 'https', true],
    ['x-forwarded-proto', 'HTTPS', true],
    ['x-forwarded-proto', 'https, http', true],
    ['x-forwarded-proto', 'http', false],
    ['x-forwarded-proto', '', false],
    ['forwarded', 'for=192.0.2.43;proto=https;by=203.0.113.43', true],
    ['forwarded', 'for=192.0.2.43; Proto="HTTPS"', true],
    ['forwarded', 'for=192.0.2.43;proto=http', false],
    ['forwarded', 'for=https', false],
    ['forwarded', 'host=https.example', false],
    ['x-forwarded-host', 'https.example', false],
  ]
  for (const [name, value, says] of rows) {
    t.equal(isForwardedTls(withHeaders({ [name]: value })), says, `${name}: ${value}`)
  }
  t.equal(isForwardedTls(withHeaders({})), false, 'neither')
})

t.test('a proxy that says which host the browser asked for', async (t) => {
  const rows: [headers: Record<string, string>, host: string | undefined][] = [
    [{ 'x-forwarded-host': 'www.app.test' }, 'www.app.test'],
    [{ 'x-forwarded-host': ' www.app.test:8443 , inner' }, 'www.app.test:8443'],
    [{ 'x-forwarded-host': '' }, undefined],
    [{ 'x-forwarded-host': ', inner' }, undefined],
    [{ forwarded: 'host=www.app.test' }, 'www.app.test'],
    [{ forwarded: 'for=192.0.2.43; Host="www.app.test:8443";proto=https, host=inner' }, 'www.app.test:8443'],
    [{ forwarded: 'for=192.0.2.43, host=www.app.test' }, 'www.app.test'],
    [{ 'forwarded': 'host=www.app.test', 'x-forwarded-host': 'other' }, 'www.app.test'],
    [{ 'forwarded': 'for=192.0.2.43', 'x-forwarded-host': 'www.app.test' }, 'www.app.test'],
    [{ forwarded: 'ghost=a' }, undefined],
    [{ host: 'a' }, undefined],
  ]
  for (const [headers, host] of rows) t.equal(forwardedHost(withHeaders(headers)), host, JSON.stringify(headers))
  pollute(t, 'x-forwarded-host', 'polluted')
  pollute(t, 'forwarded', 'host=polluted')
  t.equal(forwardedHost(withHeaders({})), undefined, 'an inherited one')
})

t.test('the URL that the browser asked for', async (t) => {
  const asked = (more: object) => askedUrl(Object.assign(requestAndResponse().req, { url: '/login' }, more))
  t.equal(asked({}), '/login')
  t.equal(asked({ originalUrl: '/app/login' }), '/app/login')
  for (const odd of ['', undefined, null, 1, ['/app'], { toString: () => '/app' }]) t.equal(asked({ originalUrl: odd }), '/login')
  pollute(t, 'originalUrl', '/polluted')
  t.equal(asked({}), '/login', 'an inherited one')
})

t.test('what a log shows of a request', async (t) => {
  const labelled = (url: string) => labelOf(Object.assign(requestAndResponse().req, { method: 'GET', url }))
  t.equal(labelled('/a/b?secret#secret'), 'GET /a/b')
  t.equal(labelled(`/${'a'.repeat(300)}`), `GET /${'a'.repeat(255)}`)
  t.equal(labelled('/a\u001b[2J\u00e9 ~'), 'GET /a?[2J? ~')
})

t.test('where a framework holds the request of node:http', async (t) => {
  const { req } = requestAndResponse()
  t.equal(heldIn({ req }), 'req')
  t.equal(heldIn({ raw: req }), 'raw')
  t.equal(heldIn(Object.assign(requestAndResponse().req, { raw: req })), undefined, 'nowhere else, if it is one itself')
})

t.test('a header of the request\'s own', async (t) => {
  pollute(t, 'x-forwarded-proto', 'https')
  pollute(t, 'forwarded', 'proto=https')
  pollute(t, 'cookie', 'a=b')
  t.equal(ownHeader(withHeaders({}), 'cookie'), undefined)
  t.equal(ownHeader(withHeaders({ cookie: 'c=d' }), 'cookie'), 'c=d')
  t.equal(isForwardedTls(withHeaders({})), false)
})

/** TLS with a shared secret, for which nobody needs a certificate. */
const psk = { identity: 'test', psk: Buffer.alloc(32, 'transport') }
const secured = { ciphers: 'PSK', maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' } as const
const serving = { ...secured, pskCallback: () => psk.psk }
const calling = { ...secured, pskCallback: () => psk, checkServerIdentity: () => undefined }

type Listener = (req: never, res: never) => unknown

const servers: [name: string, isSecure: boolean, isHttp2: boolean, make: (listener: Listener) => Server][] = [
  ['http', false, false, (listener) => http.createServer(listener as never)],
  ['https', true, false, (listener) => https.createServer(serving, listener as never)],
  ['http2', false, true, (listener) => http2.createServer(listener as never)],
  ['http2 over TLS', true, true, (listener) => http2.createSecureServer(serving as never, listener as never)],
  ['http/1 of a server for http2 over TLS', true, false, (listener) =>
    http2.createSecureServer({ ...serving, allowHTTP1: true } as never, listener as never)],
]

t.test('every kind of server tells whether its socket is TLS, also where Object.prototype says that all are', async (t) => {
  const moments = ['never', 'before the connection', 'when it is asked', 'with false'] as const
  for (const [name, isSecure, isHttp2, make] of servers) {
    for (const moment of moments) {
      t.test(`${name}, polluted ${moment}`, async (t) => {
        let isFound: boolean | undefined
        const origin = await listen(t, make((req: AnyRequest, res: http.ServerResponse) => {
          const clean = moment === 'when it is asked' || moment === 'with false'
            ? pollute(t, 'encrypted', moment !== 'with false')
            : () => {}
          isFound = isTls(req)
          clean()
          res.end()
        }))
        const port = Number(new URL(origin).port)
        const plain = new Socket().connect(port, '127.0.0.1')
        await once(plain, 'connect')
        const socket = isSecure ? connect({ ...calling, socket: plain, ALPNProtocols: [isHttp2 ? 'h2' : 'http/1.1'] }) : plain
        if (isSecure) await once(socket, 'secureConnect')
        // Node's client over HTTP/2 would be misled by its own socket.
        if (moment === 'before the connection' && !isHttp2) pollute(t, 'encrypted', true)
        if (isHttp2) {
          const session = http2.connect(origin, { createConnection: () => socket })
          await once(session, 'connect')
          const stream = session.request({ ':path': '/' })
          stream.resume()
          await once(stream, 'end')
          session.destroy()
        } else {
          socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
          socket.resume()
          await once(socket, 'end')
        }
        socket.destroy()
        t.equal(isFound, isSecure)
      })
    }
  }

  t.test('an http2 connection that was made and used while it was polluted', async (t) => {
    for (const [name, isSecure, isHttp2, make] of servers) {
      if (!isHttp2) continue
      let isFound: boolean | undefined
      const server = make((req: AnyRequest, res: http.ServerResponse) => {
        isFound = isTls(req)
        clean()
        res.end()
      })
      let clean = () => {}
      server.prependListener(isSecure ? 'secureConnection' : 'connection', () => { clean = pollute(t, 'encrypted', true) })
      const origin = await listen(t, server)
      const socket = isSecure
        ? connect({ ...calling, port: Number(new URL(origin).port), host: '127.0.0.1', ALPNProtocols: ['h2'] })
        : new Socket().connect(Number(new URL(origin).port), '127.0.0.1')
      await once(socket, isSecure ? 'secureConnect' : 'connect')
      const session = http2.connect(origin, { createConnection: () => socket })
      const stream = session.request({ ':path': '/' })
      stream.resume()
      await once(stream, 'end')
      session.destroy()
      t.equal(isFound, isSecure, name)
    }
  })
})

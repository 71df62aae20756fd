import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { header, http1, parseMessages, rawExchange, requestText } from '../raw.js'
import { equal, row } from '../report.js'
import { listen, stop } from '../servers.js'
import { withSession } from '../story/app.js'
import { act, compareAll, cookie, modes, ownCookies } from './wire.js'

const set = (res) => res.setHeader('Set-Cookie', ownCookies['two own cookies'])
const answer = (req, res) => {
  act(req.headers['x-mode'], req)
  set(res)
  res.end(req.url)
}
const ask = (path, headers, connection) => (mode) =>
  requestText('GET', path, { 'Cookie': cookie, 'X-Mode': mode, ...headers }, connection)
const upgrade = ask('/', { Upgrade: 'anything' }, 'Upgrade, close')
const expect = ask('/', { Expect: '100-continue' })
const three = (mode) => ask('/1', {}, '')(mode) + ask('/2', {}, '')(mode) + ask('/3')(mode)

/** Rows of [name, serve(wrap), request(mode)]: what a server or a connection does beyond one request and its answer. */
const situations = [
  ['pipelining', (wrap) => http.createServer(wrap(answer)), three],
  ['pipelining, answered in reverse', (wrap) => {
    const waiting = []
    return http.createServer(wrap((req, res) => {
      waiting.unshift([req, res])
      if (waiting.length === 3) for (const one of waiting.splice(0)) answer(...one)
    }))
  }, three],
  ['keepAliveTimeout and maxRequestsPerSocket', (wrap) => {
    const server = http.createServer({ keepAliveTimeout: 1000 }, wrap(answer))
    server.maxRequestsPerSocket = 2
    return server
  }, (mode) => ask('/1', {}, '')(mode) + ask('/2')(mode)],
  ['Expect: 100-continue', (wrap) => http.createServer(wrap(answer)), expect],
  ['Expect: 100-continue, checkContinue', (wrap) => http.createServer().on('checkContinue', wrap((req, res) => {
    res.writeContinue()
    answer(req, res)
  })), expect],
  ['Expect: anything, checkExpectation', (wrap) => http.createServer().on('checkExpectation', wrap(answer)),
    ask('/', { Expect: 'anything' })],
  ['Upgrade without an upgrade listener', (wrap) => http.createServer(wrap(answer)), upgrade],
  ['assignSocket on a bare response', (wrap) => {
    const listener = wrap(answer)
    return http.createServer().on('upgrade', (req, socket) => {
      const res = new http.ServerResponse(req)
      res.assignSocket(socket)
      res.on('finish', () => socket.end())
      listener(req, res)
    })
  }, upgrade],
  ['a rejected promise, captured', (wrap) => {
    EventEmitter.captureRejections = true
    const server = http.createServer(wrap(async (req, res) => {
      act(req.headers['x-mode'], req)
      set(res)
      throw new Error('the application failed')
    }))
    EventEmitter.captureRejections = false
    return server
  }, ask('/')],
  ['strict options', (wrap) => http.createServer({
    requireHostHeader: true, joinDuplicateHeaders: true, noDelay: false, highWaterMark: 1024, insecureHTTPParser: false,
  }, wrap(answer)), ask('/')],
  ['a ServerResponse class of its own', (wrap) => {
    class OwnResponse extends http.ServerResponse {
      writeHead(...args) {
        this.setHeader('X-Class', 'yes')
        return super.writeHead(...args)
      }
    }
    return http.createServer({ ServerResponse: OwnResponse }, wrap(answer))
  }, ask('/')],
  ['an IncomingMessage class of its own', (wrap) => {
    class OwnMessage extends http.IncomingMessage {}
    return http.createServer({ IncomingMessage: OwnMessage }, wrap(answer))
  }, ask('/')],
]

export async function connectionRows(suite) {
  for (const [name, serve, request] of situations) {
    for (const mode of modes) {
      await row(suite, name, mode, async () => {
        const [bare, server] = [serve((listener) => withoutMode(listener)), serve(withSession)]
        try {
          const wanted = parseMessages(await rawExchange(await listen(bare), request('none')))
          const got = parseMessages(await rawExchange(await listen(server), request(mode)))
          compareAll(mode, wanted, got)
        } finally {
          stop(bare)
          stop(server)
        }
      })
    }
  }

  await row(suite, 'uniqueHeaders', 'Node joins all cookies in one line, as the README says', () =>
    withServer(http.createServer({ uniqueHeaders: ['set-cookie'] }, withSession(answer)), async (port) => {
      const message = await http1(port, '/', { headers: { 'Cookie': cookie, 'X-Mode': 'changed' } })
      equal(message.lines.filter(([name]) => name.toLowerCase() === 'set-cookie').length, 1, 'Set-Cookie lines')
      equal(/a=1.*b=2.*session=/.test(header(message, 'set-cookie')), true, 'all three in it')
    }))

  await row(suite, 'a client that goes away', 'harms nobody', async () => {
    let arrived, gone
    const arrival = new Promise((resolve) => { arrived = resolve })
    const end = new Promise((resolve) => { gone = resolve })
    const listener = async (req, res) => {
      if (req.url === '/') return answer(req, res)
      act('changed', req)
      arrived()
      await once(res, 'close')
      res.end('too late')
      gone()
    }
    await withServer(http.createServer(withSession(listener)), async (port) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.write(ask('/leaves')('changed'))
      await arrival
      socket.destroy()
      await end
      const message = await http1(port, '/', { headers: { 'Cookie': cookie, 'X-Mode': 'changed' } })
      equal(message.status, 200, 'the next answer')
    })
  })

  await row(suite, 'HTTP/2 push', 'the cookie is on the answer, and not on what is pushed', async () => {
    const listener = (req, res) => {
      act('changed', req)
      res.createPushResponse({ ':path': '/pushed' }, (error, pushed) => {
        pushed?.end('pushed')
        res.end('answer')
      })
    }
    await withServer(http2.createServer(withSession(listener)), async (port) => {
      const session = http2.connect(`http://127.0.0.1:${port}`)
      const seen = []
      session.on('stream', (pushed) => {
        pushed.on('push', (headers) => seen.push(['pushed', cookieCount(headers)])).resume()
      })
      const stream = session.request({ ':path': '/', cookie })
      stream.on('response', (headers) => seen.push(['answer', cookieCount(headers)])).resume()
      await once(stream, 'close')
      session.close()
      equal(seen.sort(), [['answer', 1], ['pushed', 0]], 'cookies')
    })
  })
}

const cookieCount = (headers) => headers['set-cookie']?.length ?? 0

/** The bare server's handler does nothing with sessions. */
function withoutMode(listener) {
  return (req, res) => {
    delete req.headers['x-mode']
    return listener(req, res)
  }
}

async function withServer(server, run) {
  try {
    await run(await listen(server))
  } finally {
    stop(server)
  }
}

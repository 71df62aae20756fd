import t from 'tap'
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { Readable } from 'node:stream'
import { createServer, ServerResponse, type IncomingMessage } from 'node:http'
import { RequestSessions, SessionHandler, type SessionEvent } from '../../lib/index.js'
import { hookHead } from '../../lib/write-head.js'
import { BrowserJar } from '../support/browser-jar.js'
import { ask, askHttp2 } from '../support/client.js'
import { listen } from '../support/listen.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { attachSessions, key, serveSessions, type Handle } from '../support/sessions.js'
import { setTime, until } from '../support/time.js'
import { collectWarnings } from '../support/warnings.js'

type Send = (res: ServerResponse) => unknown

const shared = Object.freeze(['a=1', 'b=2']) as string[]
const sharedHeaders = Object.freeze({ 'set-cookie': shared, 'Vary': 'Accept' })

/** Ways for headers to leave. What they send without the library is what must come with it, and ours. */
const ways: [name: string, send: Send][] = [
  ['end', (res) => res.end()],
  ['end with a body', (res) => res.end('body')],
  ['write and end', (res) => { res.write('bo'); res.end('dy') }],
  ['a later end', (res) => { setImmediate(() => res.end('body')) }],
  ['flushHeaders', (res) => { res.flushHeaders(); res.end('body') }],
  ['pipe', (res) => Readable.from(['bo', 'dy']).pipe(res)],
  ['cork and uncork', (res) => { res.cork(); res.write('bo'); res.uncork(); res.end('dy') }],
  ['writeHead(status)', (res) => res.writeHead(201).end('body')],
  ['writeHead(status, reason)', (res) => res.writeHead(201, 'Made').end('body')],
  ['writeHead(status, undefined, headers)', (res) => res.writeHead(201, undefined, { 'X-A': '1', 'Set-Cookie': 'a=1' }).end()],
  ['writeHead(status, null, headers)', (res) => res.writeHead(201, null as never, { 'X-A': '1' }).end()],
  ['writeHead(status, headers)', (res) => res.writeHead(200, { 'Set-Cookie': 'a=1', 'X-A': 1 }).end('body')],
  ['writeHead(status, headers, undefined)', (res) => res.writeHead(200, { 'X-A': '1' } as never, undefined).end('body')],
  ['writeHead(status, reason, headers)', (res) => res.writeHead(200, 'Fine', { 'Set-Cookie': ['a=1', 'b=2'] }).end()],
  ['writeHead with a frozen constant', (res) => res.writeHead(200, sharedHeaders).end('body')],
  ['writeHead with two letter cases', (res) => res.writeHead(200, { 'set-cookie': 'a=1', 'SET-COOKIE': 'b=2', 'X-a': '1', 'x-A': '2' }).end()],
  ['writeHead with a flat array', (res) => res.writeHead(200, ['Set-Cookie', 'a=1', 'X-A', '1']).end()],
  ['writeHead with a flat array, names repeated', (res) => res.writeHead(200, ['X-A', '1', 'Set-Cookie', 'a=1', 'X-A', '2', 'Set-Cookie', 'b=2', 'X-B', '3']).end()],
  ['writeHead with a flat array of arrays', (res) => res.writeHead(200, ['Set-Cookie', ['a=1', 'b=2'], 'X-A', '1']).end()],
  ['writeHead with pairs', (res) => res.writeHead(200, [['Set-Cookie', 'a=1'], ['X-A', '1'], ['X-A', '2'], ['set-cookie', 'b=2']] as never).end()],
  ['writeHead with an empty array', (res) => res.writeHead(200, []).end()],
  ['writeHead with a Map, which Node ignores', (res) => res.writeHead(200, new Map([['X-A', '1']]) as never).end()],
  ['writeHead after setHeader', (res) => res.setHeader('Set-Cookie', 'a=1').writeHead(200, { 'X-A': '1' }).end()],
  ['writeHead over setHeader', (res) => res.setHeader('Set-Cookie', 'gone=1').writeHead(200, { 'Set-Cookie': 'a=1' }).end()],
  ['writeHead with a flat array after setHeader', (res) => res.setHeader('X-B', '1').writeHead(200, ['Set-Cookie', 'a=1', 'X-A', '1']).end()],
  ['writeHead after removeHeader', (res) => { res.setHeader('X-B', '1'); res.removeHeader('X-B'); res.writeHead(200, { 'Set-Cookie': ['a=1'] }).end() }],
  ['setHeader', (res) => res.setHeader('Set-Cookie', 'a=1').setHeader('X-A', '1').end()],
  ['setHeader in lower case', (res) => res.setHeader('set-cookie', ['a=1', 'b=2']).setHeader('x-a', '1').end()],
  ['setHeader with a frozen constant', (res) => res.setHeader('Set-Cookie', shared).end()],
  ['setHeader with a number', (res) => res.setHeader('Set-Cookie', 5).end()],
  ['appendHeader', (res) => res.appendHeader('Set-Cookie', 'a=1').appendHeader('Set-Cookie', 'b=2').end()],
  ['setHeaders', (res) => res.setHeaders(new Headers([['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['x-a', '1']])).end()],
  ['Vary and Cache-Control set', (res) => res.setHeader('vary', 'Accept').setHeader('cache-control', 'private').end()],
  ['Vary and Cache-Control given', (res) => res.writeHead(200, { 'vary': 'Accept', 'cache-control': 'max-age=1' }).end()],
  ['statusCode and statusMessage', (res) => { res.statusCode = 202; res.statusMessage = 'Going'; res.end() }],
  ['204', (res) => res.writeHead(204).end()],
  ['304', (res) => res.writeHead(304, { ETag: '"1"' }).end()],
  ['Content-Length', (res) => res.setHeader('Content-Length', '4').end('body')],
  ['trailers', (res) => { res.writeHead(200, { Trailer: 'X-T' }); res.write('x'); res.addTrailers({ 'X-T': '1' }); res.end() }],
  ['early hints and a processing answer', (res) => { res.writeEarlyHints({ link: '</a>; rel=preload' }); res.writeProcessing(); res.end('body') }],
  ['writeHeader', (res) => { (res as unknown as { writeHeader?: typeof res.writeHead } & ServerResponse).writeHeader?.(200, { 'Set-Cookie': 'a=1' }); res.end('body') }],
]

const asks: [name: string, ask: Handle, cookies: number][] = [
  ['never asked for', () => {}, 0],
  ['read', (req, _, sessions) => { sessions.get(req) }, 0],
  ['changed', (req, _, sessions) => { sessions.get(req).a = 1 }, 1],
]

t.test('the handler\'s own headers come out as without the library', async (t) => {
  for (const [name, send] of ways) {
    const bare = await ask(await listen(t, (_, res) => send(res)), '/')
    for (const [asked, handle, cookies] of asks) {
      t.test(`${name}, ${asked}`, async (t) => {
        const served = await serveSessions(t, (req, res, sessions) => {
          handle(req, res, sessions)
          return send(res)
        })
        const answer = await served.ask('/')
        t.equal(answer.status, bare.status)
        t.equal(answer.reason, bare.reason)
        t.equal(answer.body, bare.body)
        t.equal(answer.all('set-cookie').length, bare.all('set-cookie').length + cookies)
        if (cookies === 1) t.strictSame(served.sessionIn(answer), { a: 1 })
        const merged = new Map([['vary', /(, )?Cookie$/], ['cache-control', /^no-store(, )?/]])
        const others = answer.fields.flatMap(([field, value]) => {
          const rest = asked === 'never asked for' ? value : value.replace(merged.get(field.toLowerCase()) ?? /^$/, '')
          return value.startsWith('session=') || (rest === '' && rest !== value) ? [] : [[field, rest]]
        })
        t.strictSame(others, bare.fields)
        if (asked !== 'never asked for') t.match(answer.all('vary').join(', '), /Cookie/)
        t.equal(/no-store/.test(answer.all('cache-control').join()), cookies === 1)
        t.strictSame(shared, ['a=1', 'b=2'], 'nothing of the handler\'s is changed')
      })
    }
  }
})

t.test('cacheHeaders: false leaves Vary and Cache-Control alone', async (t) => {
  const { req, res, sessions, line } = attachSessions({ cacheHeaders: false })
  sessions.get(req).a = 1
  res.writeHead(200)
  t.match(line(), /^session=/)
  t.strictSame([res.getHeader('vary'), res.getHeader('cache-control')], [undefined, undefined])
})

t.test('a line that the handler wrote for the same cookie is replaced, and no other', async (t) => {
  const legacy = ['session=; Max-Age=0; Path=/old', 'session=; Max-Age=0; Path=/; Domain=a.example', 'session=; Max-Age=0; Path=/; Secure; Partitioned']
  const ways: [name: string, send: Send, others: string[]][] = [
    ['setHeader', (res) => res.setHeader('Set-Cookie', ['a=1', 'session=x; Path=/', ' session =y; Path=/', 'b=2']).end(), ['a=1', 'b=2']],
    ['appendHeader', (res) => res.appendHeader('Set-Cookie', 'session=x; path=/').end(), []],
    ['writeHead', (res) => res.writeHead(200, { 'Set-Cookie': 'session=x; Path=/' }).end(), []],
    ['a flat array', (res) => res.writeHead(200, ['Set-Cookie', 'session=x; Path=/', 'Set-Cookie', 'a=1']).end(), ['a=1']],
    ['the default path of the request', (res) => res.writeHead(200, { 'Set-Cookie': 'session=x' }).end(), []],
    ['names like it', (res) => res.setHeader('Set-Cookie', ['sessions=1', 'Session=1', 'session', 'x=session=1']).end(),
      ['sessions=1', 'Session=1', 'session', 'x=session=1']],
    ['another path, domain or partition, set', (res) => res.setHeader('Set-Cookie', legacy).end(), legacy],
    ['another path, domain or partition, given', (res) => res.writeHead(200, { 'Set-Cookie': legacy }).end(), legacy],
    ['another path, domain or partition, given one by one',
      (res) => res.writeHead(200, legacy.flatMap((line) => ['Set-Cookie', line])).end(), legacy],
  ]
  for (const [name, send, others] of ways) {
    t.test(name, async (t) => {
      const served = await serveSessions(t, (req, res, sessions) => {
        if (req.url !== '/clear') sessions.get(req).a = 1
        else sessions.clear(req)
        send(res)
      })
      const answer = await served.ask('/')
      t.strictSame(answer.setCookie.slice(0, -1), others)
      t.strictSame(served.sessionIn({ ...answer, all: () => answer.setCookie.slice(-1) }), { a: 1 })
      const cleared = await served.ask('/clear')
      t.strictSame(cleared.setCookie.slice(0, -1), others)
      t.match(cleared.setCookie.at(-1), /^session=; Max-Age=0; Expires=/)
    })
  }

  const domains: [domain: string, line: string, stays: boolean][] = [
    ['a.example', 'session=x; Path=/; Domain=.A.example', false],
    ['a.example', 'session=x; Domain=b.example; DOMAIN = a.example ; path=/', false],
    ['a.example', 'session=x; Path=/', true],
    ['a.example', 'session=x; Path=/; Domain=b.a.example', true],
  ]
  for (const [domain, own, stays] of domains) {
    t.test(`${own}, where ours has ${domain}`, async (t) => {
      const { req, res, sessions } = attachSessions({ domain })
      sessions.get(req).a = 1
      res.setHeader('Set-Cookie', own).writeHead(200)
      t.strictSame([res.getHeader('set-cookie')].flat().slice(0, -1), stays ? [own] : [])
    })
  }

  t.test('the default path is that of the URL that was asked for, whatever a router makes of it', async (t) => {
    type Row = [cookiePath: string, url: string, originalUrl: unknown, rewritten: string, stays: boolean]
    const rows: Row[] = [
      ['/', '/admin/users', undefined, '/users', true],
      ['/admin', '/admin/users', undefined, '/users', false],
      ['/', '/users', undefined, '/admin/users', false],
      // As Express does for a router at /app.
      ['/app', '/login', '/app/login', '/login', false],
      ['/', '/login', '/app/login', '/login', true],
      ['/', '/login', { split: 'odd' }, '/login', false],
    ]
    for (const [cookiePath, url, originalUrl, rewritten, stays] of rows) {
      const { req, res } = requestAndResponse()
      const sessions = new RequestSessions()
      Object.assign(req, { url, originalUrl })
      new SessionHandler(null, key, sessions, { cookiePath }).attach(req, res)
      sessions.get(req).a = 1
      req.url = rewritten
      res.setHeader('Set-Cookie', 'session=own').writeHead(200)
      const others = [res.getHeader('set-cookie')].flat().slice(0, -1)
      t.strictSame(others, stays ? ['session=own'] : [], `${url}, ${originalUrl}, ours at ${cookiePath}`)
    }
  })
})

t.test('a renewal yields to a line that the handler wrote for the same cookie', async (t) => {
  const gone = 'session=; Max-Age=0; Path=/'
  const rows: [name: string, send: Send, yields: boolean][] = [
    ['set', (res) => { res.setHeader('Set-Cookie', gone) }, true],
    ['set among others', (res) => { res.setHeader('set-cookie', ['a=1', gone, 'b=2']) }, true],
    ['given', (res) => res.writeHead(200, { 'set-cookie': gone }), true],
    ['given among others', (res) => res.writeHead(200, { 'Set-Cookie': ['a=1', gone] }), true],
    ['given flat', (res) => res.writeHead(200, ['Set-Cookie', gone, 'Set-Cookie', 'a=1']), true],
    ['given in pairs', (res) => res.writeHead(200, [['Set-Cookie', 'a=1'], ['SET-COOKIE', gone]] as never), true],
    ['given in two spellings', (res) => res.writeHead(200, { 'set-cookie': gone, 'Set-Cookie': 'a=1' }), true],
    ['given over what is set', (res) => {
      res.setHeader('Set-Cookie', 'a=1')
      res.writeHead(200, { 'Set-Cookie': gone })
    }, true],
    ['by the default path', (res) => { res.setHeader('Set-Cookie', 'session=; Max-Age=0') }, true],
    ['set, and overridden', (res) => {
      res.setHeader('Set-Cookie', gone)
      res.writeHead(200, { 'Set-Cookie': 'a=1' })
    }, false],
    ['another path', (res) => { res.setHeader('Set-Cookie', `${gone}old`) }, false],
    ['another name', (res) => { res.setHeader('Set-Cookie', `_${gone}`) }, false],
    ['no line', () => {}, false],
  ]
  for (const isHttp2 of [false, true]) {
    const events: SessionEvent[] = []
    const sessions = new RequestSessions({ idleTimeout: 100, onEvent: (event) => { events.push(event) } })
    let send: Send | undefined
    const answer = (req: IncomingMessage, res: ServerResponse) => {
      if (req.url !== '/bare') sessions.get(req)
      if (req.url === '/change') sessions.get(req)['a'] = 2
      send!(res)
      res.end()
    }
    const handler = new SessionHandler(answer, key, sessions)
    const listener: typeof answer = (req, res) => req.url === '/bare' ? answer(req, res) : handler.listener(req, res)
    const origin = await listen(t, isHttp2 ? http2.createServer(listener as never) : createServer(listener))
    setTime(t, 1_800_000_000)
    const cookie = `session=${handler.encodeCookie({ a: 1 })}`
    setTime(t, 1_800_000_060)
    const get = (path: string) => isHttp2 ? askHttp2(origin, path, { cookie }) : ask(origin, path, { cookie })
    for (const [name, sendRow, yields] of rows) {
      t.test(`${name}${isHttp2 ? ', HTTP/2' : ''}`, async (t) => {
        send = sendRow
        const own = (await get('/bare')).setCookie
        events.length = 0
        const read = await get('/')
        const isRenewal = (line: string) => /^session=[\w-]{108}/.test(line)
        t.strictSame(read.setCookie.filter((line) => !isRenewal(line)), own)
        t.equal(read.setCookie.filter(isRenewal).length, yields ? 0 : 1)
        t.strictSame(read.all('cache-control'), yields ? [] : ['no-store'])
        t.strictSame(read.all('vary'), ['Cookie'])
        t.strictSame(events.map(({ type }) => type), yields ? ['opened'] : ['opened', 'saved'])
        t.strictSame((await get('/change')).setCookie.filter((line) => /^session=.*Path=\/(;|$)/.test(line)).length, 1,
          'a changed session does not yield')
        t.match(events.at(-1), { type: 'saved', renewed: false })
      })
    }
  }
})

t.test('a watcher that hooks a response once more, behind another one, is asked and told once', async (t) => {
  const { req, res } = requestAndResponse()
  const told: string[] = []
  const watcher = (name: string) => ({
    head: () => {
      told.push(name)
      return { line: `${name}=1`, renews: true, failed: false, cacheHeaders: false }
    },
    sent: (_: unknown, hasYielded: boolean) => { told.push(`${name} ${hasYielded}`) },
    closed: () => { told.push(`${name} closed`) },
  })
  const [a, b] = [watcher('a'), watcher('b')]
  for (const each of [a, a, b, a, b]) hookHead(req, res, each)
  res.writeHead(200)
  res.emit('close')
  t.strictSame(res.getHeader('Set-Cookie'), ['b=1', 'a=1'])
  t.strictSame(told, ['b', 'a', 'a false', 'b false', 'a closed', 'b closed'])
})

t.test('a session that cannot be stored leaves the handler\'s own lines, and no reason phrase', async (t) => {
  const own = ['a=1', 'session=own']
  const ways: [name: string, send: Send, own: string[]][] = [
    ['end', (res) => res.end('body'), []],
    ['writeHead', (res) => res.writeHead(201, { 'Set-Cookie': own }).end('body'), own],
    ['writeHead with a reason', (res) => res.writeHead(201, 'Made', { 'Set-Cookie': own }).end('body'), own],
    ['statusMessage', (res) => {
      res.statusMessage = 'Made'
      res.setHeader('Set-Cookie', own).end('body')
    }, own],
  ]
  for (const [name, send, own] of ways) {
    const served = await serveSessions(t, (req, res, sessions) => {
      sessions.get(req).value = 1n as never
      send(res)
    })
    const answer = await served.ask('/')
    t.match(answer, { status: 500, reason: 'Internal Server Error', body: 'body' }, name)
    t.strictSame(answer.setCookie, own, name)
    t.strictSame([answer.all('vary'), answer.all('cache-control')], [['Cookie'], ['no-store']], name)
  }
})

t.test('a header that Node refuses leaves the response able to answer, with the cookie', async (t) => {
  const rows: [name: string, send: Send][] = [
    ['a bad value', (res) => res.writeHead(200, { 'X-A': 'a\nb' })],
    ['an undefined Set-Cookie', (res) => res.setHeader('X-A', '1').writeHead(200, { 'Set-Cookie': undefined })],
    ['a bad Set-Cookie', (res) => res.writeHead(200, { 'Set-Cookie': 'a\nb' })],
    ['an odd array', (res) => res.writeHead(200, ['X-A'])],
    ['a bad status', (res) => res.writeHead(2000)],
    ['pairs after setHeader', (res) => res.setHeader('Vary', 'Accept').writeHead(200, [['X-A', '1']] as never)],
  ]
  for (const [name, send] of rows) {
    t.test(name, async (t) => {
      const before: unknown[] = []
      const served = await serveSessions(t, (req, res, sessions) => {
        sessions.get(req).a = 1
        try {
          send(res)
        } catch (error) {
          before.push((error as { code?: string }).code, res.getHeader('Set-Cookie'), res.getHeader('Cache-Control'))
          sessions.get(req).error = true
          res.statusCode = 500
          res.end('error')
        }
      })
      const answer = await served.ask('/')
      t.match(before, [/^ERR_/, undefined, undefined], 'headers are as they were')
      t.equal(answer.status, 500)
      t.strictSame(served.sessionIn(answer), { a: 1, error: true })
      t.strictSame(served.types(), ['saved'])
    })
  }
})

t.test('headers that have left already', async (t) => {
  const served = await serveSessions(t, (req, res, sessions) => {
    sessions.get(req).a = 1
    res.end('body')
    sessions.get(req).a = 2
    // In the words that Node has for it without the library.
    t.throws(() => res.writeHead(200), { code: 'ERR_HTTP_HEADERS_SENT', message: /^Cannot write headers/ })
    res.end()
  })
  await served.ask('/')
  await until(() => served.events.length > 1)
  t.strictSame(served.types(), ['saved', 'late'])
})

t.test('what a response says of its own headers counts only where Node says nothing', async (t) => {
  for (const says of [true, false]) {
    const served = await serveSessions(t, (req, res, sessions) => {
      sessions.get(req).a = 1
      Object.defineProperty(res, 'headersSent', { value: says })
      res.end('body')
    })
    t.strictSame(served.sessionIn(await served.ask('/')), { a: 1 })
    t.strictSame(served.types(), ['saved'])
    for (const prototype of [Object.prototype, null]) {
      const { req } = requestAndResponse()
      const own = { headersSent: says, writeHead() {} }
      served.handler.attach(req, Object.setPrototypeOf(own, prototype) as never)
      served.sessions.get(req).a = 1
      await new Promise(setImmediate)
    }
    t.strictSame(served.types(), says ? ['saved', 'late', 'late'] : ['saved'])
  }
})

t.test('an aborted request commits nothing', async (t) => {
  let closed = false
  const served = await serveSessions(t, (req, res, sessions) => {
    sessions.get(req).a = 1
    res.on('close', () => {
      res.end('too late')
      closed = true
    })
    req.socket.destroy()
  })
  await t.rejects(served.ask('/'))
  await until(() => closed)
  t.strictSame(served.events, [])
})

t.test('of a response that is gone nothing leaves, and nothing is told', async (t) => {
  const rows: [name: string, end: (req: IncomingMessage, res: ServerResponse) => unknown][] = [
    ['the response', (_, res) => res.destroy()],
    ['the request', (req) => req.destroy()],
    ['the request\'s socket', (req) => req.socket.destroy()],
    ['the response\'s socket', (_, res) => res.socket!.destroy()],
  ]
  const sends: [name: string, send: Send][] = [
    ['writeHead', (res) => res.writeHead(200, { 'X-A': '1' })],
    ['end', (res) => res.end('body')],
    ['flushHeaders', (res) => { res.flushHeaders() }],
  ]
  for (const [what, end] of rows) {
    for (const [how, send] of sends) {
      t.test(`${what} was destroyed before ${how}`, async (t) => {
        let isOver = false
        const served = await serveSessions(t, async (req, res, sessions) => {
          sessions.get(req).a = 1
          end(req, res)
          send(res)
          await new Promise(setImmediate)
          isOver = true
        })
        await t.rejects(served.ask('/'))
        await until(() => isOver)
        t.strictSame(served.events, [])
      })
    }
  }
})

t.test('a response that was destroyed before it had a connection tells nothing', async (t) => {
  const { req, res, sessions, events } = attachSessions() // as for the second of two requests that were sent at once
  sessions.get(req).a = 1
  res.destroy()
  res.writeHead(200)
  t.strictSame(events, [])
})

t.test('an error after the headers left is told as it is', async (t) => {
  const { sessions, handler, types } = attachSessions()
  const { req, res } = requestAndResponse()
  const { writeHead } = res
  res.writeHead = (...args: unknown[]) => {
    Reflect.apply(writeHead, res, args)
    throw new Error('of a package that wraps writeHead')
  }
  handler.attach(req, res)
  sessions.get(req).a = 1
  t.throws(() => res.writeHead(200), { message: 'of a package that wraps writeHead' })
  t.match(res.getHeader('Set-Cookie'), /^session=/, 'and nothing of what left is taken back')
  sessions.get(req).b = 2
  res.emit('close')
  t.strictSame(types(), ['saved', 'late'], 'and what left is told, and what did not')
})

t.test('two handlers around one request', async (t) => {
  const outer = new RequestSessions()
  const inner = new RequestSessions()
  const both = new SessionHandler(
    new SessionHandler((req, res) => {
      outer.get(req).a = 1
      inner.get(req).b = 2
      res.writeHead(200, { 'Set-Cookie': 'own=1' }).end()
    }, key, inner, { cookieName: 'inner' }).listener,
    key, outer, { cookieName: 'outer' },
  )
  const origin = await listen(t, both.listener)
  const answer = await ask(origin, '/')
  t.strictSame(answer.all('set-cookie').map((line) => line.split('=')[0]), ['own', 'inner', 'outer'])
  t.strictSame([answer.all('vary'), answer.all('cache-control')], [['Cookie'], ['no-store']])
})

t.test('the same handler twice around one request is once', async (t) => {
  const events: string[] = []
  const sessions = new RequestSessions({ onEvent: ({ type }) => { events.push(type) } })
  const handler: SessionHandler = new SessionHandler((req, res) => {
    if (req.url === '/') {
      req.url = '/again'
      sessions.get(req).a = 1
      return handler.listener(req, res)
    }
    t.equal(sessions.get(req).a, 1)
    return res.end()
  }, key, sessions)
  const answer = await ask(await listen(t, handler.listener), '/')
  t.equal(answer.all('set-cookie').length, 1)
  t.strictSame(events, ['saved'])
})

t.test('two handlers of one cookie name and different paths: both cookies are sent, and both come back', async (t) => {
  const events: string[] = []
  const [outer, inner] = ['/', '/app'].map((path) =>
    new RequestSessions({ onEvent: ({ type }) => { events.push(`${type} ${path}`) } })) as [RequestSessions, RequestSessions]
  const listener = (req: IncomingMessage, res: ServerResponse) => {
    const counts = [outer, inner].map((sessions) => {
      const session = sessions.get(req)
      return session['n'] = Number(session['n'] ?? 0) + 1
    })
    res.end(counts.join())
  }
  const within = new SessionHandler(listener, key, inner, { cookiePath: '/app' })
  const origin = await listen(t, new SessionHandler(within.listener, key, outer).listener)
  const jar = new BrowserJar(() => Date.now())
  for (const body of ['1,1', '2,2', '3,3']) {
    const cookie = jar.header(`${origin}/app/`)
    const answer = await ask(origin, '/app/', cookie === undefined ? {} : { cookie })
    t.equal(answer.body, body)
    jar.receive(`${origin}/app/`, answer.setCookie)
    t.strictSame(jar.cookies.map(({ path }) => path).sort(), ['/', '/app'])
  }
  t.strictSame(events.filter((event) => event.startsWith('saved')).length, 6)
  t.strictSame(events.filter((event) => event.startsWith('opened')).length, 4)
})

t.test('ten listeners of the application\'s own for close, and none of ours where nobody asked for the session', async (t) => {
  const warnings = collectWarnings(t)
  const close = (res: NodeJS.EventEmitter) => { for (let i = 0; i < 10; i++) res.on('close', () => {}) }
  let before = 0
  const served = await serveSessions(t, (_, res) => {
    before = res.listenerCount('close')
    close(res)
    res.write('body')
    t.equal(res.listenerCount('close'), before + 10)
    res.end()
  })
  await served.ask('/')
  const handler = new SessionHandler((_: Http2ServerRequest, res: Http2ServerResponse) => {
    const count = res.listenerCount('close')
    close(res)
    res.write('body')
    t.equal(res.listenerCount('close'), count + 10)
    res.end()
  }, key, new RequestSessions())
  await askHttp2(await listen(t, http2.createServer(handler.listener)), '/')
  await new Promise(setImmediate)
  t.strictSame(warnings, [])
})

t.test('a package that wraps writeHead, inside and outside', async (t) => {
  const wrap = (res: ServerResponse, name: string) => {
    const original = res.writeHead
    res.writeHead = function (this: ServerResponse, ...args: unknown[]) {
      res.appendHeader('Set-Cookie', `${name}=1`)
      return Reflect.apply(original, this, args)
    } as typeof original
  }
  const sessions = new RequestSessions()
  const handler = new SessionHandler((req, res) => {
    wrap(res, 'inside')
    sessions.get(req).a = 1
    res.end()
  }, key, sessions)
  const origin = await listen(t, (req, res) => {
    wrap(res, 'outside')
    handler.listener(req, res)
  })
  const names = (await ask(origin, '/')).all('set-cookie').map((line) => line.split('=')[0])
  t.strictSame(names.sort(), ['inside', 'outside', 'session'])
})

t.test('a package that keeps the head back, and lets it go later', async (t) => {
  const { sessions, handler } = attachSessions()
  const { req, res } = requestAndResponse()
  const { writeHead } = res
  let leave = () => {}
  res.writeHead = (...args: unknown[]) => {
    leave = () => { Reflect.apply(writeHead, res, args) }
    return res
  }
  handler.attach(req, res)
  sessions.get(req)['a'] = 1
  res.setHeader('X-A', '1')
  res.writeHead(200)
  t.equal(res.headersSent, false)
  leave()
  t.match(res.getHeader('Set-Cookie'), /^session=[\w-]{108}; /)
})

t.test('a response without a server', async (t) => {
  const server = createServer()
  const sessions = new RequestSessions()
  const handler = new SessionHandler((req, res) => {
    sessions.get(req).a = 1
    res.end('body')
  }, key, sessions)
  server.on('upgrade', (req, socket) => {
    const res = new ServerResponse(req)
    res.assignSocket(socket as never)
    handler.listener(req, res)
    socket.end()
  })
  const { setCookie } = await ask(await listen(t, server), '/', { Connection: 'Upgrade', Upgrade: 'x' })
  t.equal(setCookie.length, 1)
})

t.test('http2', async (t) => {
  const sends: [name: string, send: (res: Http2ServerResponse) => unknown, own: string[]][] = [
    ['end', (res) => res.end('body'), []],
    ['write', (res) => { res.write('bo'); res.end('dy') }, []],
    ['flushHeaders', (res) => { (res as unknown as ServerResponse).flushHeaders(); res.end('body') }, []],
    ['setHeader', (res) => { res.setHeader('Set-Cookie', ['a=1', 'session=x']); res.end('body') }, ['a=1']],
    ['writeHead', (res) => { res.writeHead(200, { 'Set-Cookie': 'a=1' }); res.end('body') }, ['a=1']],
    ['pairs', (res) => { res.writeHead(200, [['Set-Cookie', 'a=1']] as never); res.end('body') }, ['a=1']],
  ]
  const requested = async (listener: (req: Http2ServerRequest, res: Http2ServerResponse) => unknown, cookie?: string) =>
    askHttp2(await listen(t, http2.createServer(listener as never)), '/', cookie === undefined ? {} : { cookie })
  for (const [name, send, own] of sends) {
    t.test(name, async (t) => {
      const events: string[] = []
      const sessions = new RequestSessions({ onEvent: ({ type }) => { events.push(type) } })
      const handler = new SessionHandler((req: Http2ServerRequest, res: Http2ServerResponse) => {
        const session = sessions.get(req)
        session.n = Number(session.n ?? 0) + 1
        send(res)
      }, key, sessions)
      const cookie = `session=${handler.encodeCookie({ n: 1 })}; a=b`
      const { status, headers, setCookie, body } = await requested(handler.listener, cookie)
      t.equal(status, 200)
      t.equal(body, 'body')
      t.strictSame(setCookie.slice(0, -1), own)
      t.strictSame({ ...handler.decodeCookie(/^session=([^;]*)/.exec(setCookie.at(-1)!)![1]!) }, { n: 2 })
      t.equal(headers.vary, 'Cookie')
      t.equal(headers['cache-control'], 'no-store')
      t.strictSame(events, ['opened', 'saved'])
    })
  }

  t.test('a stream that is gone', async (t) => {
    const events: string[] = []
    const sessions = new RequestSessions({ onEvent: ({ type }) => { events.push(type) } })
    let over = false
    const handler = new SessionHandler((req: Http2ServerRequest, res: Http2ServerResponse) => {
      sessions.get(req).n = 1
      res.on('close', () => {
        res.writeHead(200)
        res.end()
        over = true
      })
      res.stream.destroy()
    }, key, sessions)
    await t.rejects(requested(handler.listener))
    await until(() => over)
    t.strictSame(events, [])
  })
})

t.test('writeHeader, which Node 26 no longer has, where a package puts it back', async (t) => {
  const bare = { writeHead() {} }
  attachSessions().handler.attach({ headers: {} } as IncomingMessage, bare as never)
  t.strictSame(Object.keys(bare), ['writeHead'])
  const { sessions, handler } = attachSessions()
  const { req, res } = requestAndResponse()
  const aliased = Object.assign(res, { writeHeader: ServerResponse.prototype.writeHead })
  handler.attach(req, res)
  sessions.get(req).a = 1
  aliased.writeHeader(200)
  t.match(res.getHeader('Set-Cookie'), /^session=/)
})

t.test('writeHead gets as many arguments as it was given', async (t) => {
  const rows: [name: string, ...args: unknown[]][] = [
    ['status', 200],
    ['status and headers', 200, ['X-A', '1']],
    ['status, reason and headers', 200, 'Fine', ['X-A', '1']],
  ]
  for (const [name, ...args] of rows) {
    const { sessions, handler } = attachSessions()
    const { req, res } = requestAndResponse()
    const { writeHead } = res
    let count = 0
    res.writeHead = (...args: unknown[]) => {
      count = args.length
      return Reflect.apply(writeHead, res, args)
    }
    handler.attach(req, res)
    sessions.get(req).a = 1
    Reflect.apply(res.writeHead, res, args)
    t.equal(count, args.length, name)
  }
})

import t from 'tap'
import { spawnSync } from 'node:child_process'
import type { IncomingMessage } from 'node:http'
import { SessionHandler, RequestSessions, type SessionEvent } from '../../lib/index.js'
import { emitterFor } from '../../lib/events.js'
import { ask } from '../support/client.js'
import { listen } from '../support/listen.js'
import { key, serveSessions } from '../support/sessions.js'
import { setTime } from '../support/time.js'
import { collectWarnings } from '../support/warnings.js'

t.test('rejected: the reason of the cookie that got furthest, once a request', async (t) => {
  const now = 1_800_000_000
  setTime(t, now)
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({
    onEvent: (event) => { events.push(event) },
    validate: (session) => session.refused !== true,
  })
  const handler = new SessionHandler(() => {}, [key, Buffer.alloc(32, 2)], sessions)
  const second = new SessionHandler(() => {}, Buffer.alloc(32, 2))
  const valid = handler.encodeCookie({ a: 1 })
  const other = handler.encodeCookie({ b: 1 })
  const invalid = handler.encodeCookie({ refused: true })
  const tag = new SessionHandler(() => {}, Buffer.alloc(32, 3)).encodeCookie({})
  const format = `${valid.slice(0, -1)}*`
  const length = 'short'
  const oldKey = second.encodeCookie({ c: 1 })
  setTime(t, now - 86_400)
  const expired = handler.encodeCookie({ d: 1 })
  setTime(t, now)

  const rows: [name: string, values: string[], session: object, event: object | undefined][] = [
    ['none', [], {}, undefined],
    ['valid', [valid], { a: 1 }, { type: 'opened', keyIndex: 0 }],
    ['under the second key', [oldKey], { c: 1 }, { type: 'opened', keyIndex: 1 }],
    ['length', [length], {}, { type: 'rejected', reason: 'length' }],
    ['format', [format], {}, { type: 'rejected', reason: 'format' }],
    ['tag', [tag], {}, { type: 'rejected', reason: 'tag' }],
    ['expired', [expired], {}, { type: 'rejected', reason: 'expired' }],
    ['invalid', [invalid], {}, { type: 'rejected', reason: 'invalid' }],
    ['ambiguous', [valid, other], {}, { type: 'rejected', reason: 'ambiguous' }],
    ['ambiguous, the other way round', [other, valid], {}, { type: 'rejected', reason: 'ambiguous' }],
    ['the same twice', [valid, valid], { a: 1 }, { type: 'opened', keyIndex: 0 }],
    ['length and tag', [length, tag], {}, { type: 'rejected', reason: 'tag' }],
    ['tag and length', [tag, length], {}, { type: 'rejected', reason: 'tag' }],
    ['invalid and the rest', [format, invalid, expired, tag], {}, { type: 'rejected', reason: 'invalid' }],
    ['refused ones before a valid one', [length, expired, invalid, valid], { a: 1 }, { type: 'opened', keyIndex: 0 }],
    ['refused ones after a valid one', [valid, length, tag, expired], { a: 1 }, { type: 'opened', keyIndex: 0 }],
    ['a valid one among the same four times', [tag, tag, tag, tag, valid], { a: 1 }, { type: 'opened', keyIndex: 0 }],
    ['a valid one as the fourth', [tag, length, format, valid], { a: 1 }, { type: 'opened', keyIndex: 0 }],
    ['a valid one as the first of five', [valid, tag, length, format, ''], {}, { type: 'rejected', reason: 'ambiguous' }],
    ['five of which none opens', ['', 'a', 'b', 'c', 'd'], {}, { type: 'rejected', reason: 'ambiguous' }],
  ]
  for (const [name, values, session, event] of rows) {
    t.test(name, async (t) => {
      events.length = 0
      const cookie = values.map((value) => `session=${value}`).join('; ')
      const req = { headers: { cookie } } as IncomingMessage
      for (let twice = 0; twice < 2; twice++) t.strictSame({ ...handler.read(req) }, session)
      t.strictSame(events, event === undefined ? [] : [event])
    })
  }
})

t.test('saved and cleared', async (t) => {
  const served = await serveSessions(t, (req, res, sessions) => {
    if (req.url === '/clear') sessions.clear(req)
    else sessions.get(req).a = 1
    res.end()
  })
  const answer = await served.ask('/')
  t.strictSame(served.events, [{ type: 'saved', bytes: answer.all('set-cookie')[0]!.length, renewed: false }])
  await served.ask('/clear')
  t.strictSame(served.events.at(-1), { type: 'cleared' })
})

t.test('an onEvent that throws or rejects harms nobody, and causes one warning', async (t) => {
  const hostile = Object.defineProperty(new Error(), 'message', { get() { throw new Error('again') } })
  for (const [name, onEvent, warned] of [
    ['throws', () => { throw new TypeError('thrown') }, { name: 'TypeError', message: '"onEvent" threw TypeError: thrown' }],
    ['rejects', async () => { throw new Error('rejected') }, { message: '"onEvent" threw Error: rejected' }],
    ['gives a thenable that rejects', () => ({ then(_: unknown, reject: (error: Error) => void) { reject(new Error('thenable')) } }),
      { message: /thenable$/ }],
    ['throws no error', () => { throw 'a string' }, { name: 'Warning', message: '"onEvent" threw string' }],
    ['throws what throws', () => { throw hostile }, { message: '"onEvent" threw object' }],
  ] as const) {
    t.test(name, async (t) => {
      const warnings = collectWarnings(t)
      const served = await serveSessions(t, (req, res, sessions) => {
        sessions.get(req).a = req.url === '/big' ? 'x'.repeat(5000) : 1
        res.end('body')
      }, { options: { onEvent: onEvent as () => void } })
      t.match(await served.ask('/'), { status: 200, body: 'body' })
      t.match(await served.ask('/big'), { status: 500, body: 'body' })
      t.match(await served.ask('/'), { status: 200, body: 'body' })
      await new Promise(setImmediate)
      t.match(warnings, [{ ...warned, code: 'ERR_SESHCOOKIE_ON_EVENT' }])
      t.equal(warnings.length, 1)
    })
  }
})

t.test('without onEvent, what needs care is a process warning, and the rest is silent', async (t) => {
  const { emitWarning } = process
  const calls: unknown[][] = []
  process.emitWarning = (...args: unknown[]) => { calls.push(args) }
  t.teardown(() => { process.emitWarning = emitWarning })
  const req = { method: 'GET', url: '/a?b', headers: {} } as IncomingMessage
  const emit = emitterFor(() => undefined)
  const error = Object.assign(new Error('why'), { name: 'SizeError', code: 'ERR_SESHCOOKIE_SIZE' })
  for (const event of [
    { type: 'opened', keyIndex: 0 }, { type: 'rejected', reason: 'tag' }, { type: 'saved', bytes: 1, renewed: false },
    { type: 'cleared' }, { type: 'failed', error }, { type: 'late', error }, { type: 'failed', error: new Error('no randomness') },
    { type: 'insecure', secure: true }, { type: 'insecure', secure: false },
  ] as SessionEvent[]) emit(event, req, '; note')
  emit({ type: 'failed', error }, req)
  // Strings, since an Error of another realm is refused.
  t.match(calls.slice(0, 5), [
    ['GET /a: why; note', 'SizeError', 'ERR_SESHCOOKIE_SIZE'], ['GET /a: why; note', 'SizeError', 'ERR_SESHCOOKIE_SIZE'],
    ['GET /a: no randomness; note', 'Error', 'ERR_SESHCOOKIE_FAILED'],
    [/is Secure left over plain HTTP.*let it send X-Forwarded-Proto$/, 'Warning', 'ERR_SESHCOOKIE_INSECURE'],
    [/is not Secure left.*"secure" to true/, 'Warning', 'ERR_SESHCOOKIE_INSECURE'],
  ])
  t.strictSame(calls.slice(5), [['GET /a: why', 'SizeError', 'ERR_SESHCOOKIE_SIZE']])
})

t.test('no warning throws out of the library', async (t) => {
  const { emitWarning } = process
  process.emitWarning = () => { throw new Error('from emitWarning') }
  t.teardown(() => { process.emitWarning = emitWarning })
  const served = await serveSessions(t, (req, res, sessions) => {
    sessions.get(req).a = 'x'.repeat(5000)
    res.end('body')
  }, { options: { onEvent: undefined, validate: () => { throw new Error('in validate') } } })
  const answer = await served.ask('/', `session=${served.handler.encodeCookie({ a: 1 })}`)
  t.match(answer, { status: 500, body: 'body' })
})

t.test('validate that throws or returns no boolean rejects, with a warning', async (t) => {
  const warnings = collectWarnings(t)
  const rows: [name: string, validate: () => unknown, warned: object | undefined][] = [
    ['true', () => true, undefined],
    ['false', () => false, undefined],
    ['throws', () => { throw new Error('in validate') }, { message: '"validate" threw Error: in validate', code: 'ERR_SESHCOOKIE_VALIDATE' }],
    ['throws no error', () => { throw 'a string' }, { name: 'Warning', message: '"validate" threw string' }],
    ['throws undefined', () => { throw undefined }, { name: 'Warning' }],
    ['throws an object', () => { throw { message: 'of validate' } }, { name: 'Warning' }],
    ['a promise that rejects', async () => { throw new Error('of validate') }, { name: 'TypeError' }],
    ['a promise', async () => true,
      { name: 'TypeError', message: /"validate" expected to return a boolean, got a promise: it has to be synchronous$/ }],
    ['undefined', () => undefined, { name: 'TypeError' }],
    ['1', () => 1, { name: 'TypeError', message: /got number$/ }],
  ]
  for (const [name, validate, warned] of rows) {
    t.test(name, async (t) => {
      warnings.length = 0
      const events: SessionEvent[] = []
      const onEvent = (event: SessionEvent) => { events.push(event) }
      const handler = new SessionHandler(() => {}, key, new RequestSessions({ validate: validate as never, onEvent }))
      const req = { headers: { cookie: `session=${handler.encodeCookie({ a: 1 })}` } } as IncomingMessage
      t.strictSame({ ...handler.read(req) }, name === 'true' ? { a: 1 } : {})
      t.match(events, [name === 'true' ? { type: 'opened' } : { type: 'rejected', reason: 'invalid' }])
      await new Promise(setImmediate)
      if (warned === undefined) t.strictSame(warnings, [])
      else t.match(warnings, [warned])
    })
  }
})

t.test('insecure: once a process each, where a Secure cookie leaves with no sign of TLS, or another with one', async (t) => {
  // In processes of their own, since it is told once; each pair is a setting of `secure` and a request.
  const lib = JSON.stringify(new URL('../../lib/index.js', import.meta.url).href)
  const plain = [true, { headers: {} }]
  const forwarded = { headers: { 'x-forwarded-proto': 'https' } }
  const tls = [
    [true, { headers: {}, socket: { encrypted: true } }],
    [true, { headers: { 'x-forwarded-proto': 'https' } }],
    [true, { headers: { forwarded: 'for=1.2.3.4;proto=https;by=5' } }],
    ['auto', { headers: {} }],
  ]
  const read = [[true, { headers: {}, url: '/read' }], [false, { ...forwarded, url: '/read' }]]
  const notSecure = [[false, { headers: {} }], ['auto', { headers: { 'x-forwarded-proto': 'http' } }]]
  const rows: [name: string, requests: unknown[], told: string[]][] = [
    ['neither where all is well, then Secure over plain HTTP, then not Secure behind a proxy that took TLS',
      [...read, ...tls, ...notSecure, plain, plain, ['auto', forwarded], [false, forwarded], plain],
      [...tls, ...notSecure].map(() => 'saved')
        .concat('saved', 'insecure true', 'saved', 'saved', 'insecure false', 'saved', 'saved')],
    ['not Secure by choice behind such a proxy, and Secure behind one that took plain HTTP',
      [[false, forwarded], [true, { headers: { 'x-forwarded-proto': 'http' } }], plain],
      ['saved', 'insecure false', 'saved', 'insecure true', 'saved']],
  ]
  for (const [name, requests, told] of rows) {
    t.test(name, async (t) => {
      const script = `
        import { RequestSessions, SessionHandler } from ${lib}
        import { ServerResponse } from 'node:http'
        const events = []
        for (const [secure, req] of ${JSON.stringify(requests)}) {
          const sessions = new RequestSessions({ secure, onEvent: ({ type, secure }) => { events.push([type, secure].join(' ').trim()) } })
          const handler = new SessionHandler((req, res) => {
            const session = sessions.get(req)
            if (req.url !== '/read') session.a = 1
            res.end()
          }, Buffer.alloc(32), sessions)
          handler.listener(req, new ServerResponse({ ...req, method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 }))
        }
        console.log(JSON.stringify(events))`
      const child = spawnSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', script], { encoding: 'utf8' })
      t.equal(child.stderr, '')
      t.strictSame(JSON.parse(child.stdout), told)
    })
  }
})

t.test('no event holds a key, a cookie or session data', async (t) => {
  const secret = 'the-content-of-the-session'
  const served = await serveSessions(t, (req, res, sessions) => {
    const session = sessions.get(req)
    session.a = secret
    if (req.url === '/big') session.big = secret.repeat(300)
    if (req.url === '/bigint') session.nested = { [secret.length]: 1n as never }
    res.end()
    session.late = secret
  })
  const cookie = (await served.ask('/')).all('set-cookie')[0]!.split(';')[0]!
  for (const path of ['/', '/big', '/bigint']) await served.ask(path, cookie)
  await served.ask('/', `${cookie}x`)
  await ask(await listen(t, (_, res) => res.end()), '/')
  const told = served.events.map((event) => 'error' in event ? `${event.error.stack} ${JSON.stringify(event)}` : JSON.stringify(event))
  t.equal(told.length >= 8, true)
  for (const text of told) {
    t.notMatch(text, secret)
    t.notMatch(text, cookie.slice('session='.length))
    t.notMatch(text, Buffer.from(key).toString('base64'))
  }
})

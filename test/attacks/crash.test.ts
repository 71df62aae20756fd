/**
 * Nothing that happens to a session ends the process: each way it cannot be stored, with each way a handler can finish.
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { RequestSessions, SessionHandler } from '../../lib/index.js'
import { ask } from '../support/client.js'
import { cases, faults, listeners } from '../support/crash-cases.js'
import type { Played } from '../support/crash-child.js'
import { listen } from '../support/listen.js'
import { breakCrypto } from '../support/node-crypto.js'
import { key, serveSessions } from '../support/sessions.js'
import { until } from '../support/time.js'
import { collectWarnings } from '../support/warnings.js'

/** The cases from one on, in a child: what it printed of each until its end, and how that came. */
function play(from: number): { played: Played[], code: number | null, stderr: string } {
  const file = fileURLToPath(new URL('../support/crash-child.js', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, file, String(from)],
    { encoding: 'utf8', timeout: 60_000 })
  return { played: stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line)), code: status, stderr }
}

t.test('a session that cannot be stored', async (t) => {
  const all: (Played | string)[] = []
  let deaths = 0
  while (all.length < cases.length && deaths < 5) {
    const { played, code, stderr } = play(all.length)
    all.push(...played)
    if (code === 0) break
    deaths++
    all.push(`the process ended with ${code}: ${stderr}`)
  }
  t.equal(deaths, 0, 'exit code 0')

  for (const [index, { protocol, fault, listener, finish }] of cases.entries()) {
    const name = `${fault}, ${finish}, ${protocol}, ${listener}`
    const silent = listener === 'no onEvent'
    const played = all[index]
    if (played === undefined || typeof played === 'string') {
      t.fail(`${name}: ${played ?? 'not played'}`)
      continue
    }
    const { errors: [error = ''], ...rest } = played
    t.strictSame(rest, {
      failed: { status: 500, setCookie: [], body: 'body' },
      next: { status: 200, setCookie: [], body: '{"a":1}' },
      events: silent ? [] : ['opened', 'failed', 'opened'],
      warnings: [listeners[listener]![1] ?? []].flat(),
    }, name)
    t.match(error, silent ? /^$/ : faults[fault]![1], name)
  }
})

type Answerer = (req: IncomingMessage, res: ServerResponse, session: Record<string, unknown>) => unknown

/** Has the client go, and waits until the response knows. */
const hangUp = async (from: { destroy(): unknown }, res: ServerResponse) => {
  from.destroy()
  await once(res, 'close')
}

/** What handlers do that they should not, or what happens to them, once they have changed the session. */
const mishaps: Record<string, Answerer> = {
  'end twice': (_, res) => res.end('body').end('body'),
  'write after end': (_, res) => res.end('body').write('more'),
  'headers after end': (_, res) => res.end('body').setHeader('X-Late', '1'),
  'writeHead after end': (_, res) => res.end('body').writeHead(204),
  'writeHead twice': (_, res) => res.writeHead(201).writeHead(202),
  'a status that is none': (_, res) => res.writeHead(42),
  'a header that is none': (_, res) => res.writeHead(200, { 'X-Bad': 'a\r\nb' }),
  'the response destroyed before its head': (_, res) => res.destroy().end('body'),
  'the response destroyed after its head': (_, res) => {
    res.write('part')
    res.destroy().end('body')
  },
  'the request destroyed before the head': async (req, res) => {
    await hangUp(req, res)
    res.setHeader('X-Late', '1').end('body')
  },
  'the client gone before the head': async (req, res) => {
    await hangUp(req.socket, res)
    res.setHeader('X-Late', '1').writeHead(200).end('body')
  },
  'the client gone, then a session that cannot be stored': async (req, res, session) => {
    await hangUp(req.socket, res)
    session['b'] = 2n
    res.end('body')
  },
  'the client gone in the middle of a stream': async (req, res, session) => {
    res.write('part')
    await hangUp(req.socket, res)
    session['b'] = 3
    res.write('part')
    res.end()
  },
  'the client gone from a pipe': (req, res) => {
    Readable.from(['part', 'part', 'part']).pipe(res)
    req.socket.destroy()
  },
}

t.test('mishaps end as they do without the library, and harm no other request', async (t) => {
  for (const [name, answer] of Object.entries(mishaps)) {
    t.test(name, async (t) => {
      /** The errors that Node has for it, thrown or emitted, and what the client got. */
      const outcome = async (wrap: (listener: RequestListener) => RequestListener, sessionOf: (req: IncomingMessage) =>
      Record<string, unknown>) => {
        const codes: unknown[] = []
        const listener: RequestListener = async (req, res) => {
          if (req.url === '/next') {
            res.end('next')
            return
          }
          res.on('error', (error: NodeJS.ErrnoException) => { codes.push(error.code) })
          try {
            const session = sessionOf(req)
            session['b'] = 2
            await answer(req, res, session)
          } catch (error) {
            codes.push((error as NodeJS.ErrnoException).code)
            res.end('after an error')
          }
        }
        const origin = await listen(t, wrap(listener))
        const cookie = { cookie: `session=${handler.encodeCookie({ a: 1 })}` }
        const got = await ask(origin, '/', cookie).then(({ status, body }) => ({ status, body }), () => 'hung up')
        await new Promise(setImmediate)
        return { codes, got, next: (await ask(origin, '/next')).body }
      }
      const events: string[] = []
      const sessions = new RequestSessions({ onEvent: ({ type }) => { events.push(type) } })
      const handler = new SessionHandler(() => {}, key, sessions)
      const plain = await outcome((listener) => listener, () => ({}))
      const wrapped = await outcome(
        (listener) => new SessionHandler(listener, key, sessions).listener, (req) => sessions.get(req))
      t.strictSame(wrapped, plain)
      t.equal(wrapped.next, 'next')
      const verdicts = events.filter((type) => type !== 'opened' && type !== 'late')
      t.ok(verdicts.length <= 1, `one verdict: ${verdicts.join(', ')}`)
    })
  }
})

t.test('a late change that cannot be read ends nothing', async (t) => {
  const served = await serveSessions(t, (req, res, sessions) => {
    const session = sessions.get(req)
    session['a'] = 1
    res.write('part')
    faults[req.url!.slice(1).replaceAll('-', ' ')]?.[0](session)
    res.end()
  })
  for (const fault of ['a getter that throws', 'a proxy that throws', 'a toJSON that throws', 'a cycle', 'a bigint']) {
    served.events.length = 0
    t.equal((await served.ask(`/${fault.replaceAll(' ', '-')}`)).status, 200)
    await until(() => served.events.length === 2)
    t.match(served.events[1], { type: 'late', error: { message: /lost: b$/ } }, fault)
  }
})

/** As after `setFips(true)` where OpenSSL has no provider for it. An option that is assigned makes a codec anew. */
t.test('a cookie that cannot be opened for want of working cryptography ends nothing', async (t) => {
  for (const broken of ['createHmac', 'createDecipheriv'] as const) {
    for (const domain of [undefined, 'a.example']) {
      t.test(`${broken}${domain === undefined ? '' : ', after a domain was assigned'}`, async (t) => {
        const warnings = collectWarnings(t)
        const served = await serveSessions(t, (req, res, sessions) => {
          res.end(JSON.stringify([sessions.get(req), sessions.get(req)]))
        })
        const sealer = new SessionHandler(null, key, new RequestSessions({ domain }))
        const cookie = `session=${sealer.encodeCookie({ a: 1 })}`
        const undo = breakCrypto(broken)
        t.teardown(undo)
        served.sessions.domain = domain
        const answer = await served.ask('/', cookie)
        undo()
        t.match(answer, { status: 200, body: '[{},{}]' })
        t.strictSame(answer.all('set-cookie'), [])
        t.match(warnings, [{ message: `opening a cookie threw Error: no ${broken}`, code: 'ERR_SESHCOOKIE_OPEN' }])
        t.equal(warnings.length, 1)
        t.match((await served.ask('/', cookie)).body, '[{"a":1},{"a":1}]')
      })
    }
  }
})

t.test('a session that cannot be sealed after a domain was assigned is a 500', async (t) => {
  for (const broken of ['randomBytes', 'createCipheriv', 'createHmac'] as const) {
    const served = await serveSessions(t, (req, res, sessions) => {
      sessions.get(req)['a'] = 1
      res.end()
    })
    const undo = breakCrypto(broken)
    t.teardown(undo)
    served.sessions.domain = 'a.example'
    const answer = await served.ask('/')
    undo()
    t.strictSame([answer.status, answer.all('set-cookie')], [500, []], broken)
    t.match(served.events, [{ type: 'failed', error: { message: `no ${broken}` } }])
    t.equal((await served.ask('/')).status, 200)
  }
})

import http2 from 'node:http2'
import { Agent, type IncomingMessage, type ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { completeHead } from '../../lib/header-fields.js'
import { RequestSessions, SessionHandler } from '../../lib/index.js'
import { ask, askOver, type Answer } from '../support/client.js'
import { listen } from '../support/listen.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { fuzz, seededRandom } from '../support/seeded-random.js'
import { attachSessions, key } from '../support/sessions.js'
import { volume } from '../support/volume.js'

type Entry = [name: string, value: string | string[]]
type Send = (res: ServerResponse) => unknown

const setAll: Send = (res) => {
  res.setHeader('Vary', 'X-Set')
  res.setHeader('Cache-Control', 'max-age=1')
  res.setHeader('Set-Cookie', ['set=1', 'session=set'])
}

/** Ways over which a head leaves, with what is done to the response before: Node keeps repeated names in some alone. */
const ways: [name: string, isHttp2: boolean, before: Send][] = [
  ['HTTP/1', false, () => {}],
  ['HTTP/1, a header set and removed', false, (res) => { res.setHeader('X-B', '1').removeHeader('X-B') }],
  ['HTTP/1, another header set', false, (res) => res.setHeader('X-B', '1')],
  ['HTTP/1, all of the headers set', false, setAll],
  ['HTTP/2', true, () => {}],
  ['HTTP/2, another header set', true, (res) => { res.setHeader('X-B', '1') }],
  ['HTTP/2, all of the headers set', true, setAll],
]

/** The forms in which writeHead takes headers. */
const forms: [name: string, of: (entries: Entry[]) => unknown][] = [
  ['an object', (entries) => Object.fromEntries(entries)],
  ['a flat array', (entries) => entries.flat()],
  ['pairs', (entries) => entries],
]

/** Each way with each form: Node refuses pairs where another header was set, with and without the library. */
const heads = ways.flatMap(([way, isHttp2, before]) => forms
  .filter(([form]) => form !== 'pairs' || isHttp2 || way === 'HTTP/1')
  .map(([form, of]) => ({ title: `${way}, ${form}`, form, isHttp2, before, of })))

/** A server that answers with and without the library, over HTTP/1 or 2. */
async function serve(t: Test, isHttp2: boolean) {
  const sessions = new RequestSessions({ onEvent: () => {} })
  let current: { send: Send, change: (req: IncomingMessage) => void } | undefined
  const answerWith = (req: IncomingMessage, res: ServerResponse) => {
    try {
      current!.change(req)
      current!.send(res)
    } catch (error) {
      res.statusCode = 500
      res.end(`refused: ${(error as { code?: string }).code}`)
    }
  }
  const handler = new SessionHandler(answerWith, key, sessions)
  const listener = (req: IncomingMessage, res: ServerResponse) => {
    if (req.url === '/bare') answerWith(req, res)
    else handler.listener(req, res)
  }
  const origin = await listen(t, isHttp2 ? http2.createServer(listener as never) as never : listener)
  // The many requests of this file share their connections: to make one takes longer than to answer.
  const agent = new Agent({ keepAlive: true })
  const client = isHttp2 ? http2.connect(origin) : undefined
  t.teardown(() => { client?.destroy() })
  const get = async (path: string, send: Send, change: (session: Record<string, unknown>) => void = () => {}) => {
    current = { send, change: (req) => { if (path === '/') change(sessions.get(req)) } }
    return client ? await askOver(client, path) : await ask(origin, path, {}, 'GET', '', agent)
  }
  return {
    sessions,
    handler,
    /** The same answer without the library, with a session that was changed, and with one that was only read. */
    all: async (send: Send) => ({
      bare: await get('/bare', send),
      changed: await get('/', send, (session) => { session['a'] = 1 }),
      read: await get('/', send),
    }),
    changed: (send: Send) => get('/', send, (session) => { session['a'] = 1 }),
    read: (send: Send) => get('/', send),
    unasked: (send: Send) => get('/unasked', send),
    failed: (send: Send) => get('/', send, (session) => { session['a'] = NaN }),
  }
}

/** The members of a list, without regard to how they are spread over lines. */
const members = (answer: Answer, name: string) =>
  answer.all(name).flatMap((value) => value.split(',')).map((member) => member.trim().toLowerCase())
    .filter((member) => member !== '')

const isOurs = (line: string) => /^session=[A-Za-z0-9_-]{108}/.test(line)

/**
 * What is wrong with an answer, beside what Node sends of the same without the library. Nothing, one hopes. Of a name
 * that was given several times Node may send the last one only: then more may come of the lists, but nothing that is
 * not in `own`.
 */
function faults(bare: Answer, answer: Answer, isSaved: boolean, own: string): string[] {
  const wrong: string[] = []
  const ownText = own.replaceAll('\\"', '"').toLowerCase()
  const expect = (isRight: boolean, what: string) => { if (!isRight) wrong.push(what) }
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
  expect(answer.status === bare.status, `status ${answer.status}`)
  const got = answer.all('set-cookie')
  if (isSaved) {
    const others = bare.all('set-cookie').filter((line) => !/^ *session *=/.test(line))
    expect(got.filter(isOurs).length === 1 && isOurs(got.at(-1)!), `our line once, at the end: ${String(got)}`)
    expect(same(got.slice(0, -1), others), `other lines: ${String(got)}`)
  } else {
    expect(same(got, bare.all('set-cookie')), `lines: ${String(got)}`)
  }
  for (const [field, added] of [['vary', 'cookie'], ['cache-control', 'no-store']] as const) {
    const [before, after] = [members(bare, field), members(answer, field)]
    const title = `${field} was ${String(before)} and is ${String(answer.all(field))}`
    if (field === 'cache-control' && !isSaved) {
      expect(same(after, before), title)
      continue
    }
    expect(answer.all(field).length === 1 && before.every((member) => after.includes(member)), title)
    expect(after.every((member) => member === added || ownText.includes(member)), title)
    const count = after.filter((member) => member === added).length
    if (field === 'cache-control') expect(after[0] === added && count === 1, title)
    else expect(count > 0 || after.includes('*'), title)
  }
  const others = ({ fields }: Answer) => fields.filter(([name]) => !/^(set-cookie|vary|cache-control)$/i.test(name))
  expect(same(others(answer), others(bare)), `others: ${JSON.stringify(others(answer))}`)
  return wrong
}

const repeated: [vary: [string, string], cacheControl: [string, string], lines: [string | string[], string]][] = [
  [['Cookie', 'Accept'], ['no-store', 'public, max-age=600'], ['a=1', 'b=2']],
  [['Accept', 'Cookie'], ['public, max-age=600', 'no-store'], ['session=own', 'b=2']],
  [['Accept', 'X-A'], ['public', 'max-age=600'], ['a=1', 'session=own']],
  [['Cookie', 'cookie'], ['no-store', 'No-Store'], ['session=own', 'session=own; Path=/']],
  [['*', 'Accept'], ['private', 'x="no-store"'], [['a=1', 'session=own'], 'b=2']],
  [['Accept', '*'], ['', 'no-cache'], [['session=own'], 'a=1']],
]

t.test('one field name given twice: whatever Node sends has what it must', async (t) => {
  for (const { title, form, isHttp2, before, of } of heads) {
    const served = await serve(t, isHttp2)
    for (const again of ['one spelling', 'two spellings']) {
      if (form === 'an object' && again === 'one spelling') continue // an object has no such names
      const spelling = (name: string) => again === 'one spelling' ? name : name.toLowerCase()
      for (const [vary, cacheControl, lines] of repeated) {
        const entries: Entry[] = [
          ['Vary', vary[0]], ['Set-Cookie', lines[0]], ['X-A', '1'], ['Cache-Control', cacheControl[0]],
          [spelling('Vary'), vary[1]], [spelling('Cache-Control'), cacheControl[1]], [spelling('Set-Cookie'), lines[1]],
        ]
        const { bare, changed, read } = await served.all((res) => {
          before(res)
          res.writeHead(200, of(structuredClone(entries)) as never)
          res.end()
        })
        const own = JSON.stringify(entries)
        t.strictSame(faults(bare, changed, true, own), [], `${title}, ${own}`)
        t.strictSame(faults(bare, read, false, own), [], `${title}, ${own}, read`)
      }
    }
  }
})

t.test('a field whose name would change a prototype', async (t) => {
  const served = await serve(t, false)
  const given = JSON.parse('{"__proto__":"1","x-a":"2"}') as Record<string, string>
  const { bare, changed } = await served.all((res) => {
    res.writeHead(200, given)
    res.end()
  })
  for (const name of ['__proto__', 'x-a']) t.strictSame(changed.all(name), bare.all(name))
  t.strictSame(changed.all('__proto__'), ['1'])
  t.equal(changed.all('set-cookie').length, 1)
})

t.test('any fields in any form', async (t) => {
  const random = seededRandom(t)
  const names = ['Vary', 'vary', 'VARY', 'Cache-Control', 'cache-control', 'Set-Cookie', 'set-cookie', 'SET-cookie', 'X-A', 'x-a']
  const values: Record<string, string[]> = {
    'vary': ['Cookie', 'cookie', 'Accept', '*', '', 'Accept,Cookie', 'X-Cookie, Accept'],
    'cache-control': ['no-store', 'No-Store', 'public, max-age=60', '', 'private="no-store"'],
    'set-cookie': ['a=1', 'session=own', 'session=own; path=/', 'session', 'Session=1'],
    'x-a': ['1', '2'],
  }
  const value = (name: string): string | string[] => {
    const one = () => random.pick(values[name.toLowerCase()]!)
    return random.below(3) === 0 ? Array.from({ length: 1 + random.below(3) }, one) : one()
  }
  const entries = (): Entry[] => Array.from({ length: random.below(6) }, () => {
    const name = random.pick(names)
    return [name, value(name)]
  })
  const servers = [await serve(t, false), await serve(t, true)]
  const counts = { sent: 0, refused: 0 }
  for (let turn = 0; turn < 150 * fuzz; turn++) {
    const isHttp2 = turn % 2 === 1
    const [set, given] = [random.below(2) === 0 ? [] : entries(), entries()]
    const [form, of] = random.pick(forms)
    const { bare, changed, read } = await servers[turn % 2]!.all((res) => {
      for (const [name, value] of structuredClone(set)) res.setHeader(name, value)
      res.writeHead(200, of(structuredClone(given)) as never)
      res.end()
    })
    const title = JSON.stringify({ isHttp2, form, set, given })
    if (bare.status === 500) {
      counts.refused++
      if (changed.status !== 500) t.fail(title)
      continue
    }
    counts.sent++
    const wrong = [...faults(bare, changed, true, title), ...faults(bare, read, false, title)]
    if (wrong.length > 0) t.strictSame(wrong, [], title)
  }
  t.ok(counts.sent > 100, JSON.stringify(counts))
})

/** Several fields of one name, set, given, and given over what was set; as they are sent with a saved session. */
const places: [name: string, send: (name: string, values: string | string[]) => Send][] = [
  ['set', (name, values) => (res) => { res.setHeader(name, values); res.end() }],
  ['given', (name, values) => (res) => { res.writeHead(200, { [name]: values }); res.end() }],
  ['given where another one is set', (name, values) => (res) => {
    res.setHeader('X-B', '1')
    res.writeHead(200, { [name]: values })
    res.end()
  }],
  ['set and given', (name, values) => (res) => {
    res.setHeader(name, 'public, max-age=9')
    res.writeHead(200, { [name.toLowerCase()]: values })
    res.end()
  }],
]

t.test('fields for some caches alone, which would not look at Cache-Control', async (t) => {
  const targeted = ['CDN-Cache-Control', 'cdn-cache-control', 'Surrogate-Control', 'Cloudflare-CDN-Cache-Control',
    'X-CACHE-CONTROL', 'Edge-Control', 'X-Accel-Expires', 'x-accel-expires']
  const others = ['Surrogate-Key', 'X-Surrogate-Control', 'Surrogate-Control-X', 'CDN-Cache-Controls', 'CDN-Cache',
    'CacheControl', 'X-Edge-Control', 'Edge-Control-X', 'X-Accel-Expires-X', 'X-Accel-Buffering']
  for (const isHttp2 of [false, true]) {
    const served = await serve(t, isHttp2)
    for (const [place, send] of places) {
      for (const name of place === 'set' || place === 'given' ? [...targeted, ...others] : targeted) {
        const isTargeted = targeted.includes(name)
        for (const values of isTargeted ? ['max-age=600', ['max-age=600', 'public']] : ['max-age=600']) {
          t.test(`${name} ${JSON.stringify(values)}, ${place}${isHttp2 ? ', HTTP/2' : ''}`, async (t) => {
            const { bare, changed, read } = await served.all(send(name, values))
            const all = (answer: Answer) => answer.all(name.toLowerCase())
            t.strictSame(all(bare), [values].flat())
            t.strictSame(all(changed), isTargeted ? [/accel/i.test(name) ? '0' : 'no-store'] : all(bare))
            t.strictSame(all(read), all(bare), 'a session that is only read changes nothing')
            if (!isTargeted) return
            t.strictSame(all(await served.failed(send(name, values))), all(changed), 'one that cannot be stored does')
            served.sessions.cacheHeaders = false
            t.strictSame(all(await served.changed(send(name, values))), all(bare), 'nor does one with cacheHeaders: false')
            served.sessions.cacheHeaders = true
          })
        }
      }
    }
  }

  t.test('several of them, in two spellings', async (t) => {
    for (const { title, isHttp2, before, of } of heads) {
      const served = await serve(t, isHttp2)
      const answer = await served.changed((res) => {
        before(res)
        res.writeHead(200, of([['CDN-Cache-Control', 'max-age=600'], ['Surrogate-Control', 'max-age=600'],
          ['cdn-cache-control', 'max-age=60'], ['X-Accel-Expires', '60'], ['x-accel-expires', '@60'],
          ['X-A', '1']]) as never)
        res.end()
      })
      const found = ['cdn-cache-control', 'surrogate-control', 'x-accel-expires'].flatMap((name) => answer.all(name))
      t.strictSame([...new Set(found)], ['no-store', '0'], title)
      t.strictSame(answer.all('x-a'), ['1'], title)
    }
  })
})

const merged: [field: string, given: string | string[], got: string][] = [
  ['Vary', 'Accept', 'Accept, Cookie'],
  ['Vary', '', 'Cookie'],
  ['Vary', 'Cookie', 'Cookie'],
  ['Vary', 'cookie', 'cookie'],
  ['Vary', 'accept,COOKIE , x', 'accept,COOKIE , x'],
  ['Vary', '*', '*'],
  ['Vary', ['*', 'Accept'], '*, Accept'],
  ['Vary', 'X-Cookie', 'X-Cookie, Cookie'],
  ['Vary', ['Cookie', 'Accept'], 'Cookie, Accept'],
  ['Vary', ['Accept', 'X-A'], 'Accept, X-A, Cookie'],
  ['Vary', ['', ' ', 'Accept'], 'Accept, Cookie'],
  ['Cache-Control', 'public, max-age=60', 'no-store, public, max-age=60'],
  ['Cache-Control', 'No-Store', 'No-Store'],
  ['Cache-Control', 'no-store,private', 'no-store,private'],
  ['Cache-Control', 'private,no-store', 'no-store, private'],
  ['Cache-Control', 'no-store, private, NO-STORE', 'no-store, private'],
  ['Cache-Control', 'no-store-x', 'no-store, no-store-x'],
  ['Cache-Control', 'no-store=1', 'no-store'],
  ['Cache-Control', 'x="a\\", no-store, "', 'no-store, x="a\\", no-store, "'],
  ['Cache-Control', 'private="a, no-store, b"', 'no-store, private="a, no-store, b"'],
  ['Cache-Control', 'private="a', 'no-store, private="a'],
  ['Cache-Control', ['public', 'max-age=60'], 'no-store, public, max-age=60'],
  ['Cache-Control', ['no-store', 'max-age=60'], 'no-store, max-age=60'],
  ['Cache-Control', '', 'no-store'],
  // It would allow a cache to store what says no-store (RFC 9111 §5.2.2.3).
  ['Cache-Control', 'must-understand', 'no-store'],
  ['Cache-Control', 'must-understand, no-store', 'no-store'],
  ['Cache-Control', 'no-store,must-understand', 'no-store'],
  ['Cache-Control', 'public, must-understand, max-age=60', 'no-store, public, max-age=60'],
  ['Cache-Control', 'public ,\tMUST-Understand ', 'no-store, public'],
  ['Cache-Control', 'public, must-understand=1', 'no-store, public'],
  ['Cache-Control', 'must-understand = "a, b", public', 'no-store, public'],
  ['Cache-Control', 'must-understand,, must-understand', 'no-store'],
  ['Cache-Control', ['must-understand', 'no-store'], 'no-store'],
  ['Cache-Control', ['no-store', 'must-understand'], 'no-store'],
  ['Cache-Control', ['public, must-understand', 'max-age=60'], 'no-store, public, max-age=60'],
  ['Cache-Control', 'x="a, must-understand"', 'no-store, x="a, must-understand"'],
  ['Cache-Control', 'x="a", must-understand, y="b, c"', 'no-store, x="a", y="b, c"'],
  ['Cache-Control', 'x="a, must-understand, y', 'no-store, x="a, y'],
  ['Cache-Control', ['x="a', 'must-understand', 'y="b'], 'no-store, x="a, y="b'],
  ['Cache-Control', 'must-understand-not', 'no-store, must-understand-not'],
]

t.test('Vary and Cache-Control are merged', async (t) => {
  for (const isHttp2 of [false, true]) {
    const served = await serve(t, isHttp2)
    for (const [place, send] of places) {
      for (const [field, given, got] of merged) {
        t.test(`${field}: ${JSON.stringify(given)}, ${place}${isHttp2 ? ', HTTP/2' : ''}`, async (t) => {
          const { bare, changed, read } = await served.all(send(field, given))
          const key = field.toLowerCase()
          t.strictSame(changed.all(key), [got])
          t.strictSame(read.all(key), field === 'Vary' ? [got] : bare.all(key), 'for a session that is only read')
        })
      }
    }
  }

  const twice: [field: string, given: [string, string], got: string][] = [
    ['Vary', ['Cookie', 'Accept'], 'Cookie, Accept'],
    ['Cache-Control', ['must-understand', 'max-age=60'], 'no-store, max-age=60'],
    ['Cache-Control', ['public, must-understand', 'max-age=60'], 'no-store, public, max-age=60'],
    ['Cache-Control', ['no-store, must-understand', 'public'], 'no-store, public'],
    ['Cache-Control', ['no-store', 'must-understand'], 'no-store'],
    ['Cache-Control', ['must-understand', 'must-understand'], 'no-store'],
  ]
  const served = await serve(t, false)
  for (const [form, of] of forms) {
    for (const [field, [first, second], got] of twice) {
      t.test(`${field}: ${first} and ${second} in ${form}`, async (t) => {
        const answer = await served.changed((res) => {
          res.writeHead(200, of([[field, first], [field.toLowerCase(), second]]) as never).end()
        })
        t.strictSame(answer.all(field.toLowerCase()), [got])
      })
    }
  }
})

t.test('no line of ours gets into an array of the handler\'s, in which the next visitor would get it', async (t) => {
  for (const { title, isHttp2, before, of } of heads) {
    const served = await serve(t, isHttp2)
    const constants: string[][] = [['a=1'], ['b=2'], ['Accept']]
    const [first, second, vary] = constants as [string[], string[], string[]]
    await served.changed((res) => {
      before(res)
      const entries: Entry[] = [['Set-Cookie', first], ['set-cookie', second], ['set-cookie', 'c=3'], ['Vary', vary]]
      res.writeHead(200, of(entries) as never)
      res.end()
    })
    t.strictSame(constants, [['a=1'], ['b=2'], ['Accept']], title)
  }
})

/** What a response is when writeHead has thrown. */
const stateOf = (res: ServerResponse, isHttp2: boolean) => ({
  headers: Object.entries(res.getHeaders()).filter(([name]) => !name.startsWith(':')).sort(),
  names: isHttp2 ? [] : (res as unknown as { getRawHeaderNames(): string[] }).getRawHeaderNames().sort(),
  status: res.statusCode,
  reason: isHttp2 ? '' : res.statusMessage,
})

t.test('a head that Node refuses leaves the response as it would be without the library', async (t) => {
  const own: Entry[] = [['vary', 'Accept'], ['Set-Cookie', ['a=1', 'session=own; Path=/']], ['cache-control', 'public'],
    ['CDN-Cache-Control', ['max-age=600']], ['CONTENT-LENGTH', '600'], ['content-encoding', 'gzip']]
  const bad: Entry = ['X-A', undefined as never]
  const lists: [name: string, entries: Entry[], set: Entry[]][] = [
    ['nothing more', [bad], own],
    ['what is set already', [...own, bad], own.map(([name, value]) => [name.toUpperCase(), value])],
    ['what is not set', [...own, bad], []],
    ['nothing before', [bad, ...own], own.slice(0, 3)],
    ['a part before', [...own.slice(0, 3), bad, ...own.slice(3)], own.slice(2, 5)],
    ['a name that is none', [...own, [5 as never, '1']], own.slice(0, 2)],
    ['what HTTP/2 alone refuses', [...own, ['content-type', ['a', 'b']]], own.slice(0, 1)],
  ]
  for (const [way, isHttp2, before] of ways.filter(([way]) => !way.includes('all'))) {
    const served = await serve(t, isHttp2)
    for (const [form, of] of forms) {
      for (const [index, [name, given, set]] of lists.entries()) {
        const head = [[200], [304, 'Not now'], [299]][index % 3]!
        const seen: unknown[] = []
        const send: Send = (res) => {
          before(res)
          if (!isHttp2 && index > 2) res.statusMessage = 'Mine'
          for (const [name, value] of way.endsWith('set') ? set : []) res.setHeader(name, structuredClone(value))
          try {
            res.writeHead(...head as [number], of(structuredClone(given)) as never)
          } catch {
            seen.push(stateOf(res, isHttp2))
            for (const name of res.getHeaderNames()) res.removeHeader(name)
          }
          res.end('x'.repeat(600))
        }
        await served.all(send)
        await served.failed(send)
        await served.unasked(send)
        for (const state of seen.slice(1)) t.strictSame(state, seen[0], `${way}, ${form}, ${name}, ${String(head)}`)
        if (given.includes(bad)) t.equal(seen.length, 5)
      }
    }
  }
})

t.test('pairs that Node refuses, since a header was set before, are refused in its words', async (t) => {
  for (const count of [1, 2, 3]) {
    const codes = [false, true].map((isAsked) => {
      const { req, res, sessions, handler } = attachSessions()
      handler.attach(req, res)
      if (isAsked) sessions.get(req)
      res.setHeader('X-A', '1')
      try {
        return res.writeHead(200, Array.from({ length: count }, () => ['X-B', '1']) as never) && 'taken'
      } catch (error) {
        return (error as NodeJS.ErrnoException).code
      }
    })
    t.equal(codes[1], codes[0], `${count} pairs: ${codes[0]}`)
  }
})

t.test('a flat array of odd length is refused in the words of Node', async (t) => {
  const messages = [false, true].map((isAsked) => {
    const { req, res, sessions } = attachSessions()
    if (isAsked) sessions.get(req)
    try {
      return res.writeHead(200, ['Vary', 'Accept', 'X-A']) && 'taken'
    } catch (error) {
      return (error as Error).message
    }
  })
  t.match(messages[0], /"?headers"? argument|argument 'headers'/)
  t.equal(messages[1], messages[0])
})

t.test('what needs no change is handed on as it came, and is not set again', async (t) => {
  const { sessions, handler } = attachSessions()
  const { req, res } = requestAndResponse()
  const seen: unknown[] = []
  const { setHeader, writeHead } = res
  res.setHeader('X-B', '1')
  res.setHeader = (...args) => {
    seen.push(args)
    return Reflect.apply(setHeader, res, args) as ServerResponse
  }
  res.writeHead = (...args: unknown[]) => {
    seen.push(...args)
    return Reflect.apply(writeHead, res, args) as ServerResponse
  }
  handler.attach(req, res)
  sessions.get(req)
  const given = { 'Vary': 'Cookie', 'X-A': '1' }
  res.writeHead(200, given)
  t.equal(seen[0], 200)
  t.equal(seen[1], given)
})

t.test('HTTP/2 takes a name with white space around it for the name', async (t) => {
  const served = await serve(t, true)
  for (const [form, of] of forms) {
    const { bare, changed, read } = await served.all((res) => {
      res.writeHead(200, of([[' Vary', 'Accept'], ['Set-Cookie\t', ['a=1', 'session=own']], ['cache-control ', 'public']]) as never)
      res.end()
    })
    t.strictSame(bare.all('vary'), ['Accept'])
    t.strictSame([faults(bare, changed, true, 'accept, public'), faults(bare, read, false, 'accept')], [[], []], form)
  }
})

/** What reaches the method writeHead that was there before the library, and the headers that are set then. */
function head(send: Send, a = 1) {
  const { sessions, handler } = attachSessions()
  const { req, res } = requestAndResponse()
  let seen: { args: unknown[], set: Record<string, unknown> } | undefined
  const { writeHead } = res
  res.writeHead = (...args: unknown[]) => {
    seen = { args, set: { ...res.getHeaders() } }
    return Reflect.apply(writeHead, res, args) as ServerResponse
  }
  handler.attach(req, res)
  sessions.get(req)['a'] = a
  send(res)
  return seen!
}

t.test('a failed answer of a status with a body keeps its length, and gets no headers of a reason', async (t) => {
  const added = { 'Vary': 'Cookie', 'Cache-Control': 'no-store' }
  for (const status of [200, 404]) {
    t.strictSame(head((res) => res.writeHead(status, { 'Content-Length': 5 }), NaN).args,
      [500, 'Internal Server Error', { 'Content-Length': 5, ...added }])
    t.strictSame(head((res) => res.writeHead(status, 'Fine'), NaN).args, [500, 'Internal Server Error', undefined])
  }
})

t.test('an answer over HTTP/2 that is refused after its status was taken gets back the status', async (t) => {
  const res = { statusCode: 500, getHeaderNames: () => [], setHeader() {}, removeHeader() {}, getHeader() {} }
  const additions = { line: undefined, renews: false, failed: true, cacheHeaders: true }
  completeHead({ httpVersionMajor: 2, headers: {} } as never, '/', res as never, [201], additions).undo()
  t.strictSame([res.statusCode, Object.hasOwn(res, 'statusMessage')], [201, false])
})

/**
 * A scan that starts anew at each character takes minutes for one of these, where one that does not takes a moment. The
 * test's time-out is what tells them apart.
 */
t.test('the work is linear in the length of what the handler gives', async (t) => {
  const long = (text: string) => text.repeat(Math.ceil(volume(2 ** 17, 2 ** 20) / text.length))
  const texts = ['"', '\\', ',', ' ', '\t', ';', '=', '"\\', '\\"', ', ', ' ,', '",', '; ', ' =', ';=', '.', '/', 'a', 'a ',
    'must-understand,', '"no-store', 'a=1; ']
  const valuesOf: Record<string, (text: string) => string[]> = {
    'Vary': (text) => [text, `a${text}b`, `"${text}`],
    'Cache-Control': (text) => [text, `a${text}b`, `"${text}`, `must-understand,${text}b`],
    'CDN-Cache-Control': (text) => [text],
    'Set-Cookie': (text) => [text, `a${text}=b`, `session${text}=b`, `session=a;${text}`, `session=a; Domain=${text}b`,
      `session=a; Path=/${text}b; Path=/`, `session=a;${text}Path=/`],
  }
  for (const [name, of] of Object.entries(valuesOf)) {
    for (const text of texts) {
      for (const value of of(long(text))) {
        const given = head((res) => res.writeHead(200, { [name]: value }))
        const set = head((res) => res.setHeader(name, value).writeHead(200))
        const sent = [(given.args[1] as Record<string, string | string[]>)['Set-Cookie'], set.set['set-cookie']]
        t.ok(sent.every((lines) => isOurs([lines].flat().at(-1) as string)), `${name} of ${JSON.stringify(text)}`)
      }
    }
  }
  const many = Array.from({ length: volume(2 ** 12, 2 ** 16) }, (_, index) => index)
  const lists: string[][] = [
    many.flatMap((index) => [`A${index}-Cache-Control`, 'public']),
    ...['Vary', 'Cache-Control', 'Set-Cookie', 'X-Accel-Expires'].map((name) => many.flatMap((index) => [name, `a${index}`])),
  ]
  for (const flat of lists) {
    const given = head((res) => res.writeHead(200, flat))
    const lines = given.args[1] as (string | string[])[]
    t.ok(lines.some((lines) => isOurs([lines].flat().at(-1)!)), flat.slice(0, 4).join())
    const set = head((res) => {
      for (let at = 0; at < flat.length; at += 2) res.appendHeader(flat[at]!, flat[at + 1]!)
      res.writeHead(200)
    })
    t.ok(isOurs([set.set['set-cookie'] as string].flat().at(-1)!), `${flat.slice(0, 4).join()}, set`)
  }
})

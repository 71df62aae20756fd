/**
 * Random headers, bytes and sessions, each judged by a model that is short enough to be believed. `SEED=n` repeats a
 * run, `FUZZ=n` makes it n times as long.
 */
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { associatedData, Codec } from '../../lib/codec.js'
import { RequestSessions, SessionHandler } from '../../lib/index.js'
import { deriveKeys } from '../../lib/keys.js'
import { noLifetime, type Lifetime } from '../../lib/lifetime.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { fuzz, seededRandom, type Random } from '../support/seeded-random.js'
import { open } from '../support/client.js'
import { listen } from '../support/listen.js'
import { key } from '../support/sessions.js'
import { setTime } from '../support/time.js'

const now = 1_800_000_000
const name = 'session'

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype] as object[]
const builtIn = prototypes.map((prototype) => Reflect.ownKeys(prototype).length)

const codec = new Codec(deriveKeys(key), associatedData(name, '', '/', false))
const seal = (contents: string, created = now, issued = now, lifetime: Lifetime = noLifetime) =>
  codec.seal(contents, { created, issued, lifetime })

/** Cookie values, and the session in each that is to open. */
const values = new Map<string, string | undefined>([
  [seal('{"a":1}'), '{"a":1}'],
  [seal('{"b":2}'), '{"b":2}'],
  [seal('{}'), '{}'],
  [seal(`{"long":"${'é'.repeat(1200)}"}`), `{"long":"${'é'.repeat(1200)}"}`],
  [seal('{"expired":true}', now - 86_400, now - 86_400), undefined],
  [seal('[1]'), undefined],
  [seal('{"__proto__":{"polluted":true}}'), undefined],
  ['', undefined],
  ['A'.repeat(108), undefined],
])

/** What a Cookie field says of our cookie: the different values under our name, or nothing if they are over four. */
function model(header: string): string {
  const sent = new Set(header.split(';').map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1)))
  const open = [...sent].filter((value) => values.get(value) !== undefined)
  return sent.size <= 4 && open.length === 1 ? values.get(open[0]!)! : '{}'
}

/** One change to a string, or none. */
function mutated(random: Random, value: string, alphabet: () => string): string {
  const at = random.below(value.length + 1)
  return random.pick<() => string>([
    () => value,
    () => value,
    () => value.slice(0, at) + alphabet() + value.slice(at + 1),
    () => value.slice(0, at) + alphabet() + value.slice(at),
    () => value.slice(0, at),
    () => value.slice(at),
    () => value + value.slice(at),
    () => value.toUpperCase(),
  ])()
}

/** A Cookie field of pairs that are ours, nearly ours, or anything. */
function randomHeader(random: Random, byte: () => string): string {
  const noise = (most: number) => Array.from({ length: random.below(most) }, byte).join('')
  const space = () => random.pick(['', '', ' ', '\t', '  ', noise(3)])
  const pair = () => random.pick<() => string>([
    () => `${name}=${random.pick([...values.keys()])}`,
    () => `${space()}${name}${space()}=${space()}${random.pick([...values.keys()])}${space()}`,
    () => `${name}=${mutated(random, random.pick([...values.keys()]), byte)}`,
    () => `${mutated(random, name, byte)}=${random.pick([...values.keys()])}`,
    () => `${noise(12)}=${noise(40)}`,
    () => noise(60),
    () => `"${name}=${random.pick([...values.keys()])}"`,
    () => '__proto__=polluted',
  ])()
  return Array.from({ length: random.below(9) }, pair).join(random.pick(['; ', '; ', ';', ' ;', ',', ';;', noise(4)]))
}

t.test('the Cookie field', async (t) => {
  setTime(t, now)
  for (const cacheSize of [0, 3]) {
    t.test(`cacheSize: ${cacheSize}`, async (t) => {
      const random = seededRandom(t)
      const handler = new SessionHandler(() => {}, key, new RequestSessions(), { cacheSize })
      const wrong: unknown[] = []
      let opened = 0
      for (let run = 0; run < 10_000 * fuzz; run++) {
        const header = randomHeader(random, () => String.fromCharCode(random.below(run % 10 === 0 ? 65_536 : 256)))
        const found = JSON.stringify(handler.read({ headers: { cookie: header } } as IncomingMessage))
        const wanted = model(header)
        if (found !== wanted) wrong.push({ header, found, wanted })
        if (wanted !== '{}') opened++
      }
      t.strictSame(wrong, [])
      t.ok(opened > 500, `${opened} sessions were opened`)
    })
  }
})

/** Sends bytes, and tells the status of the answer, or its lack. */
async function statusOf(origin: string, bytes: string): Promise<number | undefined> {
  const socket = open(origin)
  socket.on('error', () => {})
  socket.end(bytes, 'latin1')
  const answer = await text(socket).catch(() => '')
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
}

t.test('raw bytes in the Cookie field, over a socket', async (t) => {
  const random = seededRandom(t)
  let handled = 0
  const sessions = new RequestSessions()
  const handler = new SessionHandler((req, res) => {
    handled++
    res.end(JSON.stringify(sessions.get(req)))
  }, key, sessions)
  const origin = await listen(t, handler.listener)
  const byte = () => String.fromCharCode(random.below(256))
  const seen = new Map<number | undefined, number>()
  for (let run = 0; run < 40 * fuzz; run++) {
    const statuses = await Promise.all(Array.from({ length: 25 }, () => {
      // Half of them as Node's parser takes them, so that most get through to the library.
      const header = randomHeader(random, byte)
      const legal = random.below(2) ? header.replace(/[^\t\x20-\x7e\x80-\xff]/g, '') : header
      return statusOf(origin, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: ${legal}\r\n\r\n`)
    }))
    for (const status of statuses) seen.set(status, (seen.get(status) ?? 0) + 1)
  }
  const others = [...seen.keys()].filter((status) => status === undefined || ![200, 400, 431].includes(status))
  t.strictSame(others, [], 'only 200, or Node\'s own 400 and 431')
  t.ok(seen.get(200)! > 400, `${seen.get(200)} were answered`)
  t.ok(handled >= seen.get(200)!, 'by the handler')
})

t.test('Node\'s own limits decide first', async (t) => {
  let handled = ''
  const sessions = new RequestSessions()
  const handler = new SessionHandler((req, res) => {
    handled = JSON.stringify(sessions.get(req))
    res.end()
  }, key, sessions)
  const origin = await listen(t, handler.listener)
  const cookie = `session=${handler.encodeCookie({ a: 1 })}`
  const rows: [name: string, fields: string, ...answers: string[]][] = [
    ['a cookie', `Cookie: ${cookie}`, '200 {"a":1}'],
    ['in the second of two fields', `Cookie: a=1\r\nCookie: ${cookie}`, '200 {"a":1}'],
    ['a field in another case', `cOOKIE: ${cookie}`, '200 {"a":1}'],
    ['a field of 16 kB', `Cookie: ${'x'.repeat(15_500)}; ${cookie}`, '200 {"a":1}'],
    ['a high byte after it', `Cookie: ${cookie}\xa0`, '200 {}'],
    ['a high byte before it', `Cookie: \xa0${cookie}`, '200 {}'],
    ['a field __proto__', `__proto__: x\r\nCookie: ${cookie}`, '200 {"a":1}'],
    // Older versions of Node leave out the last ones, newer ones refuse all.
    ['more fields than are kept', `${'Cookie: a\r\n'.repeat(1100)}Cookie: ${cookie}`, '200 {}', '431 '],
    ['NUL', 'Cookie: a\x00b', '400 '],
    ['a control character', 'Cookie: a\x01b', '400 '],
    ['DEL', 'Cookie: a\x7fb', '400 '],
    ['a bare CR', 'Cookie: a\rb', '400 '],
    ['a bare LF', 'Cookie: a\nb', '400 '],
    // Node 20.19.0 takes it for another field.
    ['a space before the colon', `Cookie : ${cookie}`, '400 ', '200 {}'],
    ['more than 16 kB', `Cookie: ${'x'.repeat(17_000)}`, '431 '],
  ]
  for (const [name, fields, ...answers] of rows) {
    handled = ''
    const status = await statusOf(origin, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n\r\n`)
    const answer = `${status} ${handled}`
    t.ok(answers.includes(answer), `${name}: ${answer}`)
  }
})

t.test('what is sealed in a cookie', async (t) => {
  setTime(t, now)
  const random = seededRandom(t)
  const handler = new SessionHandler(() => {}, key, new RequestSessions({ idleTimeout: 3600 }))
  const texts = ['{}', '{"a":1}', '{"a":{"b":[1,"\\u0041",null]}}', '[1]', 'null', '{"__proto__":1}', '{"a":1}{', '1e999', '{"a":1e999}',
    '{"a":[[[{"\\u005f_proto__":{"polluted":true}}]]]}', '\ufeff{}', `${'['.repeat(1400)}${']'.repeat(1400)}`]
  const times: [created: number, issued: number, timely: boolean, lifetime?: Partial<Lifetime>][] = [
    [now, now, true], [now - 86_399, now - 3599, true], [now + 60, now + 60, true], [now + 61, now + 61, false],
    [now - 86_400, now, false], [now, now - 1, false], [now - 3600, now - 3600, false], [0, 0, false],
    [2 ** 48 - 1, 2 ** 48 - 1, false],
    [now - 99, now - 9, true, { persistence: random.below(3), maxAge: 100, idleTimeout: 10 }],
    [now - 100, now, false, { maxAge: 100 }], [now - 99, now - 10, false, { idleTimeout: 10 }],
    [now - 86_400, now, false, { persistence: 1, maxAge: 34_560_000 }],
    [now - 9000, now - 3600, false, { idleTimeout: 34_560_000 }],
    [now, now, true, { persistence: 2, maxAge: 34_560_000, idleTimeout: 34_560_000 }],
    [now, now, false, { persistence: 3 + random.below(253) }],
    [now, now, false, { maxAge: 34_560_001 + random.below(2 ** 31) }],
    [now, now, false, { idleTimeout: 34_560_001 + random.below(2 ** 31) }],
  ]
  const wrong: unknown[] = []
  let opened = 0
  for (let run = 0; run < 5000 * fuzz; run++) {
    const text = mutated(random, random.pick(texts), () => random.pick([...'"{}[, \\0\u0000é']))
    const [created, issued, timely, own] = random.pick(times)
    if (Buffer.byteLength(text) > 2900) continue
    const value = seal(text, created, issued, { ...noLifetime, ...own })
    let wanted = '{}'
    let isRefused = false
    try {
      const parsed: unknown = JSON.parse(text, (key, value: unknown) => {
        isRefused ||= key === '__proto__' || value === Infinity || value === -Infinity
        return value
      })
      const isObject = parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed)
      if (timely && isObject && !isRefused) wanted = JSON.stringify(parsed)
    } catch {
      // not JSON: nothing is to open
    }
    const session = handler.read({ headers: { cookie: `${name}=${value}` } } as IncomingMessage)
    const found = JSON.stringify(session)
    if (found !== wanted || Object.getPrototypeOf(session) !== null) {
      wrong.push({ text, created, issued, own, found, wanted })
    }
    if (wanted !== '{}') opened++
  }
  t.strictSame(wrong, [])
  t.ok(opened > 50, `${opened} sessions were opened`)
})

/** A value, and whether JSON carries it. */
type Value = [value: unknown, carried: boolean]

function randomValue(random: Random, depth: number, oddity: number): Value {
  if (random.below(1000) < oddity) {
    return [random.pick([
      Number.NaN, Infinity, 1n, new Date(0), new Map(), Buffer.from('a'), new (class Instance {})(), new String('a'),
      JSON.parse('{"__proto__":{"polluted":true}}'), [,], { toJSON: () => 1 }, [() => {}], () => {}, { a: () => {} },
      Symbol('a'), { [Symbol('a')]: 1 }, Object.create({ a: 1 }), new Proxy({}, { ownKeys: () => [1] as never }),
    ] as unknown[]), false]
  }
  const kind = random.below(depth > 5 ? 7 : 11)
  if (kind < 3) return [String.fromCharCode(...Array.from(random.bytes(random.below(24)), (byte) => byte * 257)), true]
  if (kind < 5) return [random.pick([0, 1, 1.5, -1, 1e300, 2 ** 53, 5e-324]), true]
  if (kind < 7) return [random.pick([true, false, null]), true]
  const members = Array.from({ length: random.below(5) }, () => randomValue(random, depth + 1, oddity))
  const carried = members.every((member) => member[1])
  if (kind < 9) return [members.map((member) => member[0]), carried]
  const keys = ['a', '', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'é', '0', ' "\\', 'length']
  const object = random.below(2) ? Object.create(null) : {}
  // Under names of their own, so that none replaces another.
  for (const [index, [value]] of members.entries()) object[`${random.pick(keys)}${index || ''}`] = value
  if (random.below(4) === 0) object.absent = undefined
  return [object, carried]
}

t.test('the session', async (t) => {
  setTime(t, now)
  const random = seededRandom(t)
  const events: string[] = []
  const sessions = new RequestSessions({
    onEvent: (event) => { events.push(event.type === 'failed' ? event.error.name : event.type) },
  })
  const handler = new SessionHandler((req, res) => {
    Object.assign(sessions.get(req), session)
    res.writeHead(200)
    return res
  }, key, sessions)
  let session: object
  const wrong: unknown[] = []
  const verdicts = new Map<string, number>()
  for (let run = 0; run < 5000 * fuzz; run++) {
    const members = Array.from({ length: random.below(9) }, () => randomValue(random, 0, 20))
    session = Object.fromEntries(members.map(([value], index) => [`key${index}`, value]))
    // Some are about as long as fits, 2923 bytes.
    const long = random.pick(['x', 'é', '\u20ac']).repeat(random.below(3000))
    if (random.below(4) === 0) Object.assign(session, { long })
    const carried = members.every((member) => member[1])
    const json = carried ? JSON.stringify(session) : ''
    // Lifetime, times, JSON and spaces; the tag and the head; base64url; and the rest of the line.
    const sealed = Math.ceil((21 + Buffer.byteLength(json)) / 32) * 32 + 49
    const attributes = '; Max-Age=86400; Expires=Sat, 16 Jan 2027 08:00:00 GMT; Path=/; HttpOnly; SameSite=Lax'
    const fits = 'session='.length + Math.ceil(sealed * 4 / 3) + attributes.length <= 4093
    const wanted = !carried ? 'ValueError' : !fits ? 'SizeError' : json === '{}' ? 'nothing' : 'saved'
    events.length = 0
    const { req, res } = requestAndResponse()
    handler.listener(req, res)
    const line = res.getHeader('set-cookie') as string | undefined
    const stored = line === undefined ? undefined : JSON.stringify(handler.decodeCookie(/=([^;]*)/.exec(line)![1]!))
    const verdict = events.join() || 'nothing'
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
    const right = verdict === wanted && (line?.length ?? 0) <= 4093 &&
      stored === (wanted === 'saved' ? json : undefined) && res.statusCode === (wanted.endsWith('Error') ? 500 : 200)
    if (!right) wrong.push({ session, verdict, wanted, line })
  }
  t.strictSame(wrong, [])
  for (const verdict of ['saved', 'ValueError', 'SizeError']) {
    t.ok(verdicts.get(verdict)! > 100, `${verdict}: ${verdicts.get(verdict)}`)
  }
})

t.test('no prototype was polluted by any of it', async (t) => {
  t.strictSame(prototypes.map((prototype) => Reflect.ownKeys(prototype).length), builtIn)
  t.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

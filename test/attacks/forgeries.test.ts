/**
 * The codec against everything small enough to try whole, and thousands of things that are not: no forged,
 * changed, cut or spliced cookie opens, and none makes the library decrypt or parse anything.
 */
import type { IncomingMessage } from 'node:http'
import t from 'tap'
import { associatedData } from '../../lib/codec.js'
import { RequestSessions, SeshcookieError, SessionHandler, type SessionEvent } from '../../lib/index.js'
import { costOf, type Cost } from '../support/node-crypto.js'
import { alphabet } from '../support/second-implementation.js'
import { fuzz, seededRandom, type Random } from '../support/seeded-random.js'
import { volume } from '../support/volume.js'

const key = (first: number) => Uint8Array.from({ length: 32 }, (_, i) => first + i & 255)
const handler = new SessionHandler(() => {}, key(0))
const jsonOf = (bytes: number) => ({ a: 'x'.repeat(bytes - 8) })
const bytesOf = (cookie: string) => Buffer.from(cookie, 'base64url')
const requestWith = (cookie: string) => ({ headers: { cookie } }) as IncomingMessage

/** A cookie of each length modulo 3, so that each way to end in base64url is there; the last is the longest we make. */
const cookies = [11, 43, 75, 2923].map((bytes) => handler.encodeCookie(jsonOf(bytes)))
const lengths = [81, 113, 145, 2993]

/** `undefined` for a cookie that opens; anything but one of our errors is thrown on. */
function refusal(cookie: string, by: { decodeCookie(value: string): unknown } = handler): string | undefined {
  try {
    by.decodeCookie(cookie)
    return undefined
  } catch (error) {
    if (error instanceof SeshcookieError) return error.code
    throw error
  }
}

/** How often each refusal comes, `undefined` standing for none: far quicker than an assertion a cookie. */
function tally(values: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) {
    const code = String(refusal(value))
    counts[code] = (counts[code] ?? 0) + 1
  }
  return counts
}

t.test('the cookies as they are open', async (t) => {
  t.same(cookies.map((cookie) => bytesOf(cookie).length), lengths)
  t.same(tally(cookies), { undefined: 4 })
})

t.test('every bit flipped', async (t) => {
  for (const cookie of cookies) {
    const flipped = function* () {
      const bytes = bytesOf(cookie)
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        yield bytes.toString('base64url')
        bytes[bit >> 3]! ^= 1 << (bit & 7)
      }
    }
    const { length } = bytesOf(cookie)
    t.same(tally(flipped()), { ERR_SESHCOOKIE_FORMAT: 8, ERR_SESHCOOKIE_HASH: 8 * (length - 1) }, `${length} bytes`)
  }
})

t.test('every version, and every value of every byte of the tag', async (t) => {
  const bytes = bytesOf(cookies[0]!)
  const changed = function* (at: number) {
    const right = bytes[at]!
    for (let value = 0; value < 256; value++) {
      bytes[at] = value
      if (value !== right) yield bytes.toString('base64url')
    }
    bytes[at] = right
  }
  t.same(tally(changed(0)), { ERR_SESHCOOKIE_FORMAT: 255 })
  for (let at = bytes.length - 32; at < bytes.length; at++) t.same(tally(changed(at)), { ERR_SESHCOOKIE_HASH: 255 })
})

t.test('every character another one', async (t) => {
  for (const cookie of cookies.slice(0, 3)) {
    const changed = [...cookie].flatMap((character, at) => [...`${alphabet}=+/ .\u00c1`]
      .filter((other) => other !== character)
      .map((other) => cookie.slice(0, at) + other + cookie.slice(at + 1)))
    t.notHas(tally(changed), { undefined: Number })
  }
})

t.test('every last character: one is right', async (t) => {
  for (const cookie of cookies) {
    const variants = [...alphabet].map((last) => cookie.slice(0, -1) + last)
    t.equal(tally(variants)['undefined'], 1)
  }
})

t.test('every prefix and every suffix', async (t) => {
  for (const cookie of cookies) {
    const bytes = bytesOf(cookie)
    const parts = [
      ...Array.from(cookie, (_, at) => cookie.slice(0, at)),
      ...Array.from(cookie, (_, at) => cookie.slice(at + 1)),
      ...Array.from(bytes, (_, at) => bytes.toString('base64url', 0, at)),
      ...Array.from(bytes, (_, at) => bytes.toString('base64url', at + 1)),
    ]
    t.notHas(tally(parts), { undefined: Number }, `of ${bytes.length} bytes`)
  }
})

t.test('up to 64 characters or bytes more, in front or at the end', async (t) => {
  for (const cookie of cookies) {
    const longer = Array.from({ length: 64 }, (_, i) => i + 1).flatMap((more) => {
      const zeros = Buffer.alloc(more)
      return [
        cookie + 'A'.repeat(more),
        'A'.repeat(more) + cookie,
        Buffer.concat([bytesOf(cookie), zeros]).toString('base64url'),
        Buffer.concat([zeros, bytesOf(cookie)]).toString('base64url'),
        cookie + cookie.slice(-more),
        cookie.slice(0, more) + cookie,
      ]
    })
    t.notHas(tally(longer), { undefined: Number })
  }
})

t.test('every length of decoded bytes, none of which throws anything else', async (t) => {
  const zeros = Array.from({ length: 400 }, (_, length) => Buffer.alloc(length).toString('base64url'))
  const versioned = Array.from({ length: 400 }, (_, length) => Buffer.alloc(length, 1).toString('base64url'))
  t.notHas(tally([...zeros, ...versioned]), { undefined: Number })
})

t.test('every splice of three cookies: the three themselves are right', async (t) => {
  const tokens = ['alice', 'bobby', 'carol'].map((user) => bytesOf(handler.encodeCookie({ user })))
  const splices = tokens.flatMap((a) => tokens.flatMap((b) => tokens.map((c) =>
    Buffer.concat([a.subarray(0, 17), b.subarray(17, -32), c.subarray(-32)]).toString('base64url'))))
  t.equal(splices.length, 27)
  t.same(tally(splices), { undefined: 3, ERR_SESHCOOKIE_HASH: 24 })
})

t.test('a cookie opens under its own name, domain, path, partition and key, and no other', async (t) => {
  type Row =
    [cookieName: string, domain: string | undefined, cookiePath: string, partitioned: boolean, firstByte: number]
  const rows: Row[] = [
    ['session', undefined, '/', false, 0],
    ['session', undefined, '/', false, 1],
    ['session', undefined, '/', true, 0],
    ['Session', undefined, '/', false, 0],
    ['sessio', undefined, '/', false, 0],
    ['session', 'a.example', '/', false, 0],
    ['session', 'a.example', '/', true, 0],
    ['session', 'b.a.example', '/', false, 0],
    ['sessiona', 'example', '/', false, 0],
    ['session', undefined, '/a', false, 0],
    ['session', undefined, '/a/', false, 0],
  ]
  const handlers = rows.map(([cookieName, domain, cookiePath, partitioned, firstByte]) => new SessionHandler(() => {},
    key(firstByte), new RequestSessions({ domain, partitioned, secure: true }), { cookieName, cookiePath }))
  for (const [i, sealer] of handlers.entries()) {
    const cookie = sealer.encodeCookie({ a: 1 })
    for (const [j, opener] of handlers.entries()) {
      t.equal(refusal(cookie, opener), i === j ? undefined : 'ERR_SESHCOOKIE_HASH', `${rows[i]} by ${rows[j]}`)
    }
  }
})

t.test('what a cookie is bound to is never the beginning of something else', async (t) => {
  const letters = 'abcdefghijkl'
  const cuts = Array.from({ length: letters.length + 1 }, (_, at) => at)
  const bound = [false, true].flatMap((partitioned) => cuts.flatMap((a) => cuts.slice(a).flatMap((b) =>
    cuts.slice(b).map((c) => associatedData(letters.slice(0, a), letters.slice(a, b), letters.slice(b, c), partitioned)
      .toString('latin1'))))).sort()
  t.equal(bound.length, 2 * 455, 'every way to cut 12 letters into a name, a domain, a path and the rest')
  // In sorted order a text comes right before those that begin with it.
  t.same(bound.filter((one, i) => bound[i + 1]?.startsWith(one)), [])
})

t.test('two seals of one session have nothing in common', async (t) => {
  const [a, b] = [handler.encodeCookie({ a: 1 }), handler.encodeCookie({ a: 1 })].map(bytesOf)
  for (const [from, to] of [[1, 17], [17, -32], [-32, undefined]]) {
    t.notSame(a!.subarray(from, to), b!.subarray(from, to))
  }
})

t.test('a cookie tells the length of its JSON to 32 bytes, and no more', async (t) => {
  const seen = new Map<number, number[]>()
  for (let bytes = 8; bytes <= 2923; bytes++) {
    const { length } = handler.encodeCookie(jsonOf(bytes))
    seen.set(length, [...seen.get(length) ?? [], bytes])
  }
  t.equal(seen.size, 92)
  for (const [length, sizes] of seen) {
    const padded = Math.ceil((21 + sizes[0]!) / 32) * 32
    t.equal(length, Math.ceil((49 + padded) * 4 / 3))
    t.ok(sizes.every((bytes) => bytes > padded - 21 - 32 && bytes <= padded - 21))
  }
})

t.test('no IV comes twice, and no counter block', async (t) => {
  const count = volume(20_000, 1_000_000)
  const longest = 192n // counter blocks, of the longest cookie there is
  const high = new BigUint64Array(count)
  const ones = new Uint32Array(128)
  const head = Buffer.alloc(18)
  const session = { a: 1 }
  for (let i = 0; i < count; i++) {
    head.write(handler.encodeCookie(session).slice(0, 24), 'base64url')
    high[i] = head.readBigUInt64BE(1)
    if (i % 10 === 0) for (let bit = 0; bit < 128; bit++) ones[bit]! += head[1 + (bit >> 3)]! >> (bit & 7) & 1
  }
  // Ranges can only meet where the upper halves of two IVs do: about 1 chance in 10^8 for random ones.
  high.sort()
  let met = 0
  for (let i = 1; i < count; i++) if (high[i]! - high[i - 1]! < longest) met++
  t.equal(met, 0)
  // Each bit of every tenth IV is set about half the time: 6 standard deviations leave 1 chance in 10^6.
  const expected = count / 20
  t.ok(ones.every((set) => Math.abs(set - expected) < 6 * Math.sqrt(expected / 2)), String(ones))
})

// The rest watches what the library calls.

/** What `work` costs, and how often it parses. */
function counted(work: () => void): Cost & { parse: number } {
  const { parse } = JSON
  let parsed = 0
  JSON.parse = (...args) => {
    parsed++
    return parse(...args)
  }
  try {
    const cost = costOf(work)
    return { ...cost, parse: parsed }
  } finally {
    JSON.parse = parse
  }
}

/** One change of many kinds, never none. */
function forged(cookie: string, random: Random): string {
  const at = random.below(cookie.length)
  const bytes = bytesOf(cookie)
  const position = random.below(bytes.length)
  const change: [() => string, ...(() => string)[]] = [
    () => cookie.slice(0, at) + random.pick([...alphabet]) + cookie.slice(at + 1),
    () => cookie.slice(0, at) + random.pick([...'=+/ !"\\,%.~']) + cookie.slice(at + 1),
    () => cookie.slice(0, at),
    () => cookie.slice(0, at) + cookie.slice(at, at + random.below(9)) + cookie.slice(at),
    () => cookie.slice(at) + cookie.slice(0, at),
    () => Buffer.from(bytes.with(position, bytes[position]! ^ 1 << random.below(8))).toString('base64url'),
    () => Buffer.concat([bytes.subarray(0, position), random.bytes(bytes.length - position)]).toString('base64url'),
    () => Buffer.concat([Buffer.of(1), random.bytes(48 + 32 * (1 + random.below(4)))]).toString('base64url'),
  ]
  const value = random.pick(change)()
  return value === cookie ? forged(cookie, random) : value
}

t.test('forgeries are neither decrypted nor parsed', async (t) => {
  const random = seededRandom(t)
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({ onEvent: (event) => events.push(event) })
  const watched = new SessionHandler(() => {}, key(0), sessions)
  const genuine = cookies.map(() => watched.encodeCookie({ user: 'alice', n: random.below(1e9) }))
  const reasons: Record<string, number> = {}
  let opened = 0
  const count = 10_000 * fuzz
  const calls = counted(() => {
    for (let i = 0; i < count; i++) {
      const value = forged(genuine[i & 3]!, random)
      const session = watched.read(requestWith(`session=${value}`))
      if (Object.keys(session).length > 0) opened++
      const event = events.pop()
      const reason = event?.type === 'rejected' ? event.reason : 'none'
      reasons[reason] = (reasons[reason] ?? 0) + 1
    }
  })
  t.equal(opened, 0)
  t.equal(calls.decryptions, 0)
  t.equal(calls.encryptions, 0)
  t.equal(calls.parse, 0)
  t.same(Object.keys(reasons).sort(), ['format', 'length', 'tag'], 'each kind of refusal came, and one a request')
  t.ok(calls.hmacs > 0 && calls.hmacs <= count)
  t.equal(calls.comparisons, calls.hmacs, 'every tag is compared in constant time')

  const ofGenuine = counted(() => { watched.read(requestWith(`session=${genuine[0]}`)) })
  t.same(ofGenuine, { hmacs: 1, comparisons: 1, encryptions: 0, decryptions: 1, parse: 1 }, 'a genuine one is')
})

t.test('eight keys: each opens its own, and four forgeries cost 32 HMACs, more of them none', async (t) => {
  const keys = Array.from({ length: 8 }, (_, i) => key(i * 32))
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({ onEvent: (event) => events.push(event) })
  const all = new SessionHandler(() => {}, keys, sessions)
  for (const [keyIndex, one] of keys.entries()) {
    const value = new SessionHandler(() => {}, one).encodeCookie({ keyIndex })
    const { hmacs } = counted(() => { t.same({ ...all.read(requestWith(`session=${value}`)) }, { keyIndex }) })
    t.equal(hmacs, keyIndex + 1)
    t.same(events.pop(), { type: 'opened', keyIndex })
  }
  t.equal(refusal(all.encodeCookie({ a: 1 }), new SessionHandler(() => {}, keys[0]!)), undefined, 'the first one seals')

  const forgeries = (count: number) => Array.from({ length: count }, (_, i) =>
    `session=${Buffer.alloc(81, 1).fill(i, 20, 40).toString('base64url')}`).join('; ')
  const genuine = all.encodeCookie({ a: 1 })
  const rows: [name: string, header: string, hmacs: number, reason: string][] = [
    ['one forgery', forgeries(1), 8, 'tag'],
    ['the same four times', Array(4).fill(forgeries(1)).join('; '), 8, 'tag'],
    ['the same in 16 kB', Array(140).fill(forgeries(1)).join('; '), 8, 'tag'],
    ['four forgeries', forgeries(4), 32, 'tag'],
    ['four forgeries, twice', `${forgeries(4)}; ${forgeries(4)}`, 32, 'tag'],
    ['five forgeries', forgeries(5), 0, 'ambiguous'],
    ['16 kB of them', forgeries(140), 0, 'ambiguous'],
    ['four forgeries and an empty one', `${forgeries(4)}; session=`, 0, 'ambiguous'],
    ['four pieces of junk before a genuine one', `session=; session=1; session=2; session=3; session=${genuine}`, 0, 'ambiguous'],
    ['four pieces of junk after a genuine one', `session=${genuine}; session=; session=1; session=2; session=3`, 0, 'ambiguous'],
    ['five pieces of junk', 'session=; session=1; session=2; session=3; session=4', 0, 'ambiguous'],
    ['one of 16 kB', `session=${'A'.repeat(16_000)}`, 0, 'length'],
    ['16 kB of short ones', 'session=A; '.repeat(1400), 0, 'length'],
  ]
  for (const [name, header, hmacs, reason] of rows) {
    const calls = counted(() => { all.read(requestWith(header)) })
    t.same(calls, { hmacs, comparisons: hmacs, encryptions: 0, decryptions: 0, parse: 0 }, name)
    t.same(events.pop(), { type: 'rejected', reason }, name)
  }
  const three = `session=; session=1; session=2; session=${genuine}`
  const calls = counted(() => { t.same({ ...all.read(requestWith(three)) }, { a: 1 }) })
  t.same(calls, { hmacs: 1, comparisons: 1, encryptions: 0, decryptions: 1, parse: 1 }, 'three pieces of junk do no harm')
})

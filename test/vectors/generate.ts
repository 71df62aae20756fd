/**
 * Makes v1.json and v1-invalid.json, with the second implementation alone and fixed inputs: the same files every time.
 * vectors.test.ts holds the committed files to this, and writes them anew when UPDATE_VECTORS is set.
 *
 * All keys here are test keys with a pattern that no generated key has. Never use them for anything else.
 */
import { createSecretKey, createHash, createHmac } from 'node:crypto'
import {
  associatedData, bigEndian, codes, concat, ctr, deriveKeys, encode, headOf, hkdf, hmac, masterOf, noLifetime,
  plaintext, scrypt, sealPlaintext, tagInput, type Keys, type Lifetime, type Reason, type Scope, type Times,
} from '../support/second-implementation.js'

export type VectorKey = {
  kind: 'bytes' | 'string' | 'KeyObject'
  /** The string of a string key. */
  text?: string
  /** The bytes of the other two kinds. */
  hex?: string
  /** What the two keys are derived from: the bytes, or what scrypt makes of the string. */
  master: string
  encryptionKey: string
  authenticationKey: string
}

type Handler = { key: string, cookieName: string, cookieDomain: string, cookiePath: string, partitioned: boolean }
type Clock = { now: number, maxAge: number, idleTimeout?: number }

export type Vector = { name: string } & Handler & Clock & {
  iv: string
  created: number
  issued: number
  /** The session's own. */
  lifetime: Lifetime
  /** When it ends by the settings and its own lifetime, in Unix seconds. */
  expiresAt: number
  json: string
  associatedData: string
  plaintext: string
  cookie: string
}

export type InvalidVector = { name: string } & Handler & Clock & { cookie: string, reason: Reason, code: string }

export type Vectors = { about: string, keys: Record<string, VectorKey>, cookies: Vector[] }
export type InvalidVectors = { about: string, keys: Record<string, VectorKey>, cookies: InvalidVector[] }

const utf8 = (text: string) => new TextEncoder().encode(text)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const counting = (length: number, first = 0) => Uint8Array.from({ length }, (_, i) => first + i & 255)

const now = 1_800_000_000 // 2027-01-15T08:00:00Z
const maxAge = 86_400
const usualKey = 'bytes 32'
const usualScope: Scope = { name: 'session', domain: '', path: '/', partitioned: false }
const usualJson = '{"user":"alice","roles":["reader","writer"],"visits":7}'

const keySources: Record<string, string | Uint8Array | ReturnType<typeof createSecretKey>> = {
  'bytes 32': counting(32),
  'bytes 32, other': counting(32, 0x80),
  'bytes 64': counting(64),
  'bytes 33': counting(33, 0xe0),
  'bytes 32, zeros but one': Uint8Array.from({ length: 32 }, (_, i) => i === 31 ? 1 : 0),
  'KeyObject 32': createSecretKey(counting(32, 0x40)),
  'KeyObject 48': createSecretKey(counting(48, 0x40)),
  'string, ASCII': 'test only, exactly 32 bytes long',
  'string, UTF-8': 'nur für Tests: schlüssel – ключ – 鍵 – 🔑',
  'string, decomposed': 'test only: cafe\u0301 cafe\u0301 cafe\u0301 cafe\u0301',
  'string, U+0000': 'test only: a zero \u0000 in the middle of it',
  'string, BOM': 'test only: the mark \ufeff within it is part of the key',
}

const about = (kind: string) =>
  `${kind} of the cookie format, version 1. Made by test/vectors/generate.ts. The keys are for tests only. ` +
  'Times are Unix seconds; now, maxAge and idleTimeout are what the cookie is opened with, lifetime is the session\'s own; hex is lower case.'

async function describeKeys(names: Iterable<string>): Promise<Record<string, VectorKey>> {
  const described: Record<string, VectorKey> = {}
  for (const name of names) {
    const { source, master, keys } = await keyNamed(name)
    described[name] = {
      ...typeof source === 'string'
        ? { kind: 'string', text: source }
        : { kind: source instanceof Uint8Array ? 'bytes' : 'KeyObject', hex: hex(master) },
      master: hex(master),
      encryptionKey: hex(keys.encryption),
      authenticationKey: hex(keys.authentication),
    }
  }
  return described
}

const known = new Map<string, { source: (typeof keySources)[string], master: Uint8Array, keys: Keys }>()

async function keyNamed(name: string) {
  let entry = known.get(name)
  if (!entry) {
    const source = keySources[name]
    if (source === undefined) throw new Error(`no key is called ${name}`)
    const master = masterOf(source)
    entry = { source, master, keys: await deriveKeys(master) }
    known.set(name, entry)
  }
  return entry
}

/** An IV nobody draws: the first bytes of a hash of the vector's name. */
const ivOf = (name: string) => new Uint8Array(createHash('sha256').update(name).digest()).subarray(0, 16)

// Valid

type ValidRow = Partial<{
  key: string, scope: Partial<Scope>, iv: string, created: number, issued: number, json: string,
  maxAge: number, idleTimeout: number, lifetime: Partial<Lifetime>
}>

/** JSON of exactly so many bytes. */
const jsonOf = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`

const longName = 'n'.repeat(64)
const longPath = `/${'p'.repeat(255)}`
const longDomain = `${'a'.repeat(63)}.${'b'.repeat(63)}.example`

const valid: Record<string, ValidRow> = {
  // Keys
  'a key of 32 bytes': {},
  'a key of 64 bytes': { key: 'bytes 64' },
  'a key of 33 bytes': { key: 'bytes 33' },
  'a key that is zeros but for its last byte': { key: 'bytes 32, zeros but one' },
  'a KeyObject of 32 bytes': { key: 'KeyObject 32' },
  'a KeyObject of 48 bytes': { key: 'KeyObject 48' },
  'a string': { key: 'string, ASCII' },
  'a string with characters of 2, 3 and 4 bytes': { key: 'string, UTF-8' },
  'a string in decomposed form, which is taken as it is': { key: 'string, decomposed' },
  'a string with U+0000 in it': { key: 'string, U+0000' },
  'a string with a byte order mark in it': { key: 'string, BOM' },

  // Name, domain, path
  'a __Host- name': { scope: { name: '__Host-session' } },
  'a __Secure- name': { scope: { name: '__Secure-session', path: '/app' } },
  'a name of one character': { scope: { name: 's' } },
  'a name of 64 characters': { scope: { name: longName } },
  'a name of every character a token may have':
    { scope: { name: "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" } },
  'a domain': { scope: { domain: 'shop.example' } },
  'a long domain': { scope: { domain: longDomain } },
  'a path': { scope: { path: '/app' } },
  'a path that ends in a slash, which is another path': { scope: { path: '/app/' } },
  'a path of every kind of character that a URL has in its path':
    { scope: { path: "/a%20b/'c'=d" } },
  'a path of 256 characters': { scope: { path: longPath } },
  'a name, a domain and a path': { scope: { name: 'sid', domain: 'a.b.shop.example', path: '/x/y' } },
  'partitioned': { scope: { partitioned: true } },
  'partitioned, with a __Host- name': { scope: { name: '__Host-session', partitioned: true } },
  'partitioned, with a domain and a path': { scope: { domain: 'shop.example', path: '/app', partitioned: true } },

  // IVs: the counter is all 128 bits, and carries over its end
  'an IV of zeros': { iv: '00'.repeat(16), json: jsonOf(100) },
  'an IV whose counter carries over 32 bits': { iv: '00'.repeat(12) + 'ffffffff', json: jsonOf(100) },
  'an IV whose counter carries over 64 bits': { iv: '00'.repeat(8) + 'ff'.repeat(8), json: jsonOf(100) },
  'an IV whose counter carries over 96 bits': { iv: '00'.repeat(4) + 'ff'.repeat(12), json: jsonOf(100) },
  'an IV whose counter goes around': { iv: 'ff'.repeat(16), json: jsonOf(100) },

  // Times
  'issued now': { created: now, issued: now },
  'issued later than created': { created: now - 5000, issued: now - 10 },
  'issued 60 seconds in the future': { created: now, issued: now + 60 },
  'created and issued 60 seconds in the future': { created: now + 60, issued: now + 60 },
  'in the last second of maxAge': { created: now - maxAge + 1, issued: now - maxAge + 1 },
  'in the last second of maxAge, issued now': { created: now - maxAge + 1, issued: now },
  'in the only second of a maxAge of 1': { created: now, issued: now, maxAge: 1 },
  'created over a year ago, with a maxAge of 400 days':
    { created: now - 34_559_999, issued: now - 34_000_000, maxAge: 34_560_000 },
  'in the last second of idleTimeout': { created: now - 5000, issued: now - 1799, idleTimeout: 1800 },

  // Lifetimes of their own
  'persistence as the setting says': { lifetime: { persistence: 0 } },
  'persistent': { lifetime: { persistence: 1 } },
  'until the browser closes': { lifetime: { persistence: 2 } },
  'a maxAge of its own': { lifetime: { maxAge: 28_800 } },
  'a maxAge of its own, until the browser closes': { lifetime: { persistence: 2, maxAge: 28_800 } },
  'a maxAge of 1 of its own': { created: now, issued: now, lifetime: { maxAge: 1 } },
  'in the last second of its own maxAge': { created: now - 28_799, issued: now - 5, lifetime: { maxAge: 28_800 } },
  'a maxAge of 400 days of its own, which the setting shortens': { lifetime: { maxAge: 34_560_000 } },
  'in the last second of the setting, which is shorter than its own maxAge':
    { created: now - maxAge + 1, issued: now, lifetime: { maxAge: 172_800 } },
  'an idleTimeout of its own': { lifetime: { idleTimeout: 3600 } },
  'an idleTimeout of 400 days of its own': { lifetime: { idleTimeout: 34_560_000 } },
  'in the last second of its own idleTimeout':
    { created: now - 5000, issued: now - 1799, lifetime: { idleTimeout: 1800 } },
  'in the last second of its own idleTimeout, which is the shorter one':
    { created: now - 5000, issued: now - 899, idleTimeout: 1800, lifetime: { idleTimeout: 900 } },
  'in the last second of the setting, which is shorter than its own idleTimeout':
    { created: now - 5000, issued: now - 1799, idleTimeout: 1800, lifetime: { idleTimeout: 3600 } },
  'all of a lifetime of its own': {
    scope: { name: '__Host-session', partitioned: true },
    idleTimeout: 1800,
    lifetime: { persistence: 1, maxAge: 0x01020304, idleTimeout: 0x00010203 },
  },

  // Sizes: JSON of 11 bytes fills a block of 32 with what is before it, and 43 fills two
  'an empty object, the shortest cookie': { json: '{}' },
  'JSON that leaves one byte for padding': { json: jsonOf(10) },
  'JSON that leaves none for padding': { json: jsonOf(11) },
  'JSON that is one byte too long for one block': { json: jsonOf(12) },
  'JSON that fills two blocks': { json: jsonOf(43) },
  'JSON that fills three blocks': { json: jsonOf(75) },
  'JSON of 2923 bytes, whose line is as long as a line may be': { json: jsonOf(2923) },
  'JSON of 2987 bytes, the longest cookie that is looked at': { scope: { name: 's' }, json: jsonOf(2987) },

  // JSON
  'every kind of value':
    { json: '{"s":"x","i":1,"f":-1.5e-7,"t":true,"f2":false,"n":null,"a":[1,[2,[]]],"o":{"p":{}}}' },
  'white space between tokens': { json: ' {\t"a" :\n[ 1 ,\r\n2 ] } ' },
  'an empty key': { json: '{"":1}' },
  'a key twice, of which the last counts': { json: '{"a":1,"a":2}' },
  'keys that look like numbers': { json: '{"10":1,"9":2,"-1":3,"01":4}' },
  'keys that objects usually inherit':
    { json: '{"constructor":1,"toString":2,"hasOwnProperty":3,"valueOf":4,"toJSON":5,"then":6,"prototype":7}' },
  'keys that are nearly __proto__': { json: '{"_proto_":1,"__proto":2,"__PROTO__":3,"__proto__ ":4}' },
  'the text __proto__ as a value': { json: '{"a":"__proto__","b":["__proto__"]}' },
  'escapes of every kind': { json: '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uD83D\\uDE00"}' },
  'U+0000, escaped': { json: '{"a\\u0000b":"\\u0000"}' },
  'every control character, escaped':
    { json: `{"a":"${Array.from({ length: 32 }, (_, i) => `\\u${hex(bigEndian(i, 2))}`).join('')}"}` },
  'U+007F and U+0080 to U+009F, as they are':
    { json: `{"a":"\u007f${Array.from({ length: 32 }, (_, i) => String.fromCharCode(128 + i)).join('')}"}` },
  'U+2028 and U+2029, as they are': { json: '{"a":"\u2028\u2029"}' },
  'a byte order mark within a string': { json: '{"a":"\ufeffb\ufeff","\ufeff":1}' },
  'lone surrogates, escaped': { json: '{"a":"\\ud800","b":"\\udfff","c":"\\ude00\\ud83d"}' },
  'emoji, as they are': { json: '{"a":"😀👩‍👩‍👧‍👦🏳️‍🌈","🔑":"🍪"}' },
  'the last code point of each length in UTF-8': { json: '{"a":"\u007f\u07ff\uffff\u{10ffff}"}' },
  'the first code point of each length in UTF-8': { json: '{"a":"\u0020\u0080\u0800\u{10000}"}' },
  'non-characters': { json: '{"a":"\ufffe\uffff\ufdd0\u{1fffe}"}' },
  'a replacement character': { json: '{"a":"\ufffd"}' },
  'the same letter composed and decomposed, two keys': { json: '{"\u00e9":1,"e\u0301":2}' },
  'text from right to left': { json: '{"a":"שלום \u202eabc\u202c مرحبا"}' },
  'characters that HTTP and HTML care about': { json: '{"a":";,=\\"\\\\ <script>&\'%0d%0a"}' },
  'integers up to 2^53': { json: '{"a":9007199254740991,"b":-9007199254740991,"c":9007199254740992}' },
  'a negative zero': { json: '{"a":-0}' },
  'the largest and the smallest numbers': { json: '{"a":1.7976931348623157e+308,"b":5e-324}' },
  'an array that is 30 deep': { json: `{"a":${'['.repeat(30)}${']'.repeat(30)}}` },
  'names that the times have nothing to do with': { json: '{"created":0,"issued":0,"exp":1,"iat":2,"maxAge":3}' },
}

async function validVector([name, row]: [string, ValidRow]): Promise<Vector> {
  const key = row.key ?? usualKey
  const { keys } = await keyNamed(key)
  const scope = { ...usualScope, ...row.scope }
  const iv = row.iv === undefined ? ivOf(name) : unhex(row.iv)
  const created = row.created ?? now - 3600
  const issued = row.issued ?? Math.max(created, now - 600)
  const json = row.json ?? usualJson
  const lifetime = { ...noLifetime, ...row.lifetime }
  const p = plaintext({ created, issued, lifetime }, utf8(json))
  return {
    name,
    key,
    cookieName: scope.name,
    cookieDomain: scope.domain,
    cookiePath: scope.path,
    partitioned: scope.partitioned,
    now,
    maxAge: row.maxAge ?? maxAge,
    ...row.idleTimeout === undefined ? {} : { idleTimeout: row.idleTimeout },
    iv: hex(iv),
    created,
    issued,
    lifetime,
    expiresAt: Math.min(
      created + (row.maxAge ?? maxAge), created + (lifetime.maxAge || Infinity),
      issued + (row.idleTimeout ?? Infinity), issued + (lifetime.idleTimeout || Infinity)),
    json,
    associatedData: hex(associatedData(scope)),
    plaintext: hex(p),
    cookie: encode(await sealPlaintext(keys, scope, iv, p)),
  }
}

export async function vectors(): Promise<Vectors> {
  return {
    about: about('Valid cookies'),
    keys: await describeKeys(Object.keys(keySources)),
    cookies: await Promise.all(Object.entries(valid).map(validVector)),
  }
}

// Invalid

/** What a row may build its cookie from: a good token of the usual handler, and everything that went into it. */
type Material = {
  keys: Keys
  other: Keys
  iv: Uint8Array
  a: Uint8Array
  json: Uint8Array
  p: Uint8Array
  ciphertext: Uint8Array
  token: Uint8Array
}
type InvalidRow = {
  reason: Reason
  cookie: (material: Material) => string | Uint8Array | Promise<string | Uint8Array>
  handler?: Partial<Handler>
  maxAge?: number
  idleTimeout?: number
}

const created = now - 3600
const issued = now - 600
const usualTimes: Times = { created, issued, lifetime: noLifetime }

async function material(name: string, json: string): Promise<Material> {
  const { keys } = await keyNamed(usualKey)
  const { keys: other } = await keyNamed('bytes 32, other')
  const iv = ivOf(name)
  const p = plaintext(usualTimes, utf8(json))
  const token = await sealPlaintext(keys, usualScope, iv, p)
  const ciphertext = token.slice(17, -32)
  return { keys, other, iv, a: associatedData(usualScope), json: utf8(json), p, ciphertext, token }
}

const flip = (bytes: Uint8Array, at: number, bits = 1) =>
  bytes.map((byte, i) => i === (at + bytes.length) % bytes.length ? byte ^ bits : byte)

const bytes = (...values: number[]) => Uint8Array.from(values)
const text = (value: string) => utf8(value)
const body = (token: Uint8Array) => token.subarray(1, -32)
const tagOf = (token: Uint8Array) => token.subarray(-32)

/** Authentic in every way, with any text for JSON; rows of this kind fail for what the text is and nothing else. */
const content = (json: string | Uint8Array): InvalidRow['cookie'] => ({ keys, iv }) =>
  sealPlaintext(keys, usualScope, iv, plaintext(usualTimes, typeof json === 'string' ? utf8(json) : json))

const inString = (...values: number[]) => content(concat(text('{"a":"'), bytes(...values), text('"}')))

const times = (created: number, issued: number, own: Partial<Lifetime> = {}, json = usualJson): InvalidRow['cookie'] =>
  ({ keys, iv }) => {
    const lifetime = { ...noLifetime, ...own }
    return sealPlaintext(keys, usualScope, iv, plaintext({ created, issued, lifetime }, utf8(json)))
  }

const lifetime = (own: Partial<Lifetime>): InvalidRow['cookie'] => times(created, issued, own)

/** P as it is, for paddings that no sealer makes. */
const unpadded = (...parts: Uint8Array[]): InvalidRow['cookie'] => ({ keys, iv }) =>
  sealPlaintext(keys, usualScope, iv, concat(headOf(usualTimes), ...parts))

/** A token with any tag: the rows that get the tag's input or key wrong. */
const tagged = (tag: (m: Material) => Uint8Array | Promise<Uint8Array>): InvalidRow['cookie'] => async (m) =>
  concat(bytes(1), m.iv, m.ciphertext, await tag(m))

const cookieOf = (change: (value: string) => string): InvalidRow['cookie'] => ({ token }) => change(encode(token))

const spliced = (pick: (a: Material, b: Material) => Uint8Array[]): InvalidRow['cookie'] => async (a) => {
  const b = await material('the other cookie of a splice', usualJson.replace('alice', 'mayor'))
  return concat(bytes(1), ...pick(a, b))
}

const swapLast = (value: string) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return value.slice(0, -1) + alphabet.charAt(alphabet.indexOf(value.slice(-1)) + 1)
}

const invalid: Record<string, InvalidRow> = {
  // Length, before anything else
  'nothing': { reason: 'length', cookie: () => '' },
  'one character': { reason: 'length', cookie: () => 'A' },
  '107 characters': { reason: 'length', cookie: cookieOf((value) => value.slice(0, 107)) },
  '107 characters of an authentic cookie, its P one byte short of a block':
    { reason: 'length', cookie: unpadded(text('{"a":"01"}')) },
  'an authentic cookie without P': {
    reason: 'length', cookie: ({ keys, iv }) => sealPlaintext(keys, usualScope, iv, bytes()),
  },
  'an authentic cookie of a lifetime, times and no JSON': { reason: 'length', cookie: unpadded() },
  '4097 characters': { reason: 'length', cookie: cookieOf((value) => value + 'A'.repeat(4097 - value.length)) },
  '16000 characters': { reason: 'length', cookie: cookieOf((value) => value + 'A'.repeat(16000 - value.length)) },
  'an authentic cookie of 4119 characters': { reason: 'length', cookie: content(jsonOf(3019)) },

  // Spelling
  'one = at the end': { reason: 'format', cookie: cookieOf((value) => `${value}=`) },
  'the padding of RFC 4648': { reason: 'format', cookie: cookieOf((value) => `${value}==`) },
  'a dot for the last character': { reason: 'format', cookie: cookieOf((value) => `${value.slice(0, -1)}.`) },
  'the alphabet of plain base64': {
    reason: 'format', cookie: async ({ keys, iv }) => {
      const p = plaintext(usualTimes, text('{"a":"?????????????????????????????????"}'))
      for (let i = 0; ; i++) {
        const value = encode(await sealPlaintext(keys, usualScope, flip(iv, 0, i), p))
        if (/-/.test(value) && /_/.test(value)) return value.replaceAll('-', '+').replaceAll('_', '/')
      }
    },
  },
  'a space in front': { reason: 'format', cookie: cookieOf((value) => ` ${value}`) },
  'a space at the end': { reason: 'format', cookie: cookieOf((value) => `${value} `) },
  'a space in the middle':
    { reason: 'format', cookie: cookieOf((value) => `${value.slice(0, 50)} ${value.slice(50)}`) },
  'a tab at the end': { reason: 'format', cookie: cookieOf((value) => `${value}\t`) },
  'a line feed in the middle':
    { reason: 'format', cookie: cookieOf((value) => `${value.slice(0, 64)}\n${value.slice(64)}`) },
  'an exclamation mark in the middle':
    { reason: 'format', cookie: cookieOf((value) => `${value.slice(0, 50)}!${value.slice(50)}`) },
  'a character that is not ASCII': { reason: 'format', cookie: cookieOf((value) => `${value.slice(0, -1)}\u00e9`) },
  'a letter that folds to ASCII': { reason: 'format', cookie: cookieOf((value) => `\uff21${value.slice(1)}`) },
  'U+0000 in place of a character': { reason: 'format', cookie: cookieOf((value) => `${value.slice(0, -1)}\u0000`) },
  'a character in percent-encoding':
    { reason: 'format', cookie: cookieOf((value) => `%${hex(text(value.slice(0, 1)))}${value.slice(1)}`) },
  'quotes around it': { reason: 'format', cookie: cookieOf((value) => `"${value}"`) },
  'a comma at the end': { reason: 'format', cookie: cookieOf((value) => `${value},`) },
  'a backslash at the end': { reason: 'format', cookie: cookieOf((value) => `${value}\\`) },
  'a semicolon at the end': { reason: 'format', cookie: cookieOf((value) => `${value};`) },
  'the last character gone': { reason: 'format', cookie: cookieOf((value) => value.slice(0, -1)) },
  'a length that no bytes have': { reason: 'format', cookie: cookieOf((value) => value.slice(0, 109)) },
  'one stray bit of two in the last character':
    { reason: 'format', cookie: async (m) => swapLast(encode(await content(jsonOf(43))(m) as Uint8Array)) },
  'one stray bit of four in the last character':
    { reason: 'format', cookie: async (m) => swapLast(encode(await content(jsonOf(75))(m) as Uint8Array)) },
  'the token in hex': { reason: 'format', cookie: ({ token }) => hex(token) },
  'the token twice, base64url of base64url': {
    reason: 'format', cookie: ({ token }) => encode(text(encode(token))),
  },

  // Version
  'version 0': { reason: 'format', cookie: ({ token }) => concat(bytes(0), token.subarray(1)) },
  'version 2': { reason: 'format', cookie: ({ token }) => concat(bytes(2), token.subarray(1)) },
  'version 129': { reason: 'format', cookie: ({ token }) => concat(bytes(129), token.subarray(1)) },
  'version 255': { reason: 'format', cookie: ({ token }) => concat(bytes(255), token.subarray(1)) },

  // Other people's formats
  'JSON, not sealed at all': { reason: 'format', cookie: () => '{"user":"alice"}'.padEnd(120) },
  'JSON in base64url': { reason: 'format', cookie: () => text(jsonOf(120)) },
  'a JSON Web Signature of alg none': {
    reason: 'format',
    cookie: () => `${encode(text('{"alg":"none"}'))}.${encode(text(jsonOf(100)))}.`,
  },
  'a Fernet token': { reason: 'format', cookie: ({ token }) => concat(bytes(0x80, 0, 0, 0, 0), token) },

  // One field changed, all else as it was
  'the first bit of the IV': { reason: 'tag', cookie: ({ token }) => flip(token, 1, 0x80) },
  'the last bit of the IV': { reason: 'tag', cookie: ({ token }) => flip(token, 16) },
  'a bit of the persistence': { reason: 'tag', cookie: ({ token }) => flip(token, 17) },
  'a bit of the time of creation': { reason: 'tag', cookie: ({ token }) => flip(token, 17 + 6) },
  'a bit of the time of issue': { reason: 'tag', cookie: ({ token }) => flip(token, 17 + 12) },
  'a bit of its own maxAge': { reason: 'tag', cookie: ({ token }) => flip(token, 17 + 16) },
  'a bit of its own idleTimeout': { reason: 'tag', cookie: ({ token }) => flip(token, 17 + 20) },
  'a bit of the JSON': { reason: 'tag', cookie: ({ token }) => flip(token, 17 + 21 + 9) },
  'a bit of the padding': { reason: 'tag', cookie: ({ token }) => flip(token, -33) },
  'the first bit of the tag': { reason: 'tag', cookie: ({ token }) => flip(token, -32, 0x80) },
  'the last bit of the tag': { reason: 'tag', cookie: ({ token }) => flip(token, -1) },
  'a user renamed by the bits that differ': {
    reason: 'tag', cookie: ({ token, p }) => {
      const at = Buffer.from(p).indexOf('alice')
      return token.map((byte, i) => i >= 17 + at && i < 17 + at + 5
        ? byte ^ 'alice'.charCodeAt(i - 17 - at) ^ 'admin'.charCodeAt(i - 17 - at)
        : byte)
    },
  },

  // The tag
  'a tag of zeros': { reason: 'tag', cookie: tagged(() => new Uint8Array(32)) },
  'a tag of ones': { reason: 'tag', cookie: tagged(() => new Uint8Array(32).fill(255)) },
  'a tag cut to 16 bytes': { reason: 'tag', cookie: ({ token }) => token.subarray(0, -16) },
  'a tag cut to 16 bytes and filled with zeros':
    { reason: 'tag', cookie: ({ token }) => concat(token.subarray(0, -16), new Uint8Array(16)) },
  'a tag with its halves swapped':
    { reason: 'tag', cookie: tagged(({ token }) => concat(token.subarray(-16), token.subarray(-32, -16))) },
  'no tag': { reason: 'tag', cookie: ({ token }) => token.subarray(0, -32) },
  'the tag in front': { reason: 'tag', cookie: ({ token }) => concat(bytes(1), tagOf(token), body(token)) },

  // Cut and pasted
  'the last byte gone': { reason: 'tag', cookie: ({ token }) => token.subarray(0, -1) },
  'the first byte after the version gone':
    { reason: 'tag', cookie: ({ token }) => concat(bytes(1), token.subarray(2)) },
  'a block of the ciphertext gone, the tag kept':
    { reason: 'tag', cookie: ({ token }) => concat(token.subarray(0, -64), tagOf(token)) },
  'a block of the ciphertext twice':
    { reason: 'tag', cookie: ({ token }) => concat(token.subarray(0, -32), token.subarray(-64, -32), tagOf(token)) },
  'a zero byte at the end': { reason: 'tag', cookie: ({ token }) => concat(token, bytes(0)) },
  'three characters more at the end':
    { reason: 'tag', cookie: ({ token }) => encode(concat(token, bytes(0, 0, 0))) },
  'the IV of another cookie': { reason: 'tag', cookie: spliced((a, b) => [b.iv, a.ciphertext, tagOf(a.token)]) },
  'the ciphertext of another cookie':
    { reason: 'tag', cookie: spliced((a, b) => [a.iv, b.ciphertext, tagOf(a.token)]) },
  'the tag of another cookie': { reason: 'tag', cookie: spliced((a, b) => [a.iv, a.ciphertext, tagOf(b.token)]) },
  'IV and ciphertext of another cookie':
    { reason: 'tag', cookie: spliced((a, b) => [b.iv, b.ciphertext, tagOf(a.token)]) },
  'two cookies, one after the other': { reason: 'tag', cookie: ({ token }) => concat(token, token) },

  // Issued for somebody else
  'another name': { reason: 'tag', handler: { cookieName: 'sessions' }, cookie: ({ token }) => token },
  'the name in capitals': { reason: 'tag', handler: { cookieName: 'SESSION' }, cookie: ({ token }) => token },
  'a prefixed name': { reason: 'tag', handler: { cookieName: '__Host-session' }, cookie: ({ token }) => token },
  'a domain where there was none': {
    reason: 'tag', handler: { cookieDomain: 'shop.example' }, cookie: ({ token }) => token,
  },
  'no domain where there was one': {
    reason: 'tag',
    cookie: ({ keys, iv, p }) => sealPlaintext(keys, { ...usualScope, domain: 'shop.example' }, iv, p),
  },
  'a parent of the domain': {
    reason: 'tag',
    handler: { cookieDomain: 'shop.example' },
    cookie: ({ keys, iv, p }) => sealPlaintext(keys, { ...usualScope, domain: 'a.shop.example' }, iv, p),
  },
  'another path': { reason: 'tag', handler: { cookiePath: '/app' }, cookie: ({ token }) => token },
  'the path with a slash at its end': {
    reason: 'tag',
    handler: { cookiePath: '/app/' },
    cookie: ({ keys, iv, p }) => sealPlaintext(keys, { ...usualScope, path: '/app' }, iv, p),
  },
  'a name that has the first letter of the path': {
    reason: 'tag',
    handler: { cookieName: 'sid', cookiePath: '/app' },
    cookie: ({ keys, iv, p }) => sealPlaintext(keys, { ...usualScope, name: 'sid/', path: 'app' }, iv, p),
  },
  'a domain that has the last letters of the name': {
    reason: 'tag',
    handler: { cookieName: 'sida', cookieDomain: 'b.example' },
    cookie: ({ keys, iv, p }) => sealPlaintext(keys, { ...usualScope, name: 'sid', domain: 'ab.example' }, iv, p),
  },
  'a path in the place of the domain': {
    reason: 'tag',
    cookie: ({ keys, iv, p }) => sealPlaintext(keys, { ...usualScope, domain: '/', path: '' }, iv, p),
  },
  'not partitioned where it is': { reason: 'tag', handler: { partitioned: true }, cookie: ({ token }) => token },
  'partitioned where it is not': {
    reason: 'tag', cookie: ({ keys, iv, p }) => sealPlaintext(keys, { ...usualScope, partitioned: true }, iv, p),
  },
  'a path that ends in the byte of the partition': {
    reason: 'tag',
    handler: { partitioned: true },
    cookie: ({ keys, iv, p }) => sealPlaintext(keys, { ...usualScope, path: '/\u0001' }, iv, p),
  },
  'the first bytes of A moved into the IV': {
    // One stream of bytes, cut elsewhere: only the length at the end of the tag's input tells the two apart.
    reason: 'tag',
    cookie: async ({ keys, a, p, iv }) => {
      const ciphertext = await ctr(keys.encryption, iv, p)
      const longer = concat(a, iv.subarray(0, 1))
      const moved = concat(iv.subarray(1), ciphertext)
      return concat(bytes(1), iv, ciphertext, await hmac(keys.authentication, tagInput(longer, moved, bytes())))
    },
  },

  // Other keys
  'another key': { reason: 'tag', handler: { key: 'bytes 32, other' }, cookie: ({ token }) => token },
  'a longer key that begins with the key':
    { reason: 'tag', handler: { key: 'bytes 64' }, cookie: ({ token }) => token },
  'another authentication key': {
    reason: 'tag',
    cookie: tagged(({ other, a, iv, ciphertext }) => hmac(other.authentication, tagInput(a, iv, ciphertext))),
  },
  'the two keys swapped': {
    reason: 'tag',
    cookie: ({ keys, iv, p }) => sealPlaintext(
      { encryption: keys.authentication, authentication: keys.encryption }, usualScope, iv, p),
  },
  'the encryption key for both': {
    reason: 'tag',
    cookie: tagged(({ keys, a, iv, ciphertext }) => hmac(keys.encryption, tagInput(a, iv, ciphertext))),
  },
  'the master key for both': {
    reason: 'tag',
    cookie: ({ iv, p }) => sealPlaintext(
      { encryption: counting(32), authentication: counting(32) }, usualScope, iv, p),
  },
  'keys derived with the salt of the string keys': {
    reason: 'tag',
    cookie: async ({ iv, p }) => {
      const derive = (info: string) => hkdf(counting(32), text('seshcookie v1'), text(info), 32)
      const keys = {
        encryption: await derive('seshcookie v1 encryption'),
        authentication: await derive('seshcookie v1 authentication'),
      }
      return sealPlaintext(keys, usualScope, iv, p)
    },
  },
  'a string key taken as its bytes': {
    reason: 'tag',
    handler: { key: 'string, ASCII' },
    cookie: async ({ iv, p }) =>
      sealPlaintext(await deriveKeys(text(String(keySources['string, ASCII']))), usualScope, iv, p),
  },
  'a string key through scrypt with p = 1': {
    reason: 'tag',
    handler: { key: 'string, ASCII' },
    cookie: async ({ iv, p }) => {
      const master = scrypt(text(String(keySources['string, ASCII'])), text('seshcookie v1'), 2 ** 15, 8, 1, 32)
      return sealPlaintext(await deriveKeys(master), usualScope, iv, p)
    },
  },
  'a string key normalised': {
    reason: 'tag',
    handler: { key: 'string, decomposed' },
    cookie: async ({ iv, p }) => {
      const composed = String(keySources['string, decomposed']).normalize()
      return sealPlaintext(await deriveKeys(masterOf(composed)), usualScope, iv, p)
    },
  },

  // Other tags that a sealer with the right keys could compute
  'a tag without A': {
    reason: 'tag',
    cookie: tagged(({ keys, iv, ciphertext }) => hmac(keys.authentication, tagInput(bytes(), iv, ciphertext))),
  },
  'a tag without the IV': {
    reason: 'tag',
    cookie: tagged(({ keys, a, ciphertext }) => hmac(keys.authentication, tagInput(a, bytes(), ciphertext))),
  },
  'a tag without the length of A': {
    reason: 'tag',
    cookie: tagged(({ keys, a, iv, ciphertext }) => hmac(keys.authentication, concat(a, iv, ciphertext))),
  },
  'a tag with the length of A in bytes': {
    reason: 'tag',
    cookie: tagged(({ keys, a, iv, ciphertext }) =>
      hmac(keys.authentication, concat(a, iv, ciphertext, bigEndian(a.length, 8)))),
  },
  'a tag with the length of A in little-endian order': {
    reason: 'tag',
    cookie: tagged(({ keys, a, iv, ciphertext }) =>
      hmac(keys.authentication, concat(a, iv, ciphertext, bigEndian(8 * a.length, 8).reverse()))),
  },
  'a tag over P': {
    reason: 'tag', cookie: tagged(({ keys, a, iv, p }) => hmac(keys.authentication, tagInput(a, iv, p))),
  },
  'a tag whose A has no lengths': {
    reason: 'tag',
    cookie: tagged(({ keys, iv, ciphertext }) =>
      hmac(keys.authentication, tagInput(text('\u0001session/'), iv, ciphertext))),
  },
  'a tag whose A has no partition': {
    reason: 'tag',
    cookie: tagged(({ keys, a, iv, ciphertext }) =>
      hmac(keys.authentication, tagInput(a.subarray(0, -1), iv, ciphertext))),
  },
  'a tag whose A has a partition of 2': {
    reason: 'tag',
    cookie: tagged(({ keys, a, iv, ciphertext }) =>
      hmac(keys.authentication, tagInput(flip(a, -1, 2), iv, ciphertext))),
  },
  'a tag whose A has no version': {
    reason: 'tag',
    cookie: tagged(({ keys, a, iv, ciphertext }) => hmac(keys.authentication, tagInput(a.subarray(1), iv, ciphertext))),
  },
  'half of an HMAC-SHA512': {
    reason: 'tag',
    cookie: tagged(async ({ keys, a, iv, ciphertext }) =>
      (await hmac(keys.authentication, tagInput(a, iv, ciphertext), 'SHA-512')).subarray(0, 32)),
  },
  'a SHA-256 without a key': {
    reason: 'tag',
    cookie: tagged(({ a, iv, ciphertext }) => createHash('sha256').update(tagInput(a, iv, ciphertext)).digest()),
  },
  'an HMAC-SHA256 with an empty key': {
    reason: 'tag',
    cookie: tagged(({ a, iv, ciphertext }) => createHmac('sha256', '').update(tagInput(a, iv, ciphertext)).digest()),
  },

  // Authentic, and expired
  'created and issued at 0': { reason: 'expired', cookie: times(0, 0) },
  'created at 0, issued just now': { reason: 'expired', cookie: times(0, issued) },
  'exactly maxAge old': { reason: 'expired', cookie: times(now - maxAge, now - maxAge) },
  'exactly maxAge old, issued now': { reason: 'expired', cookie: times(now - maxAge, now) },
  'a second more than maxAge old': { reason: 'expired', cookie: times(now - maxAge - 1, now - 10) },
  'older than a maxAge that was shortened since': { reason: 'expired', cookie: times(created, issued), maxAge: 3600 },
  'created after it was issued': { reason: 'expired', cookie: times(issued + 1, issued) },
  'issued 61 seconds in the future': { reason: 'expired', cookie: times(created, now + 61) },
  'created and issued 61 seconds in the future': { reason: 'expired', cookie: times(now + 61, now + 61) },
  'created in the future, issued now': { reason: 'expired', cookie: times(now + 61, now) },
  'created and issued at the end of time': { reason: 'expired', cookie: times(2 ** 48 - 1, 2 ** 48 - 1) },
  'issued at the end of time': { reason: 'expired', cookie: times(created, 2 ** 48 - 1) },
  'created at the end of time': { reason: 'expired', cookie: times(2 ** 48 - 1, issued) },
  'times in milliseconds': { reason: 'expired', cookie: times(created * 1000, issued * 1000) },
  'a time that 32 bits would cut to now': { reason: 'expired', cookie: times(created + 2 ** 32, issued + 2 ** 32) },
  'a time that is negative when 32 bits are signed': { reason: 'expired', cookie: times(2 ** 31, 2 ** 31) },
  'exactly idleTimeout after it was issued':
    { reason: 'expired', cookie: times(now - 5000, now - 1800), idleTimeout: 1800 },
  'expired, and no JSON either': { reason: 'expired', cookie: times(0, 0, {}, 'no JSON') },
  'exactly as old as its own maxAge': { reason: 'expired', cookie: times(now - 1800, now, { maxAge: 1800 }) },
  'older than its own maxAge, persistent':
    { reason: 'expired', cookie: times(now - 1801, now - 1, { persistence: 1, maxAge: 1800 }) },
  'exactly as old as the setting, with a longer maxAge of its own':
    { reason: 'expired', cookie: times(now - maxAge, now, { maxAge: 34_560_000 }) },
  'older than a setting that was lowered since, with a maxAge of its own':
    { reason: 'expired', cookie: times(created, issued, { maxAge: 7200 }), maxAge: 3600 },
  'its own idleTimeout after it was issued':
    { reason: 'expired', cookie: times(now - 5000, now - 900, { idleTimeout: 900 }) },
  'its own idleTimeout after it was issued, though the setting is longer':
    { reason: 'expired', cookie: times(now - 5000, now - 900, { idleTimeout: 900 }), idleTimeout: 1800 },
  'the setting\'s idleTimeout after it was issued, though its own is longer':
    { reason: 'expired', cookie: times(now - 5000, now - 1800, { idleTimeout: 3600 }), idleTimeout: 1800 },

  // Authentic, and not what a lifetime is, which is looked at before the times
  'a persistence of 3': { reason: 'format', cookie: lifetime({ persistence: 3 }) },
  'a persistence of 128': { reason: 'format', cookie: lifetime({ persistence: 128 }) },
  'a persistence of 255': { reason: 'format', cookie: lifetime({ persistence: 255 }) },
  'a maxAge of its own of 400 days and a second': { reason: 'format', cookie: lifetime({ maxAge: 34_560_001 }) },
  'a maxAge of its own of 2^31': { reason: 'format', cookie: lifetime({ maxAge: 2 ** 31 }) },
  'a maxAge of its own of 2^32 - 1': { reason: 'format', cookie: lifetime({ maxAge: 2 ** 32 - 1 }) },
  'an idleTimeout of its own of 400 days and a second':
    { reason: 'format', cookie: lifetime({ idleTimeout: 34_560_001 }) },
  'an idleTimeout of its own of 2^31': { reason: 'format', cookie: lifetime({ idleTimeout: 2 ** 31 }) },
  'an idleTimeout of its own of 2^32 - 1': { reason: 'format', cookie: lifetime({ idleTimeout: 2 ** 32 - 1 }) },
  'a persistence of 3, and expired': { reason: 'format', cookie: times(0, 0, { persistence: 3 }) },
  'a maxAge of its own that is too long, and expired':
    { reason: 'format', cookie: times(0, 0, { maxAge: 34_560_001 }) },

  // Authentic, and not what a session is
  'P of 33 bytes': { reason: 'format', cookie: unpadded(text('{"a":"0123"}')) },
  'P of 48 bytes': { reason: 'format', cookie: unpadded(text(jsonOf(27))) },
  'P of 63 bytes': { reason: 'format', cookie: unpadded(text(jsonOf(42))) },
  'P of 65 bytes, the last one a space': { reason: 'format', cookie: unpadded(text(`${jsonOf(43)} `)) },
  'padding of zero bytes': { reason: 'format', cookie: unpadded(text('{"a":1}'), new Uint8Array(4)) },
  'padding of the kind of PKCS #7':
    { reason: 'format', cookie: unpadded(text('{"a":12}'), new Uint8Array(3).fill(3)) },
  'padding of no-break spaces': { reason: 'format', cookie: unpadded(text(`{"a":1}${'\u00a0'.repeat(2)}`)) },
  'nothing but padding': { reason: 'format', cookie: content('') },
  'root null': { reason: 'format', cookie: content('null') },
  'root true': { reason: 'format', cookie: content('true') },
  'root 1': { reason: 'format', cookie: content('1') },
  'root a string': { reason: 'format', cookie: content('"s"') },
  'root a string that holds JSON': { reason: 'format', cookie: content('"{\\"a\\":1}"') },
  'root an empty array': { reason: 'format', cookie: content('[]') },
  'root an array of an object': { reason: 'format', cookie: content('[{"a":1}]') },
  'cut JSON': { reason: 'format', cookie: content('{"a":1') },
  'JSON and one brace more': { reason: 'format', cookie: content('{"a":1}}') },
  'two objects': { reason: 'format', cookie: content('{"a":1} {"b":2}') },
  'JSON after other text': { reason: 'format', cookie: content(')]}\',{"a":1}') },
  'a comma too many': { reason: 'format', cookie: content('{"a":1,}') },
  'single quotes': { reason: 'format', cookie: content("{'a':1}") },
  'a key without quotes': { reason: 'format', cookie: content('{a:1}') },
  'a comment': { reason: 'format', cookie: content('{"a":1/**/}') },
  'NaN': { reason: 'format', cookie: content('{"a":NaN}') },
  'undefined': { reason: 'format', cookie: content('{"a":undefined}') },
  'a number with a zero in front': { reason: 'format', cookie: content('{"a":01}') },
  'a hexadecimal number': { reason: 'format', cookie: content('{"a":0x1}') },
  'a line feed within a string': { reason: 'format', cookie: content('{"a":"\n"}') },
  'U+0000 within a string, as it is': { reason: 'format', cookie: content('{"a":"\u0000"}') },
  'a byte order mark in front': { reason: 'format', cookie: content('\ufeff{"a":1}') },
  'a byte order mark at the end': { reason: 'format', cookie: content('{"a":1}\ufeff') },
  'UTF-16': { reason: 'format', cookie: content(new Uint8Array(Buffer.from('{"a":1}', 'utf16le'))) },
  'Latin-1': { reason: 'format', cookie: inString(0xe9) },
  'UTF-8: a byte that never occurs': { reason: 'format', cookie: inString(0xff) },
  'UTF-8: a continuation without a start': { reason: 'format', cookie: inString(0x80) },
  'UTF-8: a character cut short': { reason: 'format', cookie: inString(0xe2, 0x82) },
  'UTF-8: an overlong slash': { reason: 'format', cookie: inString(0xc0, 0xaf) },
  'UTF-8: an overlong U+0000': { reason: 'format', cookie: inString(0xc0, 0x80) },
  'UTF-8: an overlong of three bytes': { reason: 'format', cookie: inString(0xe0, 0x80, 0xaf) },
  'UTF-8: a surrogate': { reason: 'format', cookie: inString(0xed, 0xa0, 0x80) },
  'UTF-8: a surrogate pair, as in CESU-8':
    { reason: 'format', cookie: inString(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80) },
  'UTF-8: past U+10FFFF': { reason: 'format', cookie: inString(0xf4, 0x90, 0x80, 0x80) },
  'UTF-8: cut short by the end of P': { reason: 'format', cookie: unpadded(text('{"a":"01"}'), bytes(0xc3)) },
  'a key __proto__': { reason: 'format', cookie: content('{"__proto__":{"admin":true}}') },
  'a key __proto__ whose value is null': { reason: 'format', cookie: content('{"__proto__":null}') },
  'a key __proto__ whose value is a number': { reason: 'format', cookie: content('{"a":1,"__proto__":1}') },
  'a key __proto__, one letter escaped': { reason: 'format', cookie: content('{"\\u005f_proto__":{"admin":true}}') },
  'a key __proto__, all letters escaped': {
    reason: 'format',
    cookie: content(`{"${[...'__proto__'].map((c) => `\\u${hex(bigEndian(c.charCodeAt(0), 2))}`).join('')}":{}}`),
  },
  'a key __proto__, an escape in capitals': { reason: 'format', cookie: content('{"\\u005F\\u005Fproto__":{}}') },
  'a key __proto__ in an object': { reason: 'format', cookie: content('{"a":{"b":{"__proto__":{"admin":true}}}}') },
  'a key __proto__ in an array': { reason: 'format', cookie: content('{"a":[1,[{"__proto__":[]}]]}') },
  'a key __proto__ after its text as a value':
    { reason: 'format', cookie: content('{"a":"__proto__","b":{"__proto__":1}}') },
}

async function invalidVector([name, row]: [string, InvalidRow]): Promise<InvalidVector> {
  const cookie = await row.cookie(await material(name, usualJson))
  return {
    name,
    key: usualKey,
    cookieName: usualScope.name,
    cookieDomain: usualScope.domain,
    cookiePath: usualScope.path,
    partitioned: usualScope.partitioned,
    ...row.handler,
    now,
    maxAge: row.maxAge ?? maxAge,
    ...row.idleTimeout === undefined ? {} : { idleTimeout: row.idleTimeout },
    cookie: typeof cookie === 'string' ? cookie : encode(cookie),
    reason: row.reason,
    code: codes[row.reason],
  }
}

export async function invalidVectors(): Promise<InvalidVectors> {
  const cookies = await Promise.all(Object.entries(invalid).map(invalidVector))
  return { about: about('Invalid cookies'), keys: await describeKeys(new Set(cookies.map(({ key }) => key))), cookies }
}

/** As the files hold it: one cookie a line, and ASCII only, so that no editor changes a character. */
export function stringify({ about, keys, cookies }: Vectors | InvalidVectors): string {
  const row = (value: unknown) => JSON.stringify(value)
    .replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const keyRows = Object.entries(keys).map(([name, key]) => `    ${row(name)}: ${row(key)}`)
  return [
    '{',
    `  "about": ${row(about)},`,
    '  "keys": {',
    keyRows.join(',\n'),
    '  },',
    '  "cookies": [',
    cookies.map((cookie) => `    ${row(cookie)}`).join(',\n'),
    '  ]',
    '}',
    '',
  ].join('\n')
}

/**
 * Makes v1.json and v1-invalid.json, with the second implementation alone: the same bytes every time. vectors.test.ts
 * holds the committed files to this, and writes them anew when UPDATE_VECTORS is set.
 *
 * v1.json is its own source: what goes into a cookie stands there, and what comes out is computed. To add a row, add
 * its name and what is unusual about it, `{"name":"a path","cookiePath":"/app"}`; the rest is filled in.
 *
 * All keys there are test keys with a pattern that no generated key has. Never use them for anything else.
 */
import { createHash, createHmac, createSecretKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { root } from '../support/root.js'
import {
  alphabet, associatedData, bigEndian, codes, concat, deriveKeys, encode, headOf, hex, hmac, masterOf, noLifetime,
  plaintext, scrypt, sealPlaintext, tagInput, unhex, type Keys, type Lifetime, type Reason, type Scope, type Times,
} from '../support/second-implementation.js'

const text = (value: string) => new TextEncoder().encode(value)
const bytes = (...values: number[]) => Uint8Array.from(values)

export type VectorKey = {
  kind: 'bytes' | 'string' | 'KeyObject', text?: string, hex?: string
  master: string, encryptionKey: string, authenticationKey: string
}
export type Vectors<Row> = { about: string, keys: Record<string, VectorKey>, cookies: Row[] }

const now = 1_800_000_000 // 2027-01-15T08:00:00Z
const maxAge = 86_400
const usualTimes: Times = { created: now - 3600, issued: now - 600, lifetime: noLifetime }
const usualJson = '{"user":"alice","roles":["reader","writer"],"visits":7}'

/** What a cookie is opened with. */
const usual = {
  key: 'bytes 32', cookieName: 'session', cookieDomain: '', cookiePath: '/', partitioned: false, now, maxAge,
  idleTimeout: undefined as number | undefined,
}
export type Settings = typeof usual
export type Vector = { name: string, iv: string, expiresAt: number, json: string, cookie: string } & Settings & Times &
  { associatedData: string, plaintext: string }
export type InvalidVector = { name: string, cookie: string, reason: Reason, code: string } & Settings

export const scopeOf = ({ cookieName, cookieDomain, cookiePath, partitioned }: Settings): Scope =>
  ({ name: cookieName, domain: cookieDomain, path: cookiePath, partitioned })
export const keyOf = ({ kind, text, hex = '' }: VectorKey) =>
  text ?? (kind === 'KeyObject' ? createSecretKey(unhex(hex)) : unhex(hex))
export const keysOf = ({ encryptionKey, authenticationKey }: VectorKey): Keys =>
  ({ encryption: unhex(encryptionKey), authentication: unhex(authenticationKey) })

// Valid

const valid = JSON.parse(readFileSync(new URL('test/vectors/v1.json', root), 'utf8')) as Vectors<Vector>

for (const key of Object.values(valid.keys)) {
  const master = masterOf(keyOf(key))
  const { encryption, authentication } = await deriveKeys(master)
  Object.assign(key, { master: hex(master), encryptionKey: hex(encryption), authenticationKey: hex(authentication) })
}

const keysNamed = (name: string) => keysOf(valid.keys[name]!)

/** An IV nobody draws: the first bytes of a hash of the vector's name. */
const ivOf = (name: string) => new Uint8Array(createHash('sha256').update(name).digest()).subarray(0, 16)

async function completed({ name, ...given }: Partial<Vector> & { name: string }): Promise<Vector> {
  const filled = {
    name, ...usual, iv: hex(ivOf(name)), ...usualTimes, expiresAt: 0, json: usualJson,
    associatedData: '', plaintext: '', cookie: '', ...given,
  }
  const { key, maxAge, idleTimeout = Infinity, iv, created, issued, lifetime } = filled
  const scope = scopeOf(filled)
  const p = plaintext(filled, text(filled.json))
  return {
    ...filled,
    expiresAt: Math.min(
      created + maxAge, created + (lifetime.maxAge || Infinity),
      issued + idleTimeout, issued + (lifetime.idleTimeout || Infinity)),
    associatedData: hex(associatedData(scope)),
    plaintext: hex(p),
    cookie: encode(await sealPlaintext(keysNamed(key), scope, unhex(iv), p)),
  }
}

// Invalid

/** JSON of exactly so many bytes. */
const jsonOf = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`

/** What a row may build its cookie from: an authentic token of the usual settings, and what went into it. */
type Material = { iv: Uint8Array, ciphertext: Uint8Array, token: Uint8Array }
type Recipe = (material: Material) => string | Uint8Array | Promise<string | Uint8Array>

const keys = keysNamed(usual.key)
const otherKeys = keysNamed('bytes 32, other')
const scope = scopeOf(usual)
const a = associatedData(scope)
const p = plaintext(usualTimes, text(usualJson))

async function material(name: string, sealed = p): Promise<Material> {
  const iv = ivOf(name)
  const token = await sealPlaintext(keys, scope, iv, sealed)
  return { iv, ciphertext: token.slice(17, -32), token }
}

const tagOf = (token: Uint8Array) => token.subarray(-32)
const flip = (data: Uint8Array, at: number, bits = 1) =>
  data.map((byte, i) => i === (at + data.length) % data.length ? byte ^ bits : byte)

/** The authentic cookie, for settings that are not those that it was sealed under. */
const asItIs: Recipe = ({ token }) => token
const respelled = (change: (value: string) => string): Recipe => ({ token }) => change(encode(token))
const withVersion = (version: number): Recipe => ({ token }) => concat(bytes(version), token.subarray(1))
const flipped = (at: number, bits?: number): Recipe => ({ token }) => flip(token, at, bits)

/** Authentic in every way, with anything for P; rows of this kind fail for what P is and nothing else. */
const sealed = (p: Uint8Array): Recipe => ({ iv }) => sealPlaintext(keys, scope, iv, p)
const withTimes = (created: number, issued: number, lifetime: Partial<Lifetime> = {}, json = usualJson): Recipe =>
  sealed(plaintext({ created, issued, lifetime: { ...noLifetime, ...lifetime } }, text(json)))
const withLifetime = (lifetime: Partial<Lifetime>): Recipe =>
  withTimes(usualTimes.created, usualTimes.issued, lifetime)
const withJson = (json: string | Uint8Array): Recipe =>
  sealed(plaintext(usualTimes, typeof json === 'string' ? text(json) : json))
const inString = (...values: number[]) => withJson(concat(text('{"a":"'), bytes(...values), text('"}')))
/** Without the padding that a sealer adds. */
const unpadded = (json: string, ...end: number[]): Recipe =>
  sealed(concat(headOf(usualTimes), text(json), bytes(...end)))

const sealedUnder = (wrong: Keys | Promise<Keys>): Recipe => async ({ iv }) => sealPlaintext(await wrong, scope, iv, p)
const sealedFor = (wrong: Partial<Scope>): Recipe => ({ iv }) => sealPlaintext(keys, { ...scope, ...wrong }, iv, p)

/** A token with any tag: the rows that get the tag's input or key wrong. */
const tagged = (tag: (m: Material) => Uint8Array | Promise<Uint8Array>): Recipe => async (m) =>
  concat(bytes(1), m.iv, m.ciphertext, await tag(m))
const taggedOver = (input: (m: Material) => Uint8Array): Recipe =>
  tagged((m) => hmac(keys.authentication, input(m)))
const taggedWith = (wrong: Uint8Array, key = keys.authentication): Recipe =>
  tagged(({ iv, ciphertext }) => hmac(key, tagInput(wrong, iv, ciphertext)))
const usualInput = ({ iv, ciphertext }: Material) => tagInput(a, iv, ciphertext)

const spliced = (pick: (one: Material, other: Material) => Uint8Array[]): Recipe => async (one) => {
  const other = plaintext(usualTimes, text(usualJson.replace('alice', 'mayor')))
  return concat(bytes(1), ...pick(one, await material('the other cookie of a splice', other)))
}

/** The next letter of the alphabet in the place of the last one, whose last bits count for nothing. */
const withStrayBit = (recipe: Recipe): Recipe => async (m) => {
  const value = encode(await recipe(m) as Uint8Array)
  return value.slice(0, -1) + alphabet.charAt(alphabet.indexOf(value.slice(-1)) + 1)
}

const master = unhex(valid.keys[usual.key]!.master)
const ascii = valid.keys['string, ASCII']!.text!
const thinner = scrypt(text(ascii), text('seshcookie v1'), 2 ** 15, 8, 1, 32)
const decomposed = valid.keys['string, decomposed']!.text!
const endOfTime = 2 ** 48 - 1
const { created, issued } = usualTimes

/** Rows that differ in one value. */
const each = <T>(values: T[], row: (value: T) => [string, Recipe]) => Object.fromEntries(values.map(row))

const invalid: [reason: Reason, rows: Record<string, Recipe | [recipe: Recipe, settings: Partial<Settings>]>][] = [
  ['length', {
    'nothing': () => '',
    'one character': () => 'A',
    '107 characters': respelled((value) => value.slice(0, 107)),
    '107 characters of an authentic cookie, its P one byte short of a block': unpadded('{"a":"01"}'),
    'an authentic cookie without P': sealed(bytes()),
    'an authentic cookie of a lifetime, times and no JSON': unpadded(''),
    '4097 characters': respelled((value) => value.padEnd(4097, 'A')),
    '16000 characters': respelled((value) => value.padEnd(16000, 'A')),
    'an authentic cookie of 4119 characters': withJson(jsonOf(3019)),
  }],

  ['format', {
    // Spelling
    'one = at the end': respelled((value) => `${value}=`),
    'the padding of RFC 4648': respelled((value) => `${value}==`),
    'a dot for the last character': respelled((value) => `${value.slice(0, -1)}.`),
    'the alphabet of plain base64': async ({ iv }) => {
      const p = plaintext(usualTimes, text('{"a":"?????????????????????????????????"}'))
      for (let i = 0; ; i++) {
        const value = encode(await sealPlaintext(keys, scope, flip(iv, 0, i), p))
        if (/-/.test(value) && /_/.test(value)) return value.replaceAll('-', '+').replaceAll('_', '/')
      }
    },
    'a space in front': respelled((value) => ` ${value}`),
    'a space at the end': respelled((value) => `${value} `),
    'a space in the middle': respelled((value) => `${value.slice(0, 50)} ${value.slice(50)}`),
    'a tab at the end': respelled((value) => `${value}\t`),
    'a line feed in the middle': respelled((value) => `${value.slice(0, 64)}\n${value.slice(64)}`),
    'an exclamation mark in the middle': respelled((value) => `${value.slice(0, 50)}!${value.slice(50)}`),
    'a character that is not ASCII': respelled((value) => `${value.slice(0, -1)}\u00e9`),
    'a letter that folds to ASCII': respelled((value) => `\uff21${value.slice(1)}`),
    'U+0000 in place of a character': respelled((value) => `${value.slice(0, -1)}\u0000`),
    'a character in percent-encoding': respelled((value) => `%${hex(text(value.slice(0, 1)))}${value.slice(1)}`),
    'quotes around it': respelled((value) => `"${value}"`),
    'a comma at the end': respelled((value) => `${value},`),
    'a backslash at the end': respelled((value) => `${value}\\`),
    'a semicolon at the end': respelled((value) => `${value};`),
    'the last character gone': respelled((value) => value.slice(0, -1)),
    'a length that no bytes have': respelled((value) => value.slice(0, 109)),
    'one stray bit of two in the last character': withStrayBit(withJson(jsonOf(43))),
    'one stray bit of four in the last character': withStrayBit(withJson(jsonOf(75))),
    'the token in hex': ({ token }) => hex(token),
    'the token twice, base64url of base64url': respelled((value) => encode(text(value))),

    ...each([0, 2, 129, 255], (version) => [`version ${version}`, withVersion(version)]),

    // Other people's formats
    'JSON, not sealed at all': () => '{"user":"alice"}'.padEnd(120),
    'JSON in base64url': () => text(jsonOf(120)),
    'a JSON Web Signature of alg none': () => `${encode(text('{"alg":"none"}'))}.${encode(text(jsonOf(100)))}.`,
    'a Fernet token': ({ token }) => concat(bytes(0x80, 0, 0, 0, 0), token),
  }],

  ['tag', {
    // One field changed, all else as it was
    'the first bit of the IV': flipped(1, 0x80),
    'the last bit of the IV': flipped(16),
    'a bit of the persistence': flipped(17),
    'a bit of the time of creation': flipped(17 + 6),
    'a bit of the time of issue': flipped(17 + 12),
    'a bit of its own maxAge': flipped(17 + 16),
    'a bit of its own idleTimeout': flipped(17 + 20),
    'a bit of the JSON': flipped(17 + 21 + 9),
    'a bit of the padding': flipped(-33),
    'the first bit of the tag': flipped(-32, 0x80),
    'the last bit of the tag': flipped(-1),
    'a user renamed by the bits that differ': ({ token }) => {
      const at = 17 + Buffer.from(p).indexOf('alice')
      const difference = text('alice').map((byte, i) => byte ^ 'admin'.charCodeAt(i))
      return token.map((byte, i) => byte ^ (difference[i - at] ?? 0))
    },

    // The tag
    'a tag of zeros': tagged(() => new Uint8Array(32)),
    'a tag of ones': tagged(() => new Uint8Array(32).fill(255)),
    'a tag cut to 16 bytes': ({ token }) => token.subarray(0, -16),
    'a tag cut to 16 bytes and filled with zeros': ({ token }) => concat(token.subarray(0, -16), new Uint8Array(16)),
    'a tag with its halves swapped': tagged(({ token }) => concat(token.subarray(-16), token.subarray(-32, -16))),
    'no tag': ({ token }) => token.subarray(0, -32),
    'the tag in front': ({ token }) => concat(bytes(1), tagOf(token), token.subarray(1, -32)),

    // Cut and pasted
    'the last byte gone': ({ token }) => token.subarray(0, -1),
    'the first byte after the version gone': ({ token }) => concat(bytes(1), token.subarray(2)),
    'a block of the ciphertext gone, the tag kept': ({ token }) => concat(token.subarray(0, -64), tagOf(token)),
    'a block of the ciphertext twice': ({ token }) => concat(token.subarray(0, -32), token.subarray(-64)),
    'a zero byte at the end': ({ token }) => concat(token, bytes(0)),
    'three characters more at the end': ({ token }) => concat(token, bytes(0, 0, 0)),
    'the IV of another cookie': spliced((one, other) => [other.iv, one.ciphertext, tagOf(one.token)]),
    'the ciphertext of another cookie': spliced((one, other) => [one.iv, other.ciphertext, tagOf(one.token)]),
    'the tag of another cookie': spliced((one, other) => [one.iv, one.ciphertext, tagOf(other.token)]),
    'IV and ciphertext of another cookie': spliced((one, other) => [other.iv, other.ciphertext, tagOf(one.token)]),
    'two cookies, one after the other': ({ token }) => concat(token, token),

    // Issued for somebody else
    'another name': [asItIs, { cookieName: 'sessions' }],
    'the name in capitals': [asItIs, { cookieName: 'SESSION' }],
    'a prefixed name': [asItIs, { cookieName: '__Host-session' }],
    'a domain where there was none': [asItIs, { cookieDomain: 'shop.example' }],
    'no domain where there was one': sealedFor({ domain: 'shop.example' }),
    'a parent of the domain': [sealedFor({ domain: 'a.shop.example' }), { cookieDomain: 'shop.example' }],
    'another path': [asItIs, { cookiePath: '/app' }],
    'the path with a slash at its end': [sealedFor({ path: '/app' }), { cookiePath: '/app/' }],
    'a name that has the first letter of the path':
      [sealedFor({ name: 'sid/', path: 'app' }), { cookieName: 'sid', cookiePath: '/app' }],
    'a domain that has the last letters of the name':
      [sealedFor({ name: 'sid', domain: 'ab.example' }), { cookieName: 'sida', cookieDomain: 'b.example' }],
    'a path in the place of the domain': sealedFor({ domain: '/', path: '' }),
    'not partitioned where it is': [asItIs, { partitioned: true }],
    'partitioned where it is not': sealedFor({ partitioned: true }),
    'a path that ends in the byte of the partition': [sealedFor({ path: '/\u0001' }), { partitioned: true }],
    // One stream of bytes, cut elsewhere: only the length at the end of the tag's input tells the two apart.
    'the first bytes of A moved into the IV': taggedOver(({ iv, ciphertext }) =>
      tagInput(concat(a, iv.subarray(0, 1)), concat(iv.subarray(1), ciphertext), bytes())),

    // Other keys
    'another key': [asItIs, { key: 'bytes 32, other' }],
    'a longer key that begins with the key': [asItIs, { key: 'bytes 64' }],
    'another authentication key': taggedWith(a, otherKeys.authentication),
    'the two keys swapped': sealedUnder({ encryption: keys.authentication, authentication: keys.encryption }),
    'the encryption key for both': taggedWith(a, keys.encryption),
    'the master key for both': sealedUnder({ encryption: master, authentication: master }),
    'keys derived with the salt of the string keys': sealedUnder(deriveKeys(master, text('seshcookie v1'))),
    'a string key taken as its bytes': [sealedUnder(deriveKeys(text(ascii))), { key: 'string, ASCII' }],
    'a string key through scrypt with p = 1': [sealedUnder(deriveKeys(thinner)), { key: 'string, ASCII' }],
    'a string key normalised':
      [sealedUnder(deriveKeys(masterOf(decomposed.normalize()))), { key: 'string, decomposed' }],

    // Other tags that a sealer with the right keys could compute
    'a tag without A': taggedWith(bytes()),
    'a tag without the IV': taggedOver(({ ciphertext }) => tagInput(a, bytes(), ciphertext)),
    'a tag without the length of A': taggedOver(({ iv, ciphertext }) => concat(a, iv, ciphertext)),
    'a tag with the length of A in bytes':
      taggedOver(({ iv, ciphertext }) => concat(a, iv, ciphertext, bigEndian(a.length, 8))),
    'a tag with the length of A in little-endian order':
      taggedOver(({ iv, ciphertext }) => concat(a, iv, ciphertext, bigEndian(8 * a.length, 8).reverse())),
    'a tag over P': taggedOver(({ iv }) => tagInput(a, iv, p)),
    'a tag whose A has no lengths': taggedWith(text('\u0001session/')),
    'a tag whose A has no partition': taggedWith(a.subarray(0, -1)),
    'a tag whose A has a partition of 2': taggedWith(flip(a, -1, 2)),
    'a tag whose A has no version': taggedWith(a.subarray(1)),
    'half of an HMAC-SHA512':
      tagged(async (m) => (await hmac(keys.authentication, usualInput(m), 'SHA-512')).subarray(0, 32)),
    'a SHA-256 without a key': tagged((m) => createHash('sha256').update(usualInput(m)).digest()),
    'an HMAC-SHA256 with an empty key': tagged((m) => createHmac('sha256', '').update(usualInput(m)).digest()),
  }],

  ['expired', {
    'created and issued at 0': withTimes(0, 0),
    'created at 0, issued just now': withTimes(0, issued),
    'exactly maxAge old': withTimes(now - maxAge, now - maxAge),
    'exactly maxAge old, issued now': withTimes(now - maxAge, now),
    'a second more than maxAge old': withTimes(now - maxAge - 1, now - 10),
    'older than a maxAge that was shortened since': [asItIs, { maxAge: 3600 }],
    'created after it was issued': withTimes(issued + 1, issued),
    'issued 61 seconds in the future': withTimes(created, now + 61),
    'created and issued 61 seconds in the future': withTimes(now + 61, now + 61),
    'created in the future, issued now': withTimes(now + 61, now),
    'created and issued at the end of time': withTimes(endOfTime, endOfTime),
    'issued at the end of time': withTimes(created, endOfTime),
    'created at the end of time': withTimes(endOfTime, issued),
    'times in milliseconds': withTimes(created * 1000, issued * 1000),
    'a time that 32 bits would cut to now': withTimes(created + 2 ** 32, issued + 2 ** 32),
    'a time that is negative when 32 bits are signed': withTimes(2 ** 31, 2 ** 31),
    'exactly idleTimeout after it was issued': [withTimes(now - 5000, now - 1800), { idleTimeout: 1800 }],
    'expired, and no JSON either': withTimes(0, 0, {}, 'no JSON'),
    'exactly as old as its own maxAge': withTimes(now - 1800, now, { maxAge: 1800 }),
    'older than its own maxAge, persistent': withTimes(now - 1801, now - 1, { persistence: 1, maxAge: 1800 }),
    'exactly as old as the setting, with a longer maxAge of its own':
      withTimes(now - maxAge, now, { maxAge: 34_560_000 }),
    'older than a setting that was lowered since, with a maxAge of its own':
      [withLifetime({ maxAge: 7200 }), { maxAge: 3600 }],
    'its own idleTimeout after it was issued': withTimes(now - 5000, now - 900, { idleTimeout: 900 }),
    'its own idleTimeout after it was issued, though the setting is longer':
      [withTimes(now - 5000, now - 900, { idleTimeout: 900 }), { idleTimeout: 1800 }],
    'the setting\'s idleTimeout after it was issued, though its own is longer':
      [withTimes(now - 5000, now - 1800, { idleTimeout: 3600 }), { idleTimeout: 1800 }],
  }],

  ['format', {
    // A lifetime, which is looked at before the times
    ...each([3, 128, 255], (persistence) => [`a persistence of ${persistence}`, withLifetime({ persistence })]),
    'a maxAge of its own of 400 days and a second': withLifetime({ maxAge: 34_560_001 }),
    'a maxAge of its own of 2^31': withLifetime({ maxAge: 2 ** 31 }),
    'a maxAge of its own of 2^32 - 1': withLifetime({ maxAge: 2 ** 32 - 1 }),
    'an idleTimeout of its own of 400 days and a second': withLifetime({ idleTimeout: 34_560_001 }),
    'an idleTimeout of its own of 2^31': withLifetime({ idleTimeout: 2 ** 31 }),
    'an idleTimeout of its own of 2^32 - 1': withLifetime({ idleTimeout: 2 ** 32 - 1 }),
    'a persistence of 3, and expired': withTimes(0, 0, { persistence: 3 }),
    'a maxAge of its own that is too long, and expired': withTimes(0, 0, { maxAge: 34_560_001 }),

    // Padding
    'P of 33 bytes': unpadded('{"a":"0123"}'),
    'P of 48 bytes': unpadded(jsonOf(27)),
    'P of 63 bytes': unpadded(jsonOf(42)),
    'P of 65 bytes, the last one a space': unpadded(`${jsonOf(43)} `),
    'padding of zero bytes': unpadded('{"a":1}', 0, 0, 0, 0),
    'padding of the kind of PKCS #7': unpadded('{"a":12}', 3, 3, 3),
    'padding of no-break spaces': unpadded('{"a":1}\u00a0\u00a0'),
    'nothing but padding': withJson(''),

    // JSON
    ...each(['null', 'true', '1'], (json) => [`root ${json}`, withJson(json)]),
    'root a string': withJson('"s"'),
    'root a string that holds JSON': withJson('"{\\"a\\":1}"'),
    'root an empty array': withJson('[]'),
    'root an array of an object': withJson('[{"a":1}]'),
    'cut JSON': withJson('{"a":1'),
    'JSON and one brace more': withJson('{"a":1}}'),
    'two objects': withJson('{"a":1} {"b":2}'),
    'JSON after other text': withJson(')]}\',{"a":1}'),
    'a comma too many': withJson('{"a":1,}'),
    'single quotes': withJson("{'a':1}"),
    'a key without quotes': withJson('{a:1}'),
    'a comment': withJson('{"a":1/**/}'),
    'NaN': withJson('{"a":NaN}'),
    'undefined': withJson('{"a":undefined}'),
    'a number with a zero in front': withJson('{"a":01}'),
    'a hexadecimal number': withJson('{"a":0x1}'),
    'a line feed within a string': withJson('{"a":"\n"}'),
    'U+0000 within a string, as it is': withJson('{"a":"\u0000"}'),
    'a byte order mark in front': withJson('\ufeff{"a":1}'),
    'a byte order mark at the end': withJson('{"a":1}\ufeff'),
    'UTF-16': withJson(new Uint8Array(Buffer.from('{"a":1}', 'utf16le'))),
    'Latin-1': inString(0xe9),
    'UTF-8: a byte that never occurs': inString(0xff),
    'UTF-8: a continuation without a start': inString(0x80),
    'UTF-8: a character cut short': inString(0xe2, 0x82),
    'UTF-8: an overlong slash': inString(0xc0, 0xaf),
    'UTF-8: an overlong U+0000': inString(0xc0, 0x80),
    'UTF-8: an overlong of three bytes': inString(0xe0, 0x80, 0xaf),
    'UTF-8: a surrogate': inString(0xed, 0xa0, 0x80),
    'UTF-8: a surrogate pair, as in CESU-8': inString(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80),
    'UTF-8: past U+10FFFF': inString(0xf4, 0x90, 0x80, 0x80),
    'UTF-8: cut short by the end of P': unpadded('{"a":"01"}', 0xc3),
    'a key __proto__': withJson('{"__proto__":{"admin":true}}'),
    'a key __proto__ whose value is null': withJson('{"__proto__":null}'),
    'a key __proto__ whose value is a number': withJson('{"a":1,"__proto__":1}'),
    'a key __proto__, one letter escaped': withJson('{"\\u005f_proto__":{"admin":true}}'),
    'a key __proto__, all letters escaped':
      withJson(`{"${[...'__proto__'].map((c) => `\\u${hex(bigEndian(c.charCodeAt(0), 2))}`).join('')}":{}}`),
    'a key __proto__, an escape in capitals': withJson('{"\\u005F\\u005Fproto__":{}}'),
    'a key __proto__ in an object': withJson('{"a":{"b":{"__proto__":{"admin":true}}}}'),
    'a key __proto__ in an array': withJson('{"a":[1,[{"__proto__":[]}]]}'),
    'a key __proto__ after its text as a value': withJson('{"a":"__proto__","b":{"__proto__":1}}'),
  }],
]

const invalidCookies = invalid.flatMap(([reason, rows]) =>
  Object.entries(rows).map(async ([name, row]): Promise<InvalidVector> => {
    const [recipe, settings] = Array.isArray(row) ? row : [row]
    const made = await recipe(await material(name))
    const cookie = typeof made === 'string' ? made : encode(made)
    return { name, ...usual, ...settings, cookie, reason, code: codes[reason] }
  }))

/** What each file has to hold: one cookie a line, and ASCII only, so that no editor changes a character. */
export async function files(): Promise<Record<string, string>> {
  const { about, keys } = valid
  const others = await Promise.all(invalidCookies)
  const usedKeys = Object.fromEntries(others.map(({ key }) => [key, keys[key]]))
  return {
    'v1.json': stringify(about, keys, await Promise.all(valid.cookies.map(completed))),
    'v1-invalid.json': stringify(about.replace('Valid', 'Invalid'), usedKeys, others),
  }
}

function stringify(about: string, keys: object, cookies: object[]): string {
  const row = (value: unknown) => JSON.stringify(value)
    .replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const keyRows = Object.entries(keys).map(([name, key]) => `    ${row(name)}: ${row(key)}`).join(',\n')
  const cookieRows = cookies.map((cookie) => `    ${row(cookie)}`).join(',\n')
  return `{\n  "about": ${row(about)},\n  "keys": {\n${keyRows}\n  },\n  "cookies": [\n${cookieRows}\n  ]\n}\n`
}

/**
 * The cookie format a second time, written from its description alone and with nothing from lib/: WebCrypto where the
 * library uses node:crypto's classes, asynchronous, slow, and with every step apart, so that a test can also seal
 * what no honest sealer would. What one implementation seals the other has to open.
 *
 * Cookie value = base64url, no padding, of
 *
 *     offset  bytes  field
 *     0       1      version, 01
 *     1       16     IV
 *     17      n      AES-256-CTR(encryption key, IV, P)
 *     17 + n  32     HMAC-SHA256(authentication key, A || IV || ciphertext || u64be(8 * length of A))
 *
 *     P = u8(persistence) || u48be(created) || u48be(issued) || u32be(maxAge) || u32be(idleTimeout) || JSON
 *         || spaces up to a multiple of 32 bytes
 *     A = 01 || u16be(length) || name || u16be(length) || domain || u16be(length) || path || u8(partitioned)
 */
import { KeyObject, scryptSync, webcrypto } from 'node:crypto'

export type Scope = { name: string, domain: string, path: string, partitioned: boolean }
/** The clock and the settings that a cookie is opened with. */
export type Limits = { now: number, maxAge: number, idleTimeout?: number | undefined }
/** The session's own lifetime: 0 as the settings say, 1 persistent, 2 until the browser closes; seconds, 0 for none. */
export type Lifetime = { persistence: number, maxAge: number, idleTimeout: number }
export type Times = { created: number, issued: number, lifetime: Lifetime }
export type Keys = { encryption: Uint8Array, authentication: Uint8Array }
export type Opened = Times & { expiresAt: number, json: string, session: Record<string, unknown> }
export type Reason = 'length' | 'format' | 'tag' | 'expired'

/** The `code` the library's error has for each reason. */
export const codes: Record<Reason, string> = {
  length: 'ERR_SESHCOOKIE_LEN',
  format: 'ERR_SESHCOOKIE_FORMAT',
  tag: 'ERR_SESHCOOKIE_HASH',
  expired: 'ERR_SESHCOOKIE_EXPIRED',
}

export class Refused extends Error {
  readonly reason: Reason

  constructor(reason: Reason, detail: string) {
    super(`${reason}: ${detail}`)
    this.reason = reason
  }
}

export const noLifetime: Lifetime = { persistence: 0, maxAge: 0, idleTimeout: 0 }

const { subtle } = webcrypto
const utf8 = new TextEncoder()

export const hex = (data: ArrayBuffer | Uint8Array): string => Buffer.from(data as Uint8Array).toString('hex')
export const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Big-endian, without Buffer's helpers; BigInt, so that 48 and 64 bits need no care. */
export function bigEndian(value: number | bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let rest = BigInt(value)
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 255n)
    rest >>= 8n
  }
  return bytes
}

function readBigEndian(bytes: Uint8Array): number {
  let value = 0n
  for (const byte of bytes) value = value << 8n | BigInt(byte)
  return Number(value)
}

// Primitives, each a plain function of bytes, so that the official vectors can be run through them.

export async function hkdf(key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Promise<Uint8Array> {
  const imported = await subtle.importKey('raw', key, 'HKDF', false, ['deriveBits'])
  return new Uint8Array(await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, imported, 8 * length))
}

export async function hmac(key: Uint8Array, data: Uint8Array, hash = 'SHA-256'): Promise<Uint8Array> {
  const imported = await subtle.importKey('raw', key, { name: 'HMAC', hash }, false, ['sign'])
  return new Uint8Array(await subtle.sign('HMAC', imported, data))
}

/** The whole block is the counter, as in SP 800-38A; encrypts and decrypts. */
export async function ctr(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const imported = await subtle.importKey('raw', key, 'AES-CTR', false, ['encrypt'])
  return new Uint8Array(await subtle.encrypt({ name: 'AES-CTR', counter: iv, length: 128 }, imported, data))
}

/** WebCrypto has no scrypt, so this one primitive is node:crypto's here too. */
export function scrypt(password: Uint8Array, salt: Uint8Array, N: number, r: number, p: number, length: number) {
  return new Uint8Array(scryptSync(password, salt, length, { N, r, p, maxmem: 256 * N * r + 1024 * r * p }))
}

// Keys

export function masterOf(key: string | Uint8Array | KeyObject): Uint8Array {
  if (typeof key === 'string') return scrypt(utf8.encode(key), utf8.encode('seshcookie v1'), 2 ** 15, 8, 3, 32)
  return key instanceof KeyObject ? new Uint8Array(key.export()) : key
}

/** The keys have no salt; what has one is for tests of that. */
export async function deriveKeys(master: Uint8Array, salt = new Uint8Array()): Promise<Keys> {
  return {
    encryption: await hkdf(master, salt, utf8.encode('seshcookie v1 encryption'), 32),
    authentication: await hkdf(master, salt, utf8.encode('seshcookie v1 authentication'), 32),
  }
}

// Sealing

export function associatedData({ name, domain, path, partitioned }: Scope): Uint8Array {
  const fields = [name, domain, path].map((field) => utf8.encode(field))
  return concat(
    Uint8Array.of(1), ...fields.flatMap((field) => [bigEndian(field.length, 2), field]),
    Uint8Array.of(partitioned ? 1 : 0))
}

/** What P holds before the JSON, 21 bytes. */
export function headOf({ created, issued, lifetime: { persistence, maxAge, idleTimeout } }: Times): Uint8Array {
  return concat(
    bigEndian(persistence, 1), bigEndian(created, 6), bigEndian(issued, 6), bigEndian(maxAge, 4),
    bigEndian(idleTimeout, 4))
}

export function plaintext(times: Times, json: Uint8Array): Uint8Array {
  const head = headOf(times)
  const padding = new Uint8Array((32 - (head.length + json.length) % 32) % 32).fill(0x20)
  return concat(head, json, padding)
}

/** What the tag is computed over: the input of RFC 7518 section 5.2.2.1, whatever the hash. */
export function tagInput(a: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return concat(a, iv, ciphertext, bigEndian(8 * a.length, 8))
}

/** Seals any bytes as P, padded or not, sense or nonsense: the tag will match. */
export async function sealPlaintext(keys: Keys, scope: Scope, iv: Uint8Array, p: Uint8Array): Promise<Uint8Array> {
  const ciphertext = await ctr(keys.encryption, iv, p)
  const tag = await hmac(keys.authentication, tagInput(associatedData(scope), iv, ciphertext))
  return concat(Uint8Array.of(1), iv, ciphertext, tag)
}

export async function seal(
  keys: Keys, scope: Scope, iv: Uint8Array, times: Times, json: string | Uint8Array,
): Promise<string> {
  const bytes = typeof json === 'string' ? utf8.encode(json) : json
  return encode(await sealPlaintext(keys, scope, iv, plaintext(times, bytes)))
}

// Opening

const checks = {
  shortest: 108, // characters: 1 + 16 + 32 + 32 bytes
  longest: 4096, // characters
  skew: 60, // seconds another machine's clock may be ahead
  longestLife: 34_560_000, // seconds, 400 days
}

export async function open(keys: Keys, scope: Scope, value: string, limits: Limits): Promise<Opened> {
  if (value.length < checks.shortest || value.length > checks.longest) {
    throw new Refused('length', `${value.length} characters`)
  }
  const token = decode(value)
  if (token[0] !== 1) throw new Refused('format', `version ${token[0]}`)

  const iv = token.subarray(1, 17)
  const ciphertext = token.subarray(17, token.length - 32)
  const tag = token.subarray(token.length - 32)
  const expected = await hmac(keys.authentication, tagInput(associatedData(scope), iv, ciphertext))
  // Not in constant time: this code never meets an attacker.
  if (expected.some((byte, i) => byte !== tag[i])) throw new Refused('tag', 'it differs')

  const p = await ctr(keys.encryption, iv, ciphertext)
  if (p.length % 32 !== 0) throw new Refused('format', `P of ${p.length} bytes`)

  const persistence = readBigEndian(p.subarray(0, 1))
  const created = readBigEndian(p.subarray(1, 7))
  const issued = readBigEndian(p.subarray(7, 13))
  const [ownMaxAge, ownIdleTimeout] = [readBigEndian(p.subarray(13, 17)), readBigEndian(p.subarray(17, 21))]
  if (persistence > 2) throw new Refused('format', `persistence ${persistence}`)
  for (const own of [ownMaxAge, ownIdleTimeout]) {
    if (own > checks.longestLife) throw new Refused('format', `a lifetime of ${own} s`)
  }

  // The session ends when the first of the setting's and its own ends.
  const { now } = limits
  const maxAge = ownMaxAge === 0 ? limits.maxAge : Math.min(limits.maxAge, ownMaxAge)
  const idle = limits.idleTimeout ?? Infinity
  const idleTimeout = ownIdleTimeout === 0 ? idle : Math.min(idle, ownIdleTimeout)
  if (created > issued) throw new Refused('expired', 'issued before it was created')
  if (issued > now + checks.skew) throw new Refused('expired', 'issued in the future')
  if (now - created >= maxAge) throw new Refused('expired', `created ${now - created} s ago`)
  if (now - issued >= idleTimeout) throw new Refused('expired', `issued ${now - issued} s ago`)

  const { json, session } = readJson(p.subarray(21))
  const lifetime = { persistence, maxAge: ownMaxAge, idleTimeout: ownIdleTimeout }
  return { created, issued, lifetime, expiresAt: Math.min(created + maxAge, issued + idleTimeout), json, session }
}

function readJson(bytes: Uint8Array): { json: string, session: Record<string, unknown> } {
  let json: string
  let root: unknown
  try {
    // ignoreBOM keeps a BOM in the text, where JSON.parse refuses it.
    json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Refused('format', 'not UTF-8')
  }
  try {
    root = JSON.parse(json)
  } catch {
    throw new Refused('format', 'not JSON')
  }
  if (typeof root !== 'object' || root === null || Array.isArray(root)) throw new Refused('format', 'not an object')
  if (hasProtoKey(root)) throw new Refused('format', 'a key __proto__')
  return { json, session: root as Record<string, unknown> }
}

/** JSON.parse makes `__proto__` an own property, however it was spelled, so own properties are all there is to ask. */
function hasProtoKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProtoKey)
}

// base64url (RFC 4648 section 5), without Buffer, so that its lenience cannot leak in

export const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

export function encode(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0 // how many of the bits are not written yet
  for (const byte of bytes) {
    bits = bits << 8 | byte
    held += 8
    while (held >= 6) {
      held -= 6
      text += alphabet.charAt(bits >> held & 63)
    }
    bits &= (1 << held) - 1
  }
  return held === 0 ? text : text + alphabet.charAt(bits << 6 - held & 63)
}

export function decode(text: string): Uint8Array {
  if (text.length % 4 === 1) throw new Refused('format', `no bytes have ${text.length} characters`)
  const bytes = new Uint8Array(Math.floor(text.length * 3 / 4))
  let bits = 0
  let held = 0
  let at = 0
  for (const character of text) {
    const value = alphabet.indexOf(character)
    if (value === -1) throw new Refused('format', 'not in the alphabet')
    bits = bits << 6 | value
    held += 6
    if (held >= 8) {
      held -= 8
      bytes[at++] = bits >> held
      bits &= (1 << held) - 1
    }
  }
  if (bits !== 0) throw new Refused('format', 'stray bits in the last character')
  return bytes
}

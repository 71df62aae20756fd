import { randomFillSync, timingSafeEqual } from 'node:crypto'
import { isUtf8 } from 'node:buffer'
import { Hmac, padLength, tagLength } from './hmac.js'
import type { DerivedKeys } from './keys.js'
import { Keystream } from './keystream.js'
import { maxSeconds, noLifetime, persistence, type Lifetime, type Times } from './lifetime.js'

/*
 * Cookie format, version 1. The value is base64url without padding (RFC 4648 §5), canonical, of
 *
 *   offset   bytes   field
 *        0       1   version, 01
 *        1      16   IV, random for every write
 *       17       n   AES-256-CTR(encryption key, IV, P), n = length of P
 *   17 + n      32   tag = HMAC-SHA256(authentication key, A ‖ IV ‖ ciphertext ‖ u64be(8 · length of A))
 *
 *   P = u8(persistence) ‖ u48be(created) ‖ u48be(issued) ‖ u32be(maxAge) ‖ u32be(idleTimeout) ‖ JSON in UTF-8
 *       ‖ spaces up to a multiple of 32 bytes
 *   A = 01 ‖ u16be(length of name) ‖ name ‖ u16be(length of domain) ‖ domain ‖ u16be(length of path) ‖ path
 *       ‖ u8(1 if partitioned, else 0)
 *
 * persistence is 0 as the setting says, 1 persistent, 2 until the browser closes; maxAge and idleTimeout are the
 * session's own in seconds, 0 for none. A, the associated data, is not sent: a cookie opens only under the name,
 * domain, path and partition it was issued for. The tag's input is that of RFC 7518 §5.2.2.1, so no two different
 * (A, IV ‖ ciphertext) make the same one.
 */
const version = 1
const ivLength = 16 // bytes, one AES block
const headLength = 21 // bytes of P before the JSON
const padTo = 32 // bytes; hides the exact length of the JSON
const suffixLength = 8 // bytes, the length of A in bits
const minValueLength = 108 // characters: 81 bytes, a P of 32
const maxValueLength = 4096 // characters; no browser keeps more (RFC 6265bis §5.7)
const poolLength = 256 * ivLength // bytes; one call into the CSPRNG for 256 IVs costs about as much as for one
const wordLength = 4 // bytes

/** What a cookie holds. */
export interface Contents extends Times {
  /** The value in a string of its own, since a slice would keep the whole Cookie header alive. */
  readonly value: string
  /** The JSON; undefined where it is no UTF-8. */
  readonly text: string | undefined
  /** The index of the key that opens it. */
  readonly keyIndex: number
}

/** Parts of the scratch buffers, as long as a P of some length makes them. */
interface Views {
  /** Room for the inner pad of HMAC, then A ‖ IV ‖ ciphertext ‖ suffix. */
  readonly tagInput: Buffer
  /** P in 32-bit words. */
  readonly plain: Uint32Array
  /** The ciphertext in 32-bit words. */
  readonly ciphertext: Uint32Array
}

/** Bytes of P for a JSON text of so many bytes. */
function plainLength(textLength: number): number {
  return Math.ceil((headLength + textLength) / padTo) * padTo
}

/** Characters of the value that holds a JSON text of so many bytes. */
export function valueLength(textLength: number): number {
  return Math.ceil((1 + ivLength + plainLength(textLength) + tagLength) * 8 / 6)
}

/** A: the name, domain, path and partition that a cookie is bound to. All are ASCII by their grammar. */
export function associatedData(name: string, domain: string, path: string, partitioned: boolean): Buffer {
  const part = (text: string) => [Buffer.from([text.length >> 8, text.length]), Buffer.from(text, 'latin1')]
  return Buffer.concat(
    [Buffer.from([version]), ...part(name), ...part(domain), ...part(path), Buffer.from([partitioned ? 1 : 0])])
}

/** Adds `mask` to `words`, bit by bit. */
function xor(words: Uint32Array, mask: Uint32Array): void {
  for (let index = 0; index < words.length; index++) words[index]! ^= mask[index]!
}

/** Seals and opens the values of one cookie: one name, domain, path and partition, and 1 to 8 keys. */
export class Codec {
  readonly #keystreams: readonly Keystream[]
  readonly #hmacs: readonly Hmac[]
  readonly #suffix = Buffer.alloc(suffixLength)
  readonly #plain = Buffer.allocUnsafeSlow(maxValueLength)
  readonly #tag = Buffer.allocUnsafeSlow(tagLength)
  readonly #expected = Buffer.allocUnsafeSlow(tagLength)
  readonly #pool = Buffer.allocUnsafeSlow(poolLength)
  #pooled = 0 // bytes of the pool not yet used
  readonly #iv: Buffer
  readonly #views = new Map<number, Views>() // by length of P

  // The tag's input lies here: A ‖ IV ‖ ciphertext ‖ suffix, after room for HMAC's inner pad, and at such an offset
  // that the ciphertext begins at a word. The value is the same bytes from A's last one on, with the version in its
  // place and the tag in the suffix's.
  readonly #bytes: Buffer
  readonly #tagInputStart: number
  readonly #valueStart: number
  readonly #lastOfA: number
  readonly #ciphertextStart: number

  constructor(keys: readonly DerivedKeys[], a: Buffer) {
    this.#keystreams = keys.map(({ encryption }) => new Keystream(encryption))
    this.#hmacs = keys.map(({ authentication }) => new Hmac(authentication))
    const aEnd = Math.ceil((padLength + a.length) / wordLength) * wordLength
    this.#bytes = Buffer.allocUnsafeSlow(aEnd + maxValueLength)
    this.#bytes.set(a, aEnd - a.length)
    this.#tagInputStart = aEnd - a.length - padLength
    this.#valueStart = aEnd - 1
    this.#lastOfA = a[a.length - 1]!
    this.#ciphertextStart = aEnd + ivLength
    this.#iv = this.#bytes.subarray(aEnd, this.#ciphertextStart)
    this.#suffix.writeUInt32BE(8 * a.length, suffixLength - 4)
  }

  /** The value that holds `text`. Its length must be looked at before: it has to be at most 4096 characters. */
  seal(text: string, { created, issued, lifetime }: Times): string {
    const bytes = this.#bytes

    // 1. P: the lifetime and times, JSON, spaces.
    const plain = this.#plain
    plain[0] = lifetime.persistence
    plain.writeUIntBE(created, 1, 6)
    plain.writeUIntBE(issued, 7, 6)
    plain.writeUInt32BE(lifetime.maxAge, 13)
    plain.writeUInt32BE(lifetime.idleTimeout, 17)
    const textEnd = headLength + plain.write(text, headLength)
    const length = plainLength(textEnd - headLength)
    plain.fill(0x20, textEnd, length)
    const tagStart = this.#ciphertextStart + length
    const views = this.#viewsFor(length)

    // 2. A fresh IV, and the ciphertext: the keystream is put in its place, and P is added to it there.
    this.#takeIv()
    this.#keystreams[0]!.for(this.#iv, length).copy(bytes, this.#ciphertextStart)
    xor(views.ciphertext, views.plain)

    // 3. The tag over A, IV, ciphertext and the length of A.
    bytes[this.#valueStart] = this.#lastOfA
    bytes.set(this.#suffix, tagStart)
    const tag = this.#hmacs[0]!.tag(views.tagInput)

    // 4. Version, IV, ciphertext, tag, in base64url.
    bytes[this.#valueStart] = version
    bytes.write(tag, tagStart, 'latin1')
    return bytes.toString('base64url', this.#valueStart, tagStart + tagLength)
  }

  /** What an authentic `value` holds, or why it is refused. Nothing is decrypted before its tag has matched. */
  open(value: string): Contents | 'length' | 'format' | 'tag' {
    if (value.length < minValueLength || value.length > maxValueLength) return 'length'
    const bytes = this.#bytes

    // 4. Version, IV, ciphertext, tag. Node's decoder skips what is not base64url; the way back shows it.
    const end = this.#valueStart + bytes.write(value, this.#valueStart, 'base64url')
    const canonical = bytes.toString('base64url', this.#valueStart, end)
    if (canonical !== value || bytes[this.#valueStart] !== version) return 'format'
    const tagStart = end - tagLength
    const length = tagStart - this.#ciphertextStart

    // 3. The tag under each key.
    bytes.copy(this.#tag, 0, tagStart, end)
    bytes[this.#valueStart] = this.#lastOfA
    bytes.set(this.#suffix, tagStart)
    const keyIndex = this.#findKey(this.#tagInput(length))
    if (keyIndex === -1) return 'tag'
    if (length % padTo !== 0) return 'format'

    // 2. Decryption: the keystream is put where P is to be, and the ciphertext is added to it there.
    const plain = this.#plain
    const views = this.#viewsFor(length)
    this.#keystreams[keyIndex]!.for(this.#iv, length).copy(plain)
    xor(views.plain, views.ciphertext)

    // 1. The lifetime and times, and the JSON, less the spaces.
    const lifetime = readLifetime(plain)
    if (lifetime === undefined) return 'format'
    let textEnd = length
    while (textEnd > headLength && plain[textEnd - 1] === 0x20) textEnd--
    const text = plain.toString('utf8', headLength, textEnd)
    // What is no UTF-8 becomes U+FFFD, which only then is worth a look at the bytes.
    const isText = !text.includes('\ufffd') || isUtf8(plain.subarray(headLength, textEnd))
    return {
      value: canonical,
      text: isText ? text : undefined,
      created: plain.readUIntBE(1, 6),
      issued: plain.readUIntBE(7, 6),
      lifetime,
      keyIndex,
    }
  }

  /** The index of the key under which `input` has the tag that was read, or -1. */
  #findKey(input: Buffer): number {
    for (let index = 0; index < this.#hmacs.length; index++) {
      this.#expected.write(this.#hmacs[index]!.tag(input), 'latin1')
      if (timingSafeEqual(this.#expected, this.#tag)) return index
    }
    return -1
  }

  /** Puts 16 bytes of the pool into the IV's place. */
  #takeIv(): void {
    if (this.#pooled === 0) {
      randomFillSync(this.#pool)
      this.#pooled = poolLength
    }
    this.#pooled -= ivLength
    this.#pool.copy(this.#iv, 0, this.#pooled, this.#pooled + ivLength)
  }

  /** Views are cached by padded length: making them for each call costs about 10 %. */
  #viewsFor(length: number): Views {
    const cached = this.#views.get(length)
    if (cached !== undefined) return cached
    const words = length / wordLength
    const views = {
      tagInput: this.#tagInput(length),
      plain: new Uint32Array(this.#plain.buffer, 0, words),
      ciphertext: new Uint32Array(this.#bytes.buffer, this.#ciphertextStart, words),
    }
    this.#views.set(length, views)
    return views
  }

  /** A length that no P has makes a view of its own: an attacker chooses it, and would fill the cache. */
  #tagInput(length: number): Buffer {
    return this.#views.get(length)?.tagInput ??
      this.#bytes.subarray(this.#tagInputStart, this.#ciphertextStart + length + suffixLength)
  }
}

/** The lifetime in P, or undefined where a number is out of range. */
function readLifetime(plain: Buffer): Lifetime | undefined {
  const lifetime = { persistence: plain[0]!, maxAge: plain.readUInt32BE(13), idleTimeout: plain.readUInt32BE(17) }
  if (lifetime.persistence > persistence.untilClose) return undefined
  if (lifetime.maxAge > maxSeconds || lifetime.idleTimeout > maxSeconds) return undefined
  const hasNone = lifetime.persistence === noLifetime.persistence && lifetime.maxAge + lifetime.idleTimeout === 0
  return hasNone ? noLifetime : lifetime
}

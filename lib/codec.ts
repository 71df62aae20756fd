import { createCipheriv, createDecipheriv, createHmac, randomFillSync, timingSafeEqual, type KeyObject }
  from 'node:crypto'
import { isUtf8 } from 'node:buffer'
import type { DerivedKeys } from './keys.js'

/*
 * Cookie format, version 1. The value is base64url without padding (RFC 4648 §5), canonical, of
 *
 *   offset   bytes   field
 *        0       1   version, 01
 *        1      16   IV, random for every write
 *       17       n   AES-256-CTR(encryption key, IV, P), n = length of P
 *   17 + n      32   tag = HMAC-SHA256(authentication key, A ‖ IV ‖ ciphertext ‖ u64be(8 · length of A))
 *
 *   P = u48be(created) ‖ u48be(issued) ‖ JSON in UTF-8 ‖ spaces up to a multiple of 32 bytes
 *   A = 01 ‖ u16be(length of name) ‖ name ‖ u16be(length of domain) ‖ domain ‖ u16be(length of path) ‖ path
 *
 * A is not sent. It binds the cookie to what it was issued for. The tag's input is that of RFC 7518 §5.2.2.1, so no
 * two different (A, IV ‖ ciphertext) make the same one.
 */
const version = 1
const ivLength = 16 // bytes, one AES block
const timesLength = 12 // bytes, two times of 48 bits
const padTo = 32 // bytes; hides the exact length of the JSON
const tagLength = 32 // bytes, all of SHA-256
const suffixLength = 8 // bytes, the length of A in bits
const minValueLength = 108 // characters: 81 bytes, a P of 32
const maxValueLength = 4096 // characters; no browser keeps more (RFC 6265bis §5.7)
const poolLength = 256 * ivLength // bytes; one call into the CSPRNG for 256 IVs costs about as much as for one

/** What a cookie holds. Times are in Unix seconds. */
export interface Contents {
  /** The JSON. */
  readonly text: string
  /** It is known to be spelled as JSON.stringify does, since we sealed it or somebody looked. */
  ours: boolean
  readonly created: number
  readonly issued: number
  /** The index of the key that opens it. */
  readonly keyIndex: number
}

/** What an authentic value holds, as far as its JSON has not been looked at. */
export interface Opened {
  /** The value in a string of its own: a slice would keep the whole Cookie header alive. */
  readonly value: string
  /** Undefined where it is no UTF-8. */
  readonly text: string | undefined
  readonly created: number
  readonly issued: number
  readonly keyIndex: number
}

/** Parts of the scratch buffers, as long as a P of some length makes them. */
interface Views {
  readonly plain: Buffer
  readonly ciphertext: Buffer
  /** A ‖ IV ‖ ciphertext ‖ suffix. */
  readonly tagInput: Buffer
}

/** Bytes of P for a JSON text of so many bytes. */
function plainLength(textLength: number): number {
  return Math.ceil((timesLength + textLength) / padTo) * padTo
}

/** Characters of the value that holds a JSON text of so many bytes. */
export function valueLength(textLength: number): number {
  return Math.ceil((1 + ivLength + plainLength(textLength) + tagLength) * 8 / 6)
}

/** A: the name, domain and path that a cookie is bound to. All are ASCII by their grammar. */
export function boundTo(name: string, domain: string, path: string): Buffer {
  const part = (text: string) => [Buffer.from([text.length >> 8, text.length]), Buffer.from(text, 'latin1')]
  return Buffer.concat([Buffer.from([version]), ...part(name), ...part(domain), ...part(path)])
}

/** The tag as a binary string: a Buffer of its own would cost a tenth of the time it takes to open a cookie. */
function tagOf(key: KeyObject, input: Buffer): string {
  return createHmac('sha256', key).update(input).digest('binary')
}

/** Seals and opens the values of one cookie: one name, domain and path, and 1 to 8 keys. */
export class Codec {
  readonly #keys: readonly DerivedKeys[]
  readonly #suffix = Buffer.alloc(suffixLength)
  readonly #plain = Buffer.allocUnsafeSlow(maxValueLength)
  readonly #tag = Buffer.allocUnsafeSlow(tagLength)
  readonly #expected = Buffer.allocUnsafeSlow(tagLength)
  readonly #pool = Buffer.allocUnsafeSlow(poolLength)
  #pooled = 0 // bytes of the pool not yet used
  readonly #iv: Buffer
  readonly #views = new Map<number, Views>() // by length of P

  // A ‖ IV ‖ ciphertext ‖ suffix lie here for the tag. The value is the same bytes from A's last one on, with the
  // version in its place and the tag in the suffix's.
  readonly #bytes: Buffer
  readonly #start: number
  readonly #lastOfA: number
  readonly #ciphertextStart: number

  constructor(keys: readonly DerivedKeys[], a: Buffer) {
    this.#keys = keys
    this.#bytes = Buffer.allocUnsafeSlow(a.length + maxValueLength)
    this.#bytes.set(a)
    this.#start = a.length - 1
    this.#lastOfA = a[this.#start]!
    this.#ciphertextStart = a.length + ivLength
    this.#iv = this.#bytes.subarray(a.length, this.#ciphertextStart)
    this.#suffix.writeUInt32BE(8 * a.length, suffixLength - 4)
  }

  /** The value that holds `text`. Its length must be looked at before: it has to be at most 4096 characters. */
  seal(text: string, created: number, issued: number): string {
    const { encryption, authentication } = this.#keys[0]!
    const bytes = this.#bytes

    // 1. P: times, JSON, spaces.
    const plain = this.#plain
    plain.writeUIntBE(created, 0, 6)
    plain.writeUIntBE(issued, 6, 6)
    const textEnd = timesLength + plain.write(text, timesLength)
    const length = plainLength(textEnd - timesLength)
    const tagStart = this.#ciphertextStart + length
    const views = this.#viewsFor(length)
    plain.fill(0x20, textEnd, length)

    // 2. A fresh IV, and the ciphertext. CTR needs no final().
    this.#takeIv()
    const cipher = createCipheriv('aes-256-ctr', encryption, this.#iv)
    bytes.set(cipher.update(views.plain), this.#ciphertextStart)

    // 3. The tag over A, IV, ciphertext and the length of A.
    bytes.set(this.#suffix, tagStart)
    const tag = tagOf(authentication, views.tagInput)

    // 4. Version, IV, ciphertext, tag, in base64url.
    bytes.write(tag, tagStart, 'latin1')
    bytes[this.#start] = version
    const value = bytes.toString('base64url', this.#start, tagStart + tagLength)
    bytes[this.#start] = this.#lastOfA
    return value
  }

  /** What an authentic `value` holds, or why it is refused. Nothing is decrypted before its tag has matched. */
  open(value: string): Opened | 'length' | 'format' | 'tag' {
    if (value.length < minValueLength || value.length > maxValueLength) return 'length'
    const bytes = this.#bytes

    // 4. Version, IV, ciphertext, tag. Node's decoder skips what is not base64url; the way back shows it.
    const end = this.#start + bytes.write(value, this.#start, 'base64url')
    const canonical = bytes.toString('base64url', this.#start, end)
    const versionRead = bytes[this.#start]
    bytes[this.#start] = this.#lastOfA
    if (canonical !== value || versionRead !== version) return 'format'
    const tagStart = end - tagLength
    const views = this.#viewsFor(tagStart - this.#ciphertextStart)

    // 3. The tag under each key.
    bytes.copy(this.#tag, 0, tagStart, end)
    bytes.set(this.#suffix, tagStart)
    const keyIndex = this.#findKey(views.tagInput)
    if (keyIndex === -1) return 'tag'

    // 2. Decryption.
    const decipher = createDecipheriv('aes-256-ctr', this.#keys[keyIndex]!.encryption, this.#iv)
    const plain = decipher.update(views.ciphertext)
    if (plain.length % padTo !== 0) return 'format'

    // 1. Times and JSON, less the spaces.
    let textEnd = plain.length
    while (textEnd > timesLength && plain[textEnd - 1] === 0x20) textEnd--
    const text = plain.toString('utf8', timesLength, textEnd)
    // What is no UTF-8 becomes U+FFFD, which only then is worth a look at the bytes.
    const isText = !text.includes('\ufffd') || isUtf8(plain.subarray(timesLength, textEnd))
    return {
      value: canonical,
      text: isText ? text : undefined,
      created: plain.readUIntBE(0, 6),
      issued: plain.readUIntBE(6, 6),
      keyIndex,
    }
  }

  /** The index of the key under which `input` has the tag that was read, or -1. */
  #findKey(input: Buffer): number {
    for (let index = 0; index < this.#keys.length; index++) {
      this.#expected.write(tagOf(this.#keys[index]!.authentication, input), 'latin1')
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

  /** Those for a length that we seal are kept: views made anew would be a tenth of what a cookie costs. */
  #viewsFor(length: number): Views {
    const kept = this.#views.get(length)
    if (kept !== undefined) return kept
    const end = this.#ciphertextStart + length
    const views = {
      plain: this.#plain.subarray(0, length),
      ciphertext: this.#bytes.subarray(this.#ciphertextStart, end),
      tagInput: this.#bytes.subarray(0, end + suffixLength),
    }
    if (length % padTo === 0) this.#views.set(length, views)
    return views
  }
}

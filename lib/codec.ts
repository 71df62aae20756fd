import { isUtf8 } from 'node:buffer'
import {
  createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual, type KeyObject,
} from 'node:crypto'
import type { DerivedKeys } from './keys.js'
import { maxSeconds, persistence, type Times } from './lifetime.js'

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
const tagLength = 32 // bytes, all of SHA-256
const headLength = 21 // bytes of P before the JSON
const padTo = 32 // bytes; hides the exact length of the JSON
const minValueLength = 108 // characters: 81 bytes, a P of 32
const maxValueLength = 4096 // characters; no browser keeps more (RFC 6265bis §5.7)

/** What a cookie holds. */
export interface Contents extends Times {
  /** The value in a string of its own, since a slice would keep the whole Cookie header alive. */
  readonly value: string
  /** The JSON and its spaces; empty, which is no JSON, where the bytes are no UTF-8. */
  readonly text: string
  /** The index of the key that opens it. */
  readonly keyIndex: number
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
  const part = (text: string) => [Buffer.from([text.length >> 8, text.length]), Buffer.from(text)]
  return Buffer.concat(
    [Buffer.from([version]), ...part(name), ...part(domain), ...part(path), Buffer.from([partitioned ? 1 : 0])])
}

/** Seals and opens the values of one cookie: one name, domain, path and partition, and 1 to 8 keys. */
export class Codec {
  readonly #keys: readonly DerivedKeys[]
  readonly #a: Buffer
  readonly #bitsOfA = Buffer.alloc(8)
  #randomness = Buffer.alloc(0) // for the next IVs

  constructor(keys: readonly DerivedKeys[], a: Buffer) {
    this.#keys = keys
    this.#a = a
    this.#bitsOfA.writeUInt32BE(8 * a.length, 4)
  }

  /** The value that holds `text`. Whoever calls checks {@link valueLength} before: it has to be at most 4096. */
  seal(text: string, { created, issued, lifetime }: Times): string {
    const { encryption, authentication } = this.#keys[0]!

    // 1. P: the lifetime and times, JSON, spaces.
    const plain = Buffer.alloc(plainLength(Buffer.byteLength(text)), ' ')
    plain.writeUInt8(lifetime.persistence, 0)
    plain.writeUIntBE(created, 1, 6)
    plain.writeUIntBE(issued, 7, 6)
    plain.writeUInt32BE(lifetime.maxAge, 13)
    plain.writeUInt32BE(lifetime.idleTimeout, 17)
    plain.write(text, headLength)

    // 2. A fresh IV, and the ciphertext. CTR is a stream: update() gives all of it, and final() would add nothing.
    const iv = this.#freshIv()
    const ciphertext = createCipheriv('aes-256-ctr', encryption, iv).update(plain)

    // 3. The tag over A, IV, ciphertext and the length of A.
    const tag = this.#tag(authentication, iv, ciphertext)

    // 4. Version, IV, ciphertext, tag, in base64url.
    return Buffer.concat([Buffer.of(version), iv, ciphertext, tag]).toString('base64url')
  }

  /** What an authentic `value` holds, or why it is refused. Nothing is decrypted before its tag has matched. */
  open(value: string): Contents | 'length' | 'format' | 'tag' {
    if (value.length < minValueLength || value.length > maxValueLength) return 'length'

    // 4. Version, IV, ciphertext, tag. Node's decoder skips what is not base64url; the way back shows it.
    const bytes = Buffer.from(value, 'base64url')
    const canonical = bytes.toString('base64url')
    if (canonical !== value || bytes[0] !== version) return 'format'
    const iv = bytes.subarray(1, 1 + ivLength)
    const ciphertext = bytes.subarray(1 + ivLength, -tagLength)
    const tag = bytes.subarray(-tagLength)

    // 3. The tag under each key.
    const keyIndex = this.#keys.findIndex(({ authentication }) =>
      timingSafeEqual(this.#tag(authentication, iv, ciphertext), tag))
    if (keyIndex === -1) return 'tag'

    // 2. P, which is always a multiple of 32 bytes.
    if (ciphertext.length % padTo !== 0) return 'format'
    const plain = createDecipheriv('aes-256-ctr', this.#keys[keyIndex]!.encryption, iv).update(ciphertext)

    // 1. The lifetime and times, JSON, spaces.
    const lifetime = {
      persistence: plain.readUInt8(0),
      maxAge: plain.readUInt32BE(13),
      idleTimeout: plain.readUInt32BE(17),
    }
    if (lifetime.persistence > persistence.untilClose) return 'format'
    if (lifetime.maxAge > maxSeconds || lifetime.idleTimeout > maxSeconds) return 'format'
    const json = plain.subarray(headLength)
    return {
      value: canonical,
      text: isUtf8(json) ? json.toString() : '',
      created: plain.readUIntBE(1, 6),
      issued: plain.readUIntBE(7, 6),
      lifetime,
      keyIndex,
    }
  }

  /** 16 random bytes. They are asked for by 4096, since a call for each IV takes a tenth of a request that writes. */
  #freshIv(): Buffer {
    if (this.#randomness.length === 0) this.#randomness = randomBytes(256 * ivLength)
    const iv = this.#randomness.subarray(0, ivLength)
    this.#randomness = this.#randomness.subarray(ivLength)
    return iv
  }

  /** HMAC-SHA256 over A, IV, ciphertext and the length of A in bits. */
  #tag(key: KeyObject, iv: Buffer, ciphertext: Buffer): Buffer {
    return createHmac('sha256', key).update(this.#a).update(iv).update(ciphertext).update(this.#bitsOfA).digest()
  }
}

import {
  createCipheriv, createDecipheriv, createHmac, createSecretKey, hash, hkdfSync, randomFillSync, timingSafeEqual,
} from 'node:crypto'

/*
 * Cookie format 1 in as few calls as it can be done with, written a second time and without the library, in two ways:
 *
 *   plain   what node:crypto offers for the purpose: createHmac and createCipheriv('aes-256-ctr'). The goals for the
 *           library are stated against these calls.
 *   floor   the least that is known: the same bytes, without an object for each cookie that the collector has to
 *           finalise. HMAC as RFC 2104 §2 defines it, its padded keys made once, by one-shot hashes; AES-CTR as NIST
 *           SP 800-38A §6.5 defines it, the counter blocks encrypted by one cipher that is kept, and XORed by words.
 *
 * What the format needs is here: base64url, the tag over A ‖ IV ‖ ciphertext ‖ length of A and its comparison in
 * constant time, the times, the lifetimes, the spaces, JSON. What only a library needs is not: no check of lengths, of
 * the alphabet, of times or of what the JSON holds, one key, no error but the tag's. Part codec checks that the library
 * opens what is sealed here, and the reverse.
 *
 * Why these calls: keys as KeyObjects, since Buffers cost 20 µs on some releases; digests as binary strings, written
 * where their bytes are wanted, since a Buffer of its own costs 0.4 µs; IVs from a pool; scratch buffers, and views of
 * them made once, as each costs 0.1 µs; no final(), which CTR does not need.
 */

const blockLength = 64 // bytes, one block of SHA-256
const ivLength = 16
const tagLength = 32
const headLength = 21 // bytes of P before the JSON
const most = 4096 // bytes of ciphertext

// A = 01 ‖ u16be(7) ‖ "session" ‖ u16be(0) ‖ u16be(1) ‖ "/" ‖ u8(0): what a cookie is bound to by default. After a
// padded key, behind which it is hashed, the IV then begins at a multiple of four, where words can be read.
const a = Buffer.from('\x01\0\x07session\0\0\0\x01/\0', 'latin1')
const aStart = blockLength
const ivStart = aStart + a.length
const textStart = ivStart + ivLength
const valueStart = ivStart - 1 // the version takes the place of A's last byte
const suffix = Buffer.from([0, 0, 0, 0, 0, 0, 0, 8 * a.length])

/** A buffer, as bytes and as words of the processor's own order. */
function scratch(length) {
  const bytes = Buffer.alloc(length)
  return { bytes, words: new Int32Array(bytes.buffer, 0, length >> 2) }
}

const sealed = scratch(textStart + most + tagLength + 4) // padded key ‖ A ‖ IV ‖ ciphertext ‖ suffix, or the tag
const plain = scratch(most)
const { bytes } = sealed
const iv = bytes.subarray(ivStart, textStart)
const sent = Buffer.alloc(tagLength)
const computed = Buffer.alloc(tagLength)

const pool = Buffer.alloc(4096)
let pooled = 0

/** Puts an IV where it belongs. */
function takeIv() {
  if (pooled === 0) {
    randomFillSync(pool)
    pooled = pool.length
  }
  pooled -= ivLength
  pool.copy(iv, 0, pooled, pooled + ivLength)
}

/** Keeps what `make` makes for a length, so that it is made once. */
function byLength(make) {
  const kept = []
  return (length) => kept[length] ??= make(length)
}

const ciphertextOf = byLength((length) => bytes.subarray(textStart, textStart + length))
const plainOf = byLength((length) => plain.bytes.subarray(0, length))

/** The tag and the cipher by the calls that node:crypto has for them. */
function plainCalls({ encryption, authentication }) {
  const keys = [encryption, authentication].map((key) => createSecretKey(key))
  const inputOf = byLength((length) => bytes.subarray(aStart, textStart + length + suffix.length))
  return {
    tag: (length) => createHmac('sha256', keys[1]).update(inputOf(length)).digest('binary'),
    encrypt: (length) => bytes.set(createCipheriv('aes-256-ctr', keys[0], iv).update(plainOf(length)), textStart),
    decrypt: (length) => createDecipheriv('aes-256-ctr', keys[0], iv).update(ciphertextOf(length)),
  }
}

const swap = (word) => (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)

/** The same, with no object for each cookie. It takes the processor's order to be little-endian. */
function leastCalls({ encryption, authentication }) {
  // 1. The two padded keys (RFC 2104 §2); the outer one has room for the inner hash behind it.
  const outer = Buffer.alloc(blockLength + tagLength)
  const inner = bytes.subarray(0, blockLength)
  outer.set(authentication)
  inner.fill(0).set(authentication)
  for (let i = 0; i < blockLength; i++) {
    outer[i] ^= 0x5c
    inner[i] ^= 0x36
  }
  const inputOf = byLength((length) => bytes.subarray(0, textStart + length + suffix.length))

  // 2. The block function alone, and a place for the counter blocks.
  const blocks = createCipheriv('aes-256-ecb', createSecretKey(encryption), null).setAutoPadding(false)
  const counters = scratch(most)
  const countersOf = byLength((length) => counters.bytes.subarray(0, length))
  const firstWord = ivStart >> 2

  /** to = from ⊕ E(IV), E(IV + 1), …; both start at a word of their own. */
  function crypt(from, fromWord, to, toWord, length) {
    const { words } = counters
    const count = length >> 2
    let [zero, one, two] = [sealed.words[firstWord], sealed.words[firstWord + 1], sealed.words[firstWord + 2]]
    let low = swap(sealed.words[firstWord + 3])
    for (let i = 0; i < count; i += 4) {
      words[i] = zero
      words[i + 1] = one
      words[i + 2] = two
      words[i + 3] = swap(low)
      low = (low + 1) | 0
      if (low !== 0) continue
      two = swap((swap(two) + 1) | 0)
      if (two !== 0) continue
      one = swap((swap(one) + 1) | 0)
      if (one === 0) zero = swap((swap(zero) + 1) | 0)
    }
    const stream = blocks.update(countersOf(length))
    const streamWords = new Int32Array(stream.buffer, stream.byteOffset, count)
    for (let i = 0; i < count; i++) to[toWord + i] = from[fromWord + i] ^ streamWords[i]
  }

  return {
    tag(length) {
      outer.write(hash('sha256', inputOf(length), 'binary'), blockLength, 'binary')
      return hash('sha256', outer, 'binary')
    },
    encrypt: (length) => crypt(plain.words, 0, sealed.words, textStart >> 2, length),
    decrypt(length) {
      crypt(sealed.words, textStart >> 2, plain.words, 0, length)
      return plain.bytes
    },
  }
}

/** Seals and opens by the calls of one kind. What was read last is kept, so that no compiler leaves its reading out. */
function codec({ tag, encrypt, decrypt }) {
  const read = { persistence: 0, created: 0, issued: 0, maxAge: 0, idleTimeout: 0 }
  return {
    read,

    /** The value of a cookie that holds the JSON `text`. */
    seal(text) {
      const created = Math.floor(Date.now() / 1000)
      const textEnd = headLength + plain.bytes.write(text, headLength)
      const length = Math.ceil(textEnd / 32) * 32
      plain.bytes[0] = 0
      plain.bytes.writeUIntBE(created, 1, 6)
      plain.bytes.writeUIntBE(created, 7, 6)
      plain.bytes.fill(0, 13, headLength)
      plain.bytes.fill(0x20, textEnd, length)

      takeIv()
      encrypt(length)

      const tagStart = textStart + length
      bytes.set(suffix, tagStart)
      bytes[valueStart] = 0
      bytes.write(tag(length), tagStart, 'binary')

      bytes[valueStart] = 1
      return bytes.toString('base64url', valueStart, tagStart + tagLength)
    },

    /** The JSON, and spaces, that `value` holds. */
    open(value) {
      const end = valueStart + bytes.write(value, valueStart, 'base64url')
      const tagStart = end - tagLength
      const length = tagStart - textStart
      bytes.copy(sent, 0, tagStart, end)

      bytes.set(suffix, tagStart)
      bytes[valueStart] = 0
      computed.write(tag(length), 'binary')
      if (!timingSafeEqual(computed, sent)) throw new Error('the tag does not match')

      const opened = decrypt(length)
      read.persistence = opened[0]
      read.created = opened.readUIntBE(1, 6)
      read.issued = opened.readUIntBE(7, 6)
      read.maxAge = opened.readUInt32BE(13)
      read.idleTimeout = opened.readUInt32BE(17)
      return opened.toString('utf8', headLength, length)
    },
  }
}

const derived = (master, purpose) =>
  Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), `seshcookie v1 ${purpose}`, 32))

/** The codecs for a key of bytes, `plain` and `floor`. */
export function codecs(master) {
  const keys = { encryption: derived(master, 'encryption'), authentication: derived(master, 'authentication') }
  bytes.set(a, aStart)
  return { plain: codec(plainCalls(keys)), floor: codec(leastCalls(keys)) }
}

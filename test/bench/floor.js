import {
  createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, randomBytes, timingSafeEqual,
} from 'node:crypto'

/*
 * The floor: the cryptography of cookie format 1 with the least code, written a second time and without the library.
 * The goals are stated against it. It looks at the tag, and at nothing else: not at lengths, the alphabet, the times or
 * what the JSON holds. It has one key. Part codec checks that the library opens what is sealed here, and the reverse.
 */

const ivEnd = 17
const tagLength = 32
const headLength = 21 // bytes of P before the JSON

// A = 01 ‖ u16be(7) ‖ "session" ‖ u16be(0) ‖ u16be(1) ‖ "/" ‖ u8(0): what a cookie is bound to by default.
const a = Buffer.from('\x01\0\x07session\0\0\0\x01/\0', 'latin1')
const bitsOfA = Buffer.from([0, 0, 0, 0, 0, 0, 0, 8 * a.length])
const version = Buffer.of(1)

/** Seals JSON, and opens it, with a key of bytes. */
export function codec(master) {
  const [encryption, authentication] = ['encryption', 'authentication'].map((purpose) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', master, '', `seshcookie v1 ${purpose}`, 32))))
  const tagOf = (iv, ciphertext) =>
    createHmac('sha256', authentication).update(a).update(iv).update(ciphertext).update(bitsOfA).digest()
  return {
    seal(text) {
      const now = Math.floor(Date.now() / 1000)
      const plain = Buffer.alloc(Math.ceil((headLength + Buffer.byteLength(text)) / 32) * 32, ' ')
      plain.fill(0, 0, headLength)
      plain.writeUIntBE(now, 1, 6)
      plain.writeUIntBE(now, 7, 6)
      plain.write(text, headLength)
      const iv = randomBytes(16)
      const ciphertext = createCipheriv('aes-256-ctr', encryption, iv).update(plain)
      return Buffer.concat([version, iv, ciphertext, tagOf(iv, ciphertext)]).toString('base64url')
    },

    /** The JSON, and spaces. */
    open(value) {
      const bytes = Buffer.from(value, 'base64url')
      const iv = bytes.subarray(1, ivEnd)
      const ciphertext = bytes.subarray(ivEnd, -tagLength)
      if (!timingSafeEqual(tagOf(iv, ciphertext), bytes.subarray(-tagLength))) throw new Error('the tag does not match')
      return createDecipheriv('aes-256-ctr', encryption, iv).update(ciphertext).toString('utf8', headLength)
    },
  }
}

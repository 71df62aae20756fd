import { createCipheriv, type Cipher, type KeyObject } from 'node:crypto'

const blockLength = 16 // bytes
const maxLength = 4096 // bytes of keystream; no cookie needs more

// The counter blocks of one call. They are no secret: the first one is the IV, which is sent.
const blocks = Buffer.allocUnsafeSlow(maxLength)
const view = new DataView(blocks.buffer)

/**
 * The keystream of AES-256-CTR for one key, SP 800-38A §6.5: the cipher applied to successive counter blocks, the first
 * of which is the IV.
 *
 * It stands here because createCipheriv makes an object for each message, which the garbage collector has to finalise.
 * Here one object serves all messages of a key: `aes-256-ecb` without padding is what node:crypto calls the bare block
 * cipher. It is given nothing but counter blocks, which never repeat, so ECB's weakness (equal blocks of plaintext
 * show) has nothing to act on. Ten blocks take 1.5 µs this way, and 4.3 µs with createCipheriv (Node.js 20).
 */
export class Keystream {
  readonly #cipher: Cipher

  constructor(key: KeyObject) {
    this.#cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  }

  /** The first `length` bytes for an IV; a multiple of 16, at most 4096. */
  for(iv: Buffer, length: number): Buffer {
    let word0 = iv.readUInt32BE(0)
    let word1 = iv.readUInt32BE(4)
    let word2 = iv.readUInt32BE(8)
    let word3 = iv.readUInt32BE(12)
    for (let at = 0; at < length; at += blockLength) {
      view.setUint32(at, word0)
      view.setUint32(at + 4, word1)
      view.setUint32(at + 8, word2)
      view.setUint32(at + 12, word3)
      // The standard incrementing function over all 128 bits (SP 800-38A appendix B.1).
      word3 = (word3 + 1) >>> 0
      if (word3 !== 0) continue
      word2 = (word2 + 1) >>> 0
      if (word2 !== 0) continue
      word1 = (word1 + 1) >>> 0
      if (word1 === 0) word0 = (word0 + 1) >>> 0
    }
    return this.#cipher.update(blocks.subarray(0, length))
  }
}

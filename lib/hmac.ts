import { hash, type KeyObject } from 'node:crypto'

/** One block of SHA-256, in bytes: so much room is before what is authenticated. */
export const padLength = 64
/** All of SHA-256, in bytes. */
export const tagLength = 32

// The types know this encoding by its other name alone, which takes half as long again to look up.
const latin1 = 'latin1' as 'binary'

/**
 * HMAC-SHA256 with one key, RFC 2104 §2: H(K ⊕ opad ‖ H(K ⊕ ipad ‖ text)), with both padded keys made beforehand, as
 * its section 4 suggests.
 *
 * It stands here because createHmac makes an object for each tag, which the garbage collector has to finalise. A
 * tag of 230 bytes takes 1.2 µs this way, and 4.2 µs with createHmac (Node.js 20). The hash is that of node:crypto.
 */
export class Hmac {
  readonly #inner: Buffer // K ⊕ ipad
  readonly #outer = Buffer.alloc(padLength + tagLength) // K ⊕ opad ‖ H(…)

  /** @param key at most 64 bytes: a longer one would be hashed first */
  constructor(key: KeyObject) {
    const padded = Buffer.alloc(padLength)
    padded.set(key.export())
    this.#inner = padded.map((byte) => byte ^ 0x36) as Buffer
    this.#outer.set(padded.map((byte) => byte ^ 0x5c))
    padded.fill(0)
  }

  /**
   * The tag of what follows the first 64 bytes of `input`, which are overwritten. It is a latin1 string, since a Buffer
   * is another object that has to be finalised.
   */
  tag(input: Buffer): string {
    input.set(this.#inner)
    this.#outer.write(hash('sha256', input, latin1), padLength, 'latin1')
    return hash('sha256', this.#outer, latin1)
  }
}

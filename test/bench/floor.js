import {
  createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes, randomFillSync, timingSafeEqual,
} from 'node:crypto'

/*
 * The floor: the least that cookie format 1 asks of Node, in the fastest plain calls found.
 *
 * What the format needs is here: base64url, HMAC-SHA256 over A ‖ IV ‖ ciphertext ‖ length of A, the comparison in
 * constant time, AES-256-CTR, the times, the spaces, JSON. What only a library needs is not: no check of lengths, of
 * the alphabet, of the times or of what the JSON holds, one key, no errors but the tag's. So nothing that keeps the
 * format can be quicker by more than a measuring error, and what a library adds is what it costs above this.
 *
 * Why these calls (measured on Node 20 and 24): keys as KeyObjects, since Buffers cost 20 µs on some releases; the
 * digest as a latin1 string, written where its bytes are wanted, since a Buffer of its own costs 0.4 µs; IVs from a
 * pool; one scratch buffer, and the views of it made once, as each costs 0.1 µs and its garbage; no Buffer.concat; no final(), which
 * CTR does not need.
 */

const encryption = createSecretKey(randomBytes(32))
const authentication = createSecretKey(randomBytes(32))

// A = 01 ‖ u16be(7) ‖ "session" ‖ u16be(0) ‖ u16be(1) ‖ "/": what the tag binds a cookie to by default.
const a = Buffer.from('\x01\0\x07session\0\0\0\x01/', 'latin1')
const suffix = Buffer.from([0, 0, 0, 0, 0, 0, 0, 8 * a.length])

// A ‖ IV ‖ ciphertext ‖ suffix, for the tag. The value is the same bytes from A's last one on, with the version there
// and the tag in the suffix's place.
const bytes = Buffer.allocUnsafeSlow(8192)
bytes.set(a)
const start = a.length - 1
const lastOfA = a[start]
const ivStart = a.length
const textStart = ivStart + 16
const iv = bytes.subarray(ivStart, textStart)

const plain = Buffer.allocUnsafeSlow(8192)
const sent = Buffer.allocUnsafeSlow(32)
const computed = Buffer.allocUnsafeSlow(32)

const pool = Buffer.allocUnsafeSlow(4096)
let pooled = 0

/** Puts an IV where it belongs. */
function takeIv() {
  if (pooled === 0) {
    randomFillSync(pool)
    pooled = pool.length
  }
  pooled -= 16
  pool.copy(iv, 0, pooled, pooled + 16)
}

const views = new Map()

/** The parts of the scratch buffers for a ciphertext of so many bytes. */
function viewsFor(length) {
  let found = views.get(length)
  if (found === undefined) {
    found = {
      plain: plain.subarray(0, length),
      ciphertext: bytes.subarray(textStart, textStart + length),
      tagInput: bytes.subarray(0, textStart + length + 8),
    }
    views.set(length, found)
  }
  return found
}

/** The value of a cookie that holds `session`. */
export function seal(session) {
  return sealText(JSON.stringify(session))
}

/** The value of a cookie that holds the JSON `text`. */
export function sealText(text, created = 1767225600, issued = created) {
  const textEnd = 12 + plain.write(text, 12)
  const length = Math.ceil(textEnd / 32) * 32
  plain.writeUIntBE(created, 0, 6)
  plain.writeUIntBE(issued, 6, 6)
  plain.fill(0x20, textEnd, length)

  takeIv()
  const { plain: padded, tagInput } = viewsFor(length)
  bytes.set(createCipheriv('aes-256-ctr', encryption, iv).update(padded), textStart)

  const tagStart = textStart + length
  bytes.set(suffix, tagStart)
  bytes[start] = lastOfA
  const tag = createHmac('sha256', authentication).update(tagInput).digest('latin1')
  bytes.write(tag, tagStart, 'latin1')

  bytes[start] = 1
  return bytes.toString('base64url', start, tagStart + 32)
}

/** The session that `value` holds. */
export function open(value) {
  return JSON.parse(openText(value))
}

/** The JSON, and spaces, that `value` holds. */
export function openText(value) {
  const end = start + bytes.write(value, start, 'base64url')
  const tagStart = end - 32
  bytes.copy(sent, 0, tagStart, end)

  bytes.set(suffix, tagStart)
  bytes[start] = lastOfA
  const { ciphertext, tagInput } = viewsFor(tagStart - textStart)
  const tag = createHmac('sha256', authentication).update(tagInput).digest('latin1')
  computed.write(tag, 'latin1')
  if (!timingSafeEqual(computed, sent)) throw new Error('the tag does not match')

  const opened = createDecipheriv('aes-256-ctr', encryption, iv).update(ciphertext)
  times.created = opened.readUIntBE(0, 6)
  times.issued = opened.readUIntBE(6, 6)
  return opened.toString('utf8', 12)
}

/** The times of the cookie opened last: kept, so that no compiler leaves their reading out. */
export const times = { created: 0, issued: 0 }

/*
 * The floor of a cookie that is remembered: cut it out of the header, look it up by its last 32 characters (V8 hashes
 * a key that it has not seen, character by character; the tag's are as good as all), compare the whole, parse.
 */

const remembered = new Map()

/** Keeps the JSON of a cookie, to be found by its value. */
export function remember(value, text) {
  remembered.set(value.slice(-32), { value, text })
}

const kept = 1000 // of those that were sealed: as many as ours keeps
const sealed = []
let oldest = 0

/** Keeps the JSON of a cookie that was sealed, in the place of the oldest of those. */
export function rememberSealed(value, text) {
  if (sealed.length === kept) remembered.delete(sealed[oldest])
  remember(value, text)
  sealed[oldest] = value.slice(-32)
  oldest = (oldest + 1) % kept
}

/** The session of a remembered cookie in a header with no other. */
export function recall(header) {
  const text = recallText(header)
  return text === undefined ? undefined : JSON.parse(text)
}

/** The JSON of a remembered cookie in such a header. */
export function recallText(header) {
  const value = header.slice(header.indexOf('=') + 1)
  const found = remembered.get(value.slice(-32))
  return found !== undefined && found.value === value ? found.text : undefined
}

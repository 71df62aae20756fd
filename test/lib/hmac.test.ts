/** The HMAC against node:crypto's own. The official vectors are in test/vectors/official.test.ts. */
import { createHmac, createSecretKey } from 'node:crypto'
import t from 'tap'
import { Hmac, padLength, tagLength } from '../../lib/hmac.js'
import { costOf } from '../support/node-crypto.js'
import { seededRandom } from '../support/seeded-random.js'
import { volume } from '../support/volume.js'

const secret = Buffer.from(Array.from({ length: 32 }, (_, n) => 255 - 5 * n))

/** Room for the inner pad, with anything in it, and the data. */
const inputOf = (data: Buffer, room = 0xaa) => Buffer.concat([Buffer.alloc(padLength, room), data])
const tagOf = (hmac: Hmac, data: Buffer, room?: number) => Buffer.from(hmac.tag(inputOf(data, room)), 'latin1').toString('hex')
const wanted = (key: Buffer, data: Buffer) => createHmac('sha256', key).update(data).digest('hex')

t.test('has one block of SHA-256 before its input, and all of it for a tag', async (t) => {
  t.strictSame([padLength, tagLength], [64, 32])
  t.equal(new Hmac(createSecretKey(secret)).tag(inputOf(secret)).length, 32)
})

t.test('equals createHmac for keys of each length up to a block', async (t) => {
  for (let length = 1; length <= 64; length++) {
    const key = Buffer.alloc(length, length)
    t.equal(tagOf(new Hmac(createSecretKey(key)), secret), wanted(key, secret), `${length} bytes`)
  }
})

t.test('equals createHmac for each length of input', async (t) => {
  const hmac = new Hmac(createSecretKey(secret))
  const differing: number[] = []
  for (let length = 0; length <= 4200; length++) {
    const data = Buffer.alloc(length, length & 255)
    if (tagOf(hmac, data) !== wanted(secret, data)) differing.push(length)
  }
  t.strictSame(differing, [])
})

t.test('equals createHmac for random keys and inputs', async (t) => {
  const random = seededRandom(t)
  const count = volume(10_000, 1_000_000)
  const pool = Buffer.from(random.bytes(8192))
  let hmac = new Hmac(createSecretKey(secret))
  let key = secret
  let differing = 0
  for (let n = 0; n < count; n++) {
    if (n % 16 === 0) {
      key = Buffer.from(random.bytes(32))
      hmac = new Hmac(createSecretKey(key))
    }
    const at = random.below(4096)
    const data = pool.subarray(at, at + (n % 100 === 0 ? random.below(4097) : random.below(300)))
    if (tagOf(hmac, data, n & 255) !== wanted(key, data)) differing++
  }
  t.equal(differing, 0, `of ${count}`)
})

t.test('keeps nothing of one call for the next', async (t) => {
  const [one, two] = [new Hmac(createSecretKey(secret)), new Hmac(createSecretKey(Buffer.alloc(32, 3)))]
  const [long, short] = [Buffer.alloc(4000, 1), Buffer.alloc(3, 2)]
  const steps = [long, short, long].flatMap((data) => [[one, secret, data], [two, Buffer.alloc(32, 3), data]] as const)
  for (const [hmac, key, data] of [...steps, ...steps.toReversed()]) t.equal(tagOf(hmac, data), wanted(key, data))
})

t.test('changes nothing but the room before its input', async (t) => {
  const input = inputOf(secret)
  new Hmac(createSecretKey(secret)).tag(input)
  t.strictSame(input.subarray(padLength), secret)
})

t.test('makes no object of node:crypto for a tag', async (t) => {
  const hmac = new Hmac(createSecretKey(secret))
  const { tags, objects } = costOf(() => { hmac.tag(inputOf(secret)) })
  t.strictSame({ tags, objects }, { tags: 1, objects: 0 })
})

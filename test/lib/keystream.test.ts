/** The keystream against node:crypto's own AES-256-CTR. The official vectors are in test/vectors/official.test.ts. */
import { createCipheriv, createSecretKey } from 'node:crypto'
import t from 'tap'
import { Keystream } from '../../lib/keystream.js'
import { costOf } from '../support/node-crypto.js'
import { seededRandom } from '../support/seeded-random.js'
import { volume } from '../support/volume.js'

const key = createSecretKey(Buffer.from(Array.from({ length: 32 }, (_, n) => 7 * n + 1)))
const other = createSecretKey(Buffer.alloc(32, 9))
const keystream = new Keystream(key)
const lengths = Array.from({ length: 256 }, (_, n) => 16 * (n + 1))
const zeros = Buffer.alloc(4096)

const wanted = (iv: Buffer, length: number, by = key) =>
  createCipheriv('aes-256-ctr', by, iv).update(zeros.subarray(0, length)).toString('latin1')

t.test('has each length, for one IV', async (t) => {
  const iv = Buffer.from('0f1e2d3c4b5a69788796a5b4c3d2e1f0', 'hex')
  for (const length of lengths) {
    const found = keystream.for(iv, length).toString('latin1')
    if (found.length !== length || found !== wanted(iv, length)) t.fail(`${length} bytes`)
  }
  t.equal(lengths.at(-1), 4096)
  t.equal(keystream.for(iv, 0).toString('latin1'), '', 'and none of it')
})

// A counter that ends in so many bytes of ff, from one block before it carries to 255 before.
for (let ending = 1; ending <= 16; ending++) {
  t.test(`carries out of the last ${ending} bytes`, async (t) => {
    const differing: string[] = []
    for (const before of [0x00, 0x7f, 0xfe, 0xff]) {
      for (const blocks of [1, 2, 3, 128, 255]) {
        const last = Buffer.alloc(16, before)
        last.fill(0xff, 16 - ending)
        const counter = (BigInt(`0x${last.toString('hex')}`) - BigInt(blocks - 1)) & (2n ** 128n - 1n)
        const iv = Buffer.from(counter.toString(16).padStart(32, '0'), 'hex')
        const length = Math.min(4096, 16 * (blocks + 2))
        if (keystream.for(iv, length).toString('latin1') !== wanted(iv, length)) differing.push(`${iv.toString('hex')}, ${length} bytes`)
      }
    }
    t.strictSame(differing, [])
  })
}

t.test('carries into each word alone', async (t) => {
  for (const words of [1, 2, 3, 4]) {
    const iv = Buffer.alloc(16, 0x12)
    iv.fill(0xff, 16 - 4 * words)
    t.equal(keystream.for(iv, 64).toString('latin1'), wanted(iv, 64), `over ${words}`)
    iv[15] = 0xfe
    t.equal(keystream.for(iv, 64).toString('latin1'), wanted(iv, 64), `over ${words}, a block later`)
  }
})

t.test('equals aes-256-ctr for random IVs and lengths', async (t) => {
  const random = seededRandom(t)
  const keystreams = [key, other].map((by) => [by, new Keystream(by)] as const)
  const count = volume(20_000, 1_000_000)
  const iv = Buffer.alloc(16)
  let differing = 0
  for (let n = 0; n < count; n++) {
    for (let at = 0; at < 16; at += 4) iv.writeUInt32BE(random.below(2 ** 32), at)
    if (n % 4 === 0) iv.fill(0xff, 1 + random.below(15)) // carries, which are rare by chance
    const length = n % 100 === 0 ? random.pick(lengths) : 16 * (1 + random.below(12))
    const [by, stream] = random.pick(keystreams)
    if (stream.for(iv, length).toString('latin1') !== wanted(iv, length, by)) differing++
  }
  t.equal(differing, 0, `of ${count}`)
})

t.test('keeps nothing of one call for the next', async (t) => {
  const [a, b] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)]
  const first = keystream.for(a, 4096).toString('latin1')
  t.equal(keystream.for(b, 32).toString('latin1'), wanted(b, 32), 'a short one after a long one')
  t.equal(new Keystream(other).for(a, 64).toString('latin1'), wanted(a, 64, other), 'one of another key')
  t.equal(keystream.for(a, 4096).toString('latin1'), first, 'the first one again')
  t.equal(first, wanted(a, 4096))
  t.strictSame([...a], Array(16).fill(1), 'an IV is left as it is')
  const { keystreams, objects } = costOf(() => {
    for (let n = 0; n < 3; n++) keystream.for(a, 64)
  })
  t.strictSame({ keystreams, objects }, { keystreams: 3, objects: 0 }, 'it is made anew each time, with no new object')
})

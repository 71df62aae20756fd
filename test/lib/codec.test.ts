/** The codec by itself, beside the second implementation. What becomes of it in a handler is in test/vectors. */
import { createSecretKey } from 'node:crypto'
import t from 'tap'
import { associatedData, Codec, valueLength } from '../../lib/codec.js'
import { noLifetime, type Lifetime } from '../../lib/lifetime.js'
import { breakCrypto, costOf, withRandom } from '../support/node-crypto.js'
import { concat, encode, headOf, plaintext, seal, sealPlaintext, type Keys } from '../support/second-implementation.js'

const keysOf = (n: number): Keys => ({ encryption: Buffer.alloc(32, n), authentication: Buffer.alloc(32, 100 + n) })
const scope = { name: 'session', domain: '', path: '/', partitioned: false }
const a = associatedData('session', '', '/', false)
const iv = Buffer.alloc(16, 7)

const codecOf = (...keys: Keys[]) => new Codec(keys.map(({ encryption, authentication }) =>
  ({ encryption: createSecretKey(encryption), authentication: createSecretKey(authentication) })), a)
const codec = codecOf(keysOf(1))

/** Times, and a lifetime of the session's own. */
const at = (created: number, issued: number, lifetime: Lifetime = noLifetime) => ({ created, issued, lifetime })
const json = (length: number) => `{"a":"${'x'.repeat(length - 8)}"}`
/** The text of P, with its spaces. */
const padded = (text: string) => text + ' '.repeat((32 - (21 + Buffer.byteLength(text)) % 32) % 32)
const ivOf = (value: string) => Buffer.from(value, 'base64url').subarray(1, 17)

/** An authentic value, sealed by the second implementation. */
const sealed = (text: string | Uint8Array, times = at(1, 2), keys = keysOf(1)) => seal(keys, scope, iv, times, text)
/** An authentic value of any P. */
const sealedP = async (...p: Uint8Array[]) => encode(await sealPlaintext(keysOf(1), scope, iv, concat(...p)))

const contents: [name: string, text: string, times: ReturnType<typeof at>][] = [
  ['an empty session', '{}', at(1_800_000_000, 1_800_000_000)],
  ['one byte short of a block', json(10), at(1, 2)],
  ['just a block', json(11), at(1, 2)],
  ['one byte more than a block', json(12), at(1, 2)],
  ['as much as a value holds', json(2987), at(1, 2)],
  ['characters of several bytes', '{"ä":"😀\u2028\ufffd"}', at(1, 2)],
  ['times of 0', '{}', at(0, 0)],
  ['the latest times', '{}', at(2 ** 48 - 2, 2 ** 48 - 1)],
  ['a lifetime of its own', '{}', at(1, 2, { persistence: 2, maxAge: 28_800, idleTimeout: 1800 })],
  ['a lifetime that is persistent and nothing else', '{}', at(1, 2, { ...noLifetime, persistence: 1 })],
  ['a maxAge of its own', '{}', at(1, 2, { ...noLifetime, maxAge: 1 })],
  ['an idleTimeout of its own', '{}', at(1, 2, { ...noLifetime, idleTimeout: 1 })],
  ['the longest lifetime', '{}', at(1, 2, { persistence: 1, maxAge: 34_560_000, idleTimeout: 34_560_000 })],
]

for (const [name, text, times] of contents) {
  t.test(`seals as the second implementation does, and opens: ${name}`, async (t) => {
    const value = codec.seal(text, times)
    t.equal(value, await seal(keysOf(1), scope, ivOf(value), times, text))
    t.equal(value.length, valueLength(Buffer.byteLength(text)))
    t.strictSame(codec.open(value), { value, text: padded(text), ...times, keyIndex: 0 })
  })
}

const lengths: [text: number, value: number][] =
  [[2, 108], [11, 108], [12, 151], [43, 151], [44, 194], [2987, 4076], [2988, 4119]]

for (const [text, value] of lengths) {
  t.test(`${text} bytes of JSON make ${value} characters`, async (t) => {
    t.equal(valueLength(text), value)
  })
}

const good = await sealed('{"a":1}')
const bytes = Buffer.from(good, 'base64url')
const changed = (at: number, byte: number) => encode(bytes.with(at, byte))
const put = (character: string) => good.slice(0, 20) + character + good.slice(21)
const fill = (length: number) => Buffer.alloc(length, ' ')
const lasting = (lifetime: Partial<Lifetime>) => sealed('{}', at(1, 2, { ...noLifetime, ...lifetime }))

/** With how many HMACs, and decryptions. Every other way to be wrong is in test/vectors/v1-invalid.json. */
const refused: [reason: string, name: string, value: string, hmacs: 0 | 1, decryptions: 0 | 1][] = [
  ['length', 'nothing', '', 0, 0],
  ['length', '107 characters', good.slice(0, 107), 0, 0],
  ['length', '4097 characters', 'A'.repeat(4097), 0, 0],
  ['length', 'an authentic one of 4119 characters', await sealed(json(2988)), 0, 0],
  ['format', '4096 characters of another alphabet', '$'.repeat(4096), 0, 0],
  ['format', 'padding', `${good}=`, 0, 0],
  ['format', 'a plus sign', put('+'), 0, 0],
  ['format', 'a NUL', put('\0'), 0, 0],
  ['format', 'a space', put(`${good[20]} `), 0, 0],
  ['format', 'the low byte of the right character', put(String.fromCharCode(good.charCodeAt(20) + 256)), 0, 0],
  ['format', 'half a pair of surrogates', put('\ud83d'), 0, 0],
  ['format', 'version 0', changed(0, 0), 0, 0],
  ['format', 'version 2', changed(0, 2), 0, 0],
  ['tag', 'another IV', changed(16, 0), 1, 0],
  ['tag', 'another ciphertext', changed(17, bytes[17]! ^ 1), 1, 0],
  ['tag', 'another tag', changed(bytes.length - 1, bytes.at(-1)! ^ 1), 1, 0],
  ['tag', 'another key', await sealed('{}', at(1, 2), keysOf(2)), 1, 0],
  ['tag', 'another encryption key with it',
    await sealed('{}', at(1, 2), { ...keysOf(1), authentication: Buffer.alloc(32, 9) }), 1, 0],
  ['format', 'an authentic P of 33 bytes', await sealedP(headOf(at(1, 2)), fill(12)), 1, 0],
  ['format', 'an authentic P of 63 bytes', await sealedP(headOf(at(1, 2)), fill(42)), 1, 0],
  ['format', 'an authentic P of 3023 bytes', await sealedP(headOf(at(1, 2)), fill(3002)), 1, 0],
  ['format', 'a persistence of 3', await lasting({ persistence: 3 }), 1, 1],
  ['format', 'a maxAge that is too long', await lasting({ maxAge: 34_560_001 }), 1, 1],
  ['format', 'an idleTimeout that is too long', await lasting({ idleTimeout: 34_560_001 }), 1, 1],
]

for (const [reason, name, value, hmacs, decryptions] of refused) {
  t.test(`refuses ${name}: ${reason}`, async (t) => {
    const cost = costOf(() => { t.equal(codec.open(value), reason) })
    t.strictSame(cost, { hmacs, comparisons: hmacs, encryptions: 0, decryptions })
  })
}

const utf8: [name: string, bytes: Buffer, text: string][] = [
  ['spaces alone, more than are needed', fill(100), padded(' '.repeat(100))],
  ['spaces before and inside, and a tab at the end', Buffer.from('  { }\t'), padded('  { }\t')],
  ['a byte order mark, as a character', Buffer.from('\ufeff{}'), padded('\ufeff{}')],
  ['a byte that never occurs', Buffer.from([0x22, 0xff, 0x22]), ''],
  ['a character cut short by the end', Buffer.from([0x22, 0xe2, 0x82]), ''],
  ['half a pair of surrogates', Buffer.from([0x22, 0xed, 0xa0, 0xbd, 0x22]), ''],
  ['a bad byte and a real replacement character', Buffer.from([0x22, 0xef, 0xbf, 0xbd, 0xff, 0x22]), ''],
]

for (const [name, bytes, text] of utf8) {
  t.test(`the text of an authentic value with ${name} is ${JSON.stringify(text)}`, async (t) => {
    t.match(codec.open(await sealedP(plaintext(at(1, 2), bytes))), { text, ...at(1, 2), keyIndex: 0 })
  })
}

t.test('several keys', async (t) => {
  const keys = [1, 2, 3, 4, 5, 6, 7, 8].map(keysOf)
  const several = codecOf(...keys)
  for (const [keyIndex, by] of keys.entries()) {
    t.match(several.open(await sealed('{}', at(1, 2), by)), { text: padded('{}'), keyIndex }, `open: ${keyIndex}`)
  }
  t.match(codec.open(several.seal('{}', at(1, 2))), { text: padded('{}') }, 'seal with the first')
  t.equal(several.open(await sealed('{}', at(1, 2), keysOf(9))), 'tag', 'refuse one more')
  const mixed = { encryption: keysOf(1).encryption, authentication: keysOf(2).authentication }
  t.notMatch(several.open(await sealed('{}', at(1, 2), mixed)), { text: padded('{}') }, 'do not mix')
})

const bound: [name: string, domain: string, path: string, partitioned: boolean, hex: string][] = [
  ['session', '', '/', false, '01' + '0007' + '73657373696f6e' + '0000' + '0001' + '2f' + '00'],
  ['session', '', '/', true, '01' + '0007' + '73657373696f6e' + '0000' + '0001' + '2f' + '01'],
  ['s', 'a.example', '/p', false, '01' + '0001' + '73' + '0009' + '612e6578616d706c65' + '0002' + '2f70' + '00'],
  ['n'.repeat(3000), 'd'.repeat(256), `/${'p'.repeat(1023)}`, false,
    '01' + '0bb8' + '6e'.repeat(3000) + '0100' + '64'.repeat(256) + '0400' + '2f' + '70'.repeat(1023) + '00'],
]

for (const [name, domain, path, partitioned, hex] of bound) {
  t.test(`A of lengths ${name.length}, ${domain.length}, ${path.length}, partitioned: ${partitioned}`, async (t) => {
    t.equal(associatedData(name, domain, path, partitioned).toString('hex'), hex)
  })
}

t.test('the IV', async (t) => {
  const asked: number[] = []
  const given: string[] = []
  const next = (length: number) => {
    const random = Buffer.alloc(length)
    for (let at = 0; at < length; at += 16) {
      random.writeUInt32BE(given.length + 1, at)
      given.push(random.toString('hex', at, at + 16))
    }
    asked.push(length)
    return random
  }
  const fresh = codecOf(keysOf(1))
  const used = withRandom(next, () => Array.from({ length: 600 }, () => ivOf(fresh.seal('{}', at(1, 2))).toString('hex')))
  t.strictSame(asked, [4096, 4096, 4096])
  t.strictSame(used, given.slice(0, 600), 'is asked of the random generator, and each is used once')

  const last = codecOf(keysOf(1))
  withRandom(() => Buffer.alloc(16, 7), () => last.seal('{}', at(1, 2)))
  const undo = breakCrypto('randomBytes')
  t.teardown(undo)
  for (let n = 0; n < 3; n++) t.throws(() => last.seal('{}', at(1, 2)), { message: 'no randomBytes' }, 'is missed at once')
  undo()
  t.notSame(ivOf(last.seal('{}', at(1, 2))), Buffer.alloc(16, 7), 'and none is taken a second time')
})

const needed = {
  seal: ['randomBytes', 'createCipheriv', 'createHmac'],
  open: ['createHmac', 'timingSafeEqual', 'createDecipheriv'],
} as const

t.test('without', async (t) => {
  for (const broken of new Set([...needed.seal, ...needed.open])) {
    t.test(`${broken} a codec can be made, and throws where it needs it`, async (t) => {
      const undo = breakCrypto(broken)
      t.teardown(undo)
      const made = codecOf(keysOf(1))
      const acts = { seal: () => made.seal('{}', at(1, 2)), open: () => made.open(good) }
      for (const [name, act] of Object.entries(acts)) {
        const needs = (needed[name as keyof typeof needed] as readonly string[]).includes(broken)
        if (needs) t.throws(act, { message: `no ${broken}` }, name)
        else t.doesNotThrow(act, name)
      }
      undo()
      t.match(made.open(made.seal('{}', at(1, 2))), { text: padded('{}') }, 'and works once it is back')
    })
  }
})

import { createCipheriv, createHmac, createSecretKey } from 'node:crypto'
import t from 'tap'
import { associatedData, Codec, valueLength } from '../../lib/codec.js'
import { noLifetime, type Lifetime } from '../../lib/lifetime.js'
import { breakCrypto, costOf, withRandom } from '../support/node-crypto.js'

/** A key as bytes, for the values made by hand here; for the codec they become KeyObjects. */
const keyOf = (n: number) => ({ encryption: Buffer.alloc(32, n), authentication: Buffer.alloc(32, 100 + n) })
const objectsOf = (...keys: ReturnType<typeof keyOf>[]) => keys.map(({ encryption, authentication }) =>
  ({ encryption: createSecretKey(encryption), authentication: createSecretKey(authentication) }))

const a = associatedData('session', '', '/', false)
const key = keyOf(1)
const newCodec = (...keys: ReturnType<typeof keyOf>[]) => new Codec(objectsOf(...keys.length > 0 ? keys : [key]), a)

const big = (value: number, length: number) => Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex')

/** Times, and a lifetime of the session's own. */
const at = (created: number, issued: number, lifetime: Lifetime = noLifetime) => ({ created, issued, lifetime })

/** P, with as many spaces as the format asks for. */
function plainOf(text: string | Buffer, { created, issued, lifetime } = at(1, 2)): Buffer {
  const { persistence, maxAge, idleTimeout } = lifetime
  const unpadded = Buffer.concat(
    [big(persistence, 1), big(created, 6), big(issued, 6), big(maxAge, 4), big(idleTimeout, 4),
      Buffer.from(text as string)])
  return Buffer.concat([unpadded, Buffer.alloc((32 - unpadded.length % 32) % 32, ' ')])
}

interface Parts {
  version?: number
  iv?: Buffer
  plain?: Buffer
  by?: ReturnType<typeof keyOf>
  bound?: Buffer
  /** What the tag covers, if it is not what it should. */
  tagged?: (parts: { a: Buffer, iv: Buffer, ciphertext: Buffer, bits: Buffer }) => Buffer[]
}

/** A value made by hand, step by step as the table in the codec has it. */
function byHand(
  { version = 1, iv = Buffer.alloc(16, 7), plain = plainOf('{}'), by = key, bound = a, tagged }: Parts,
): string {
  const ciphertext = createCipheriv('aes-256-ctr', by.encryption, iv).update(plain)
  const bits = big(8 * bound.length, 8)
  const input = tagged?.({ a: bound, iv, ciphertext, bits }) ?? [bound, iv, ciphertext, bits]
  const tag = createHmac('sha256', by.authentication).update(Buffer.concat(input)).digest()
  return Buffer.concat([Buffer.from([version]), iv, ciphertext, tag]).toString('base64url')
}

/** What a value was opened as, or why it was refused. */
function opening(codec: Codec, value: string) {
  const opened = codec.open(value)
  if (typeof opened === 'string') return opened
  const { text, created, issued, lifetime, keyIndex } = opened
  return { text, created, issued, lifetime, keyIndex }
}

const ivOf = (value: string) => Buffer.from(value, 'base64url').subarray(1, 17)

const json = (length: number) => `{"a":"${'x'.repeat(length - 8)}"}`

const own: Lifetime = { persistence: 2, maxAge: 28_800, idleTimeout: 1800 }

const contents: [name: string, text: string, times: ReturnType<typeof at>][] = [
  ['an empty session', '{}', at(1_800_000_000, 1_800_000_000)],
  ['a session', '{"user":"ann","visits":3}', at(1_800_000_000, 1_800_000_123)],
  ['one byte short of a block', json(10), at(1, 2)],
  ['just a block', json(11), at(1, 2)],
  ['one byte more than a block', json(12), at(1, 2)],
  ['many blocks', json(2000), at(1, 2)],
  ['as much as a value holds', json(2987), at(1, 2)],
  ['characters of several bytes', '{"ä":"😀\u2028"}', at(1, 2)],
  ['a replacement character', '{"a":"\ufffd"}', at(1, 2)],
  ['a NUL as JSON spells it', '{"a":"\\u0000"}', at(1, 2)],
  ['times of 0', '{}', at(0, 0)],
  ['times beyond 32 bits', '{}', at(2 ** 32, 2 ** 32 + 1)],
  ['the latest times', '{}', at(2 ** 48 - 2, 2 ** 48 - 1)],
  ['a lifetime of its own', '{"user":"ann"}', at(1, 2, own)],
  ['a lifetime that is persistent and nothing else', '{}', at(1, 2, { ...noLifetime, persistence: 1 })],
  ['a lifetime that ends with the browser and nothing else', '{}', at(1, 2, { ...noLifetime, persistence: 2 })],
  ['a maxAge of its own', '{}', at(1, 2, { ...noLifetime, maxAge: 1 })],
  ['an idleTimeout of its own', '{}', at(1, 2, { ...noLifetime, idleTimeout: 1 })],
  ['the longest lifetime', '{}', at(1, 2, { persistence: 1, maxAge: 34_560_000, idleTimeout: 34_560_000 })],
  ['a lifetime with four bytes of each', '{}', at(1, 2, { persistence: 2, maxAge: 0x01020304, idleTimeout: 0x02010403 })],
]

t.test('seals and opens, byte for byte as by hand:', async (t) => {
  for (const [name, text, times] of contents) {
    t.test(name, async (t) => {
      const codec = newCodec()
      const value = codec.seal(text, times)
      t.equal(value, byHand({ iv: ivOf(value), plain: plainOf(text, times) }))
      t.equal(value.length, valueLength(Buffer.byteLength(text)))
      const expected = { text, ...times, keyIndex: 0 }
      t.strictSame(opening(codec, value), expected)
      t.strictSame(opening(newCodec(), byHand({ plain: plainOf(text, times) })), expected)
      t.match(codec.open(value), { value })
    })
  }

  t.test('no lifetime is one object, however often', async (t) => {
    const codec = newCodec()
    const opened = [1, 2].map(() => codec.open(codec.seal('{}', at(1, 2, { persistence: 0, maxAge: 0, idleTimeout: 0 }))))
    for (const one of opened) t.equal((one as { lifetime: Lifetime }).lifetime, noLifetime)
  })
})

const lengths: [text: number, value: number][] =
  [[2, 108], [11, 108], [12, 151], [43, 151], [44, 194], [2987, 4076], [2988, 4119]]

for (const [text, value] of lengths) {
  t.test(`${text} bytes of JSON make ${value} characters`, async (t) => {
    t.equal(valueLength(text), value)
  })
}

t.test('one codec after values of other lengths', async (t) => {
  const second = keyOf(2)
  const codec = newCodec(key, second)
  const seal = (text: string) => {
    const value = codec.seal(text, at(3, 4))
    t.equal(value, byHand({ iv: ivOf(value), plain: plainOf(text, at(3, 4)) }))
  }
  const open = (text: string, by: ReturnType<typeof keyOf>) => {
    const expected = { text, ...at(1, 2), keyIndex: by === key ? 0 : 1 }
    t.strictSame(opening(codec, byHand({ plain: plainOf(text), by })), expected)
  }
  const steps: [name: string, act: () => void][] = [
    ['seals a long one', () => seal(json(2987))],
    ['seals a short one', () => seal('{}')],
    ['opens a long one', () => open(json(2900), key)],
    ['opens a short one', () => open('{}', key)],
    ['opens one of the second key', () => open(json(500), second)],
    ['refuses a length', () => t.equal(codec.open('A'), 'length')],
    ['refuses an alphabet', () => t.equal(codec.open('!'.repeat(4096)), 'format')],
    ['refuses half an alphabet', () => t.equal(codec.open('A'.repeat(2000) + '!'.repeat(2000)), 'format')],
    ['refuses a version', () => t.equal(codec.open(byHand({ version: 2, plain: plainOf(json(1000)) })), 'format')],
    ['refuses a tag', () => t.equal(codec.open(byHand({ by: keyOf(3), plain: plainOf(json(2000)) })), 'tag')],
    ['seals one in the middle', () => seal(json(777))],
  ]
  for (const [first, act] of steps) {
    for (const [then, next] of steps) {
      t.test(`${first}, then ${then}`, async () => {
        act()
        next()
      })
    }
  }
})

t.test('keeps what it gave out', async (t) => {
  const codec = newCodec()
  const opened = opening(codec, byHand({ plain: plainOf('{"a":1}') }))
  const value = codec.seal('{"b":2}', at(1, 2))
  const copy = `${value}`
  for (let n = 0; n < 300; n++) codec.open(codec.seal(json(1000 + n), at(n, n, own)))
  t.strictSame(opened, { text: '{"a":1}', ...at(1, 2), keyIndex: 0 })
  t.equal(value, copy)
})

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const text = '{"a":"an authentic one"}'
const good = byHand({ plain: plainOf(text) })
const goodBytes = Buffer.from(good, 'base64url')
const changed = (change: (bytes: Buffer) => Uint8Array | void) => {
  const bytes = Buffer.from(goodBytes)
  return Buffer.from(change(bytes) ?? bytes).toString('base64url')
}
const flip = (at: number) => changed((bytes) => { bytes.set([bytes.at(at)! ^ 1], at < 0 ? bytes.length + at : at) })
const put = (index: number, put: string, remove = put.length) => good.slice(0, index) + put + good.slice(index + remove)

const outOfRange: [name: string, lifetime: Partial<Lifetime>][] = [
  ['a persistence of 3', { persistence: 3 }],
  ['a persistence of 128', { persistence: 128 }],
  ['a persistence of 255', { persistence: 255 }],
  ['a maxAge of its own of 34 560 001', { maxAge: 34_560_001 }],
  ['a maxAge of its own of 2^31', { maxAge: 2 ** 31 }],
  ['a maxAge of its own of 2^32 - 1', { maxAge: 2 ** 32 - 1 }],
  ['an idleTimeout of its own of 34 560 001', { idleTimeout: 34_560_001 }],
  ['an idleTimeout of its own of 2^31', { idleTimeout: 2 ** 31 }],
  ['an idleTimeout of its own of 2^32 - 1', { idleTimeout: 2 ** 32 - 1 }],
]

const refused: [reason: 'length' | 'format' | 'tag', name: string, value: string][] = [
  ['length', 'nothing', ''],
  ['length', 'one character', 'A'],
  ['length', '107 characters', byHand({}).slice(0, 107)],
  ['length', '4097 characters', 'A'.repeat(4097)],
  ['length', 'a megabyte', 'A'.repeat(1_000_000)],
  ['length', 'what would be an authentic value of 4097 characters and more', byHand({ plain: plainOf(json(3030)) })],

  ['format', '108 characters of another alphabet', '+'.repeat(108)],
  ['format', '4096 characters of another alphabet', '$'.repeat(4096)],
  ['format', 'a plus sign', put(20, '+')],
  ['format', 'a slash', put(20, '/')],
  ['format', 'base64 in place of base64url',
    Buffer.from(byHand({ iv: Buffer.alloc(16, 0xff) }), 'base64url').toString('base64')],
  ['format', 'padding', `${good}=`],
  ['format', 'two of padding', `${good}==`],
  ['format', 'padding inside', put(20, '=')],
  ['format', 'a space before', ` ${good}`],
  ['format', 'a space after', `${good} `],
  ['format', 'a space inside', put(20, ' ', 0)],
  ['format', 'a tab inside', put(20, '\t', 0)],
  ['format', 'a line feed at the end', `${good}\n`],
  ['format', 'a dot', `${good}.`],
  ['format', 'quotes', `"${good}"`],
  ['format', 'a percent sign', put(20, '%41', 1)],
  ['format', 'a NUL', put(20, '\0')],
  ['format', 'a character with the low byte of the right one',
    put(20, String.fromCharCode(good.charCodeAt(20) + 0x100))],
  ['format', 'a full-width character', put(20, '\uff21')],
  ['format', 'half a pair of surrogates', put(20, '\ud83d')],
  ['format', 'bits after the last byte', good.slice(0, -1) + alphabet[alphabet.indexOf(good.at(-1)!) ^ 1]],
  ['format', 'a number of characters that is no number of bytes', `${good}${'A'.repeat((5 - good.length % 4) % 4)}`],
  ['format', 'version 0', byHand({ version: 0 })],
  ['format', 'version 2', byHand({ version: 2 })],
  ['format', 'version 129', byHand({ version: 129 })],
  ['format', 'version 255', byHand({ version: 255 })],
  ['format', 'the version that is the end of A', byHand({ version: a.at(-1)! })],
  ['format', 'a version that the tag covers',
    byHand({ version: 2, bound: Buffer.concat([Buffer.from([2]), a.subarray(1)]) })],
  ['format', 'an authentic P of 33 bytes', byHand({ plain: Buffer.concat([plainOf(json(11)), Buffer.from(' ')]) })],
  ['format', 'an authentic P of 63 bytes', byHand({ plain: plainOf(json(43)).subarray(0, 63) })],
  ['format', 'an authentic P that makes just 4096 characters',
    byHand({ plain: Buffer.concat([plainOf(json(2987)), Buffer.alloc(15, ' ')]) })],
  ...outOfRange.map(([name, lifetime]): ['format', string, string] =>
    ['format', `an authentic P with ${name}`, byHand({ plain: plainOf('{}', at(1, 2, { ...noLifetime, ...lifetime })) })]),

  ['tag', 'another key', byHand({ by: keyOf(2) })],
  ['tag', 'another encryption key and the same authentication key, for another A',
    byHand({ by: { ...key, encryption: Buffer.alloc(32, 9) }, bound: associatedData('session', '', '/a', false) })],
  ['tag', 'another partition', byHand({ bound: associatedData('session', '', '/', true) })],
  ['tag', 'an A without a partition', byHand({ bound: a.subarray(0, -1) })],
  ['tag', 'another authentication key', byHand({ by: { ...key, authentication: Buffer.alloc(32, 9) } })],
  ['tag', 'the keys in each other\'s place',
    byHand({ by: { encryption: key.authentication, authentication: key.encryption } })],
  ['tag', 'another first byte of the IV', flip(1)],
  ['tag', 'another last byte of the IV', flip(16)],
  ['tag', 'another first byte of the ciphertext', flip(17)],
  ['tag', 'another last byte of the ciphertext', flip(-33)],
  ['tag', 'another first byte of the tag', flip(-32)],
  ['tag', 'another last byte of the tag', flip(-1)],
  ['tag', 'no byte of the tag', changed((bytes) => bytes.subarray(0, -32))],
  ['tag', 'half of the tag', changed((bytes) => bytes.subarray(0, -16))],
  ['tag', 'one byte more', changed((bytes) => Buffer.concat([bytes, Buffer.from([0])]))],
  ['tag', 'a block less', changed((bytes) => Buffer.concat([bytes.subarray(0, 33), bytes.subarray(65)]))],
  ['tag', 'a tag of zeros', changed((bytes) => { bytes.fill(0, bytes.length - 32) })],
  ['tag', 'a tag over no A', byHand({ tagged: ({ iv, ciphertext, bits }) => [iv, ciphertext, bits] })],
  ['tag', 'a tag over no IV', byHand({ tagged: ({ a, ciphertext, bits }) => [a, ciphertext, bits] })],
  ['tag', 'a tag over no ciphertext', byHand({ tagged: ({ a, iv, bits }) => [a, iv, bits] })],
  ['tag', 'a tag over no length', byHand({ tagged: ({ a, iv, ciphertext }) => [a, iv, ciphertext] })],
  ['tag', 'a tag over the length in bytes',
    byHand({ tagged: ({ a, iv, ciphertext }) => [a, iv, ciphertext, big(a.length, 8)] })],
  ['tag', 'a tag over a short length',
    byHand({ tagged: ({ a, iv, ciphertext, bits }) => [a, iv, ciphertext, bits.subarray(4)] })],
  ['tag', 'a tag over the length the other way round',
    byHand({ tagged: ({ a, iv, ciphertext, bits }) => [a, iv, ciphertext, Buffer.from(bits).reverse()] })],
]

t.test('refuses', async (t) => {
  const [, , sameBytes] = refused.find(([, name]) => name === 'bits after the last byte')!
  t.strictSame(Buffer.from(sameBytes, 'base64url'), goodBytes, 'the row with bits after the last byte is what it says')

  for (const [reason, name, value] of refused) {
    t.test(`${name}: ${reason}`, async (t) => {
      const codec = newCodec()
      const { keystreams, tags, comparisons } = costOf(() => { t.equal(codec.open(value), reason) })
      // What has no length that we seal is not even decrypted.
      const isDecrypted = name.startsWith('an authentic P with')
      t.equal(keystreams, isDecrypted ? 1 : 0, 'and decrypts nothing that is not authentic')
      const isAuthentic = name.startsWith('an authentic P')
      t.equal(tags, reason === 'tag' || isAuthentic ? 1 : 0, 'with no HMAC for what is none of ours by its form')
      t.equal(comparisons, tags, 'and compares each tag in constant time')
      t.strictSame(opening(codec, good), { text, ...at(1, 2), keyIndex: 0 }, 'and opens the next one')
    })
  }
})

const utf8: [name: string, bytes: Buffer, text: string | undefined][] = [
  ['no bytes', Buffer.alloc(0), ''],
  ['spaces alone', Buffer.from('    '), ''],
  ['spaces inside and a tab at the end', Buffer.from('{ "a" : 1 }\t'), '{ "a" : 1 }\t'],
  ['spaces before', Buffer.from('   {}'), '   {}'],
  ['a byte order mark, as a character', Buffer.from('\ufeff{}'), '\ufeff{}'],
  ['a real replacement character', Buffer.from('{"a":"\ufffd"}'), '{"a":"\ufffd"}'],
  ['a byte that never occurs', Buffer.from([0x22, 0xff, 0x22]), undefined],
  ['a continuation byte alone', Buffer.from([0x22, 0x80, 0x22]), undefined],
  ['a character cut short', Buffer.from([0x22, 0xe2, 0x82, 0x22]), undefined],
  ['a character cut short by the end', Buffer.from([0x22, 0xe2, 0x82]), undefined],
  ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), undefined],
  ['half a pair of surrogates', Buffer.from([0x22, 0xed, 0xa0, 0xbd, 0x22]), undefined],
  ['a code point beyond the last', Buffer.from([0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]), undefined],
  ['a bad byte and a real replacement character', Buffer.from([0x22, 0xef, 0xbf, 0xbd, 0xff, 0x22]), undefined],
]

t.test('the text of an authentic value with', async (t) => {
  for (const [name, bytes, text] of utf8) {
    t.test(`${name} is ${JSON.stringify(text)}`, async (t) => {
      t.strictSame(opening(newCodec(), byHand({ plain: plainOf(bytes) })), { text, ...at(1, 2), keyIndex: 0 })
    })
  }

  t.test('more spaces than are needed', async (t) => {
    const plain = Buffer.concat([plainOf('{}'), Buffer.alloc(64, ' ')])
    t.match(newCodec().open(byHand({ plain })), { text: '{}' })
  })
})

t.test('several keys', async (t) => {
  const keys = [1, 2, 3, 4, 5, 6, 7, 8].map(keyOf)
  const codec = newCodec(...keys)
  for (const [keyIndex, by] of keys.entries()) {
    t.test(`open under the one of index ${keyIndex}`, async (t) => {
      t.match(codec.open(byHand({ by })), { text: '{}', keyIndex })
    })
  }
  t.test('seal with the first', async (t) => {
    const value = codec.seal('{}', at(1, 2))
    t.equal(value, byHand({ iv: ivOf(value) }))
  })
  t.test('refuse one more', async (t) => {
    t.equal(codec.open(byHand({ by: keyOf(9) })), 'tag')
  })
  t.test('do not mix', async (t) => {
    const by = { encryption: keyOf(2).encryption, authentication: keyOf(9).authentication }
    t.equal(codec.open(byHand({ by })), 'tag')
  })
})

const bound: [name: string, domain: string, path: string, partitioned: boolean, hex: string][] = [
  ['session', '', '/', false, '01' + '0007' + '73657373696f6e' + '0000' + '0001' + '2f' + '00'],
  ['session', '', '/', true, '01' + '0007' + '73657373696f6e' + '0000' + '0001' + '2f' + '01'],
  ['s', 'a.example', '/p', false, '01' + '0001' + '73' + '0009' + '612e6578616d706c65' + '0002' + '2f70' + '00'],
  ['n'.repeat(255), '', '/', false, '01' + '00ff' + '6e'.repeat(255) + '0000' + '0001' + '2f' + '00'],
  ['n'.repeat(256), '', '/', true, '01' + '0100' + '6e'.repeat(256) + '0000' + '0001' + '2f' + '01'],
  ['n'.repeat(3000), 'd'.repeat(250), `/${'p'.repeat(1023)}`, false,
    '01' + '0bb8' + '6e'.repeat(3000) + '00fa' + '64'.repeat(250) + '0400' + '2f' + '70'.repeat(1023) + '00'],
]

t.test('A', async (t) => {
  for (const [name, domain, path, partitioned, hex] of bound) {
    t.test(`of lengths ${name.length}, ${domain.length}, ${path.length}, partitioned: ${partitioned}`, async (t) => {
      const a = associatedData(name, domain, path, partitioned)
      t.equal(a.toString('hex'), hex)
      const codec = new Codec(objectsOf(key), a)
      const value = codec.seal(text, at(1, 2))
      t.equal(value, byHand({ iv: ivOf(value), plain: plainOf(text), bound: a }))
      t.match(codec.open(value), { text })
      t.match(codec.open(codec.seal(json(2987), at(1, 2))), { text: json(2987) }, 'and the longest one')
    })
  }

  t.test('of each length modulo 4, since the ciphertext has to begin at a word', async (t) => {
    for (let length = 1; length <= 70; length++) {
      const bound = associatedData('n'.repeat(length), '', '/', length % 2 === 0)
      const codec = new Codec(objectsOf(key), bound)
      const value = codec.seal(text, at(1, 2))
      t.equal(value, byHand({ iv: ivOf(value), plain: plainOf(text), bound }), `a name of ${length}`)
      t.match(codec.open(value), { text })
    }
  })

  // Pairs that would be one if the parts were only put side by side, and plain differences.
  const scopes: [name: string, domain: string, path: string, partitioned: boolean][] = [
    ['session', '', '/', false],
    ['session', '', '/', true],
    ['session', '', '/\0', false],
    ['session', '', '/\u0001', false],
    ['sessio', 'n', '/', false],
    ['session', '/', '', false],
    ['', 'session', '/', false],
    ['session/', '', '', false],
    ['session', '', '/a', false],
    ['session', 'a', '/', false],
    ['Session', '', '/', false],
    ['session2', '', '/', false],
    ['session', 'a.example', '/', false],
    ['session', 'a.example', '/', true],
    ['session', 'A.example', '/', false],
    ['session', '', '/a.example', false],
  ]
  for (const from of scopes) {
    t.test(`binds a value to ${JSON.stringify(from)}`, async (t) => {
      const value = new Codec(objectsOf(key), associatedData(...from)).seal(text, at(1, 2))
      for (const to of scopes) {
        const opened = new Codec(objectsOf(key), associatedData(...to)).open(value)
        if (from === to) t.match(opened, { text })
        else t.equal(opened, 'tag', to.join(' '))
      }
    })
  }
})

t.test('the IV', async (t) => {
  t.test('never comes twice', async (t) => {
    const codecs = [newCodec(), newCodec()]
    const ivs = Array.from({ length: 2000 }, (_, n) => ivOf(codecs[n % 2]!.seal('{}', at(1, 2))).toString('hex'))
    t.equal(new Set(ivs).size, 2000)
  })

  t.test('comes from the random generator, which is asked once for 256 of them', async (t) => {
    const asked: number[] = []
    const given = new Set<string>()
    const used: string[] = []
    let block = 0
    const fill = (buffer: Buffer) => {
      asked.push(buffer.length)
      for (let at = 0; at < buffer.length; at += 16) {
        buffer.fill(0, at, at + 16).writeUInt32BE(++block, at + 6)
        given.add(buffer.toString('hex', at, at + 16))
      }
    }
    withRandom(fill, () => {
      const codec = newCodec()
      t.strictSame(asked, [], 'and not before it is needed')
      for (const [count, calls] of [[1, 1], [256, 1], [257, 2], [512, 2], [513, 3]] as const) {
        while (used.length < count) used.push(ivOf(codec.seal('{}', at(1, 2))).toString('hex'))
        t.equal(asked.length, calls, `${count} values`)
      }
    })
    t.strictSame(asked, [4096, 4096, 4096])
    t.equal(new Set(used).size, used.length)
    t.ok(used.every((iv) => given.has(iv)))
  })

  const failing = () => { throw new Error('no randomness') }

  t.test('is missed at once when the random generator fails', async (t) => {
    const codec = newCodec()
    withRandom(failing, () => {
      for (let n = 0; n < 3; n++) t.throws(() => codec.seal('{}', at(1, 2)), { message: 'no randomness' })
      t.strictSame(opening(codec, good), { text, ...at(1, 2), keyIndex: 0 }, 'which opening does not need')
    })
    const value = codec.seal('{}', at(1, 2))
    t.equal(value, byHand({ iv: ivOf(value) }), 'and found again when it works again')
    t.notSame(ivOf(value), Buffer.alloc(16))
  })

  t.test('is not taken a second time from a pool that cannot be filled again', async (t) => {
    const codec = newCodec()
    const ivs = Array.from({ length: 256 }, () => ivOf(codec.seal('{}', at(1, 2))).toString('hex'))
    withRandom(failing, () => {
      for (let n = 0; n < 3; n++) t.throws(() => codec.seal('{}', at(1, 2)), { message: 'no randomness' })
    })
    for (let n = 0; n < 256; n++) ivs.push(ivOf(codec.seal('{}', at(1, 2))).toString('hex'))
    t.equal(new Set(ivs).size, 512)
  })
})

/** What a scratch buffer still holds must not get into what leaves: neither plaintext nor keystream. */
t.test('nothing of one call is in what another call gives out', async (t) => {
  const secret = `{"secret":"${'s3cr3t'.repeat(400)}"}`
  const long: [name: string, act: (codec: Codec) => void][] = [
    ['a long one was sealed', (codec) => { codec.seal(secret, at(1, 2, own)) }],
    ['a long one was opened', (codec) => { t.match(codec.open(byHand({ plain: plainOf(secret) })), { text: secret }) }],
    ['a long one was refused', (codec) => { codec.open(byHand({ plain: plainOf(secret), by: keyOf(3) })) }],
    ['a long one failed for want of randomness', (codec) => {
      withRandom(() => { throw new Error('no randomness') }, () => t.throws(() => codec.seal(secret, at(1, 2))))
    }],
  ]
  for (const [name, act] of long) {
    t.test(`after ${name}`, async (t) => {
      const codec = newCodec()
      act(codec)
      for (let length = 2; length < 80; length++) {
        const short = length < 8 ? '{}' : json(length)
        const value = codec.seal(short, at(3, 4))
        const bytes = Buffer.from(value, 'base64url')
        t.equal(value, byHand({ iv: ivOf(value), plain: plainOf(short, at(3, 4)) }))
        // All of P that is not the JSON, times or lifetime is spaces.
        const plain = createCipheriv('aes-256-ctr', key.encryption, ivOf(value)).update(bytes.subarray(17, -32))
        t.equal(plain.toString('latin1', 21).trimEnd(), short)
        t.strictSame(opening(codec, value), { text: short, ...at(3, 4), keyIndex: 0 })
      }
    })
  }

  t.test('no two values of one text share a keystream', async (t) => {
    const codec = newCodec()
    const streams = new Set<string>()
    for (let n = 0; n < 300; n++) {
      const bytes = Buffer.from(codec.seal('{}', at(1, 2)), 'base64url').subarray(17, -32)
      const plain = plainOf('{}')
      streams.add(bytes.map((byte, index) => byte ^ plain[index]!).toString())
    }
    t.equal(streams.size, 300)
  })

  t.test('a keystream is made for each value, and one object of node:crypto for all', async (t) => {
    const codec = newCodec()
    let value = ''
    t.strictSame(costOf(() => { value = codec.seal(text, at(1, 2)) }),
      { tags: 1, keystreams: 1, comparisons: 0, objects: 0 })
    for (let time = 0; time < 2; time++) {
      t.strictSame(costOf(() => { codec.open(value) }), { tags: 1, keystreams: 1, comparisons: 1, objects: 0 })
    }
  })
})

t.test('sealing depends on nothing that the call before left', async (t) => {
  const names = ['hash', 'timingSafeEqual'] as const
  for (const name of names) {
    t.test(`after ${name} threw while opening`, async (t) => {
      const codec = newCodec()
      const undo = breakCrypto(name)
      try {
        t.throws(() => codec.open(good), { message: `no ${name}` })
      } finally {
        undo()
      }
      const value = codec.seal(text, at(1, 2))
      t.equal(value, byHand({ iv: ivOf(value), plain: plainOf(text) }))
      t.strictSame(opening(codec, good), { text, ...at(1, 2), keyIndex: 0 })
    })
  }

  const acts: [where: string, act: (codec: Codec) => unknown][] = [
    ['opening', (codec) => codec.open(good)],
    ['sealing', (codec) => codec.seal(text, at(3, 4))],
  ]
  for (const [where, act] of acts) {
    t.test(`after the value could not be spelled for want of stack or memory while ${where}`, async (t) => {
      const codec = newCodec()
      const { toString } = Buffer.prototype
      Buffer.prototype.toString = () => { throw new RangeError('no room') }
      try {
        t.throws(() => act(codec), { message: 'no room' })
      } finally {
        Buffer.prototype.toString = toString
      }
      const value = codec.seal(text, at(1, 2))
      t.equal(value, byHand({ iv: ivOf(value), plain: plainOf(text) }))
      t.strictSame(opening(codec, good), { text, ...at(1, 2), keyIndex: 0 })
    })
  }

  t.test('after hash threw while sealing', async (t) => {
    const codec = newCodec()
    const undo = breakCrypto('hash')
    try {
      t.throws(() => codec.seal(text, at(1, 2)), { message: 'no hash' })
    } finally {
      undo()
    }
    t.strictSame(opening(codec, good), { text, ...at(1, 2), keyIndex: 0 })
    const value = codec.seal(text, at(1, 2))
    t.equal(value, byHand({ iv: ivOf(value), plain: plainOf(text) }))
  })
})

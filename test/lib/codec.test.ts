import { createCipheriv, createHmac, createSecretKey } from 'node:crypto'
import t from 'tap'
import { boundTo, Codec, valueLength } from '../../lib/codec.js'
import { callsOf, withRandom } from '../support/node-crypto.js'

/** A key as bytes, for the values made by hand here; for the codec they become KeyObjects. */
const keyOf = (n: number) => ({ encryption: Buffer.alloc(32, n), authentication: Buffer.alloc(32, 100 + n) })
const objectsOf = (...keys: ReturnType<typeof keyOf>[]) => keys.map(({ encryption, authentication }) =>
  ({ encryption: createSecretKey(encryption), authentication: createSecretKey(authentication) }))

const a = boundTo('session', '', '/')
const key = keyOf(1)
const newCodec = (...keys: ReturnType<typeof keyOf>[]) => new Codec(objectsOf(...keys.length > 0 ? keys : [key]), a)

const big = (value: number, length: number) => Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex')

/** P, with as many spaces as the format asks for. */
function plainOf(text: string | Buffer, created = 1, issued = 2): Buffer {
  const unpadded = Buffer.concat([big(created, 6), big(issued, 6), Buffer.from(text as string)])
  return Buffer.concat([unpadded, Buffer.alloc((32 - unpadded.length % 32) % 32, ' ')])
}

interface Parts {
  version?: number
  iv?: Buffer
  plain?: Buffer
  by?: ReturnType<typeof keyOf>
  boundTo?: Buffer
  /** What the tag covers, if it is not what it should. */
  tagged?: (parts: { a: Buffer, iv: Buffer, ciphertext: Buffer, bits: Buffer }) => Buffer[]
}

/** A value made by hand, step by step as the table in the codec has it. */
function byHand(
  { version = 1, iv = Buffer.alloc(16, 7), plain = plainOf('{}'), by = key, boundTo = a, tagged }: Parts,
): string {
  const ciphertext = createCipheriv('aes-256-ctr', by.encryption, iv).update(plain)
  const bits = big(8 * boundTo.length, 8)
  const input = tagged?.({ a: boundTo, iv, ciphertext, bits }) ?? [boundTo, iv, ciphertext, bits]
  const tag = createHmac('sha256', by.authentication).update(Buffer.concat(input)).digest()
  return Buffer.concat([Buffer.from([version]), iv, ciphertext, tag]).toString('base64url')
}

/** What a value was opened as, or why it was refused. */
function opening(codec: Codec, value: string) {
  const opened = codec.open(value)
  if (typeof opened === 'string') return opened
  const { text, created, issued, keyIndex } = opened
  return { text, created, issued, keyIndex }
}

const ivOf = (value: string) => Buffer.from(value, 'base64url').subarray(1, 17)

const json = (length: number) => `{"a":"${'x'.repeat(length - 8)}"}`

const contents: [name: string, text: string, created: number, issued: number][] = [
  ['an empty session', '{}', 1_800_000_000, 1_800_000_000],
  ['a session', '{"user":"ann","visits":3}', 1_800_000_000, 1_800_000_123],
  ['one byte short of a block', json(19), 1, 2],
  ['just a block', json(20), 1, 2],
  ['one byte more than a block', json(21), 1, 2],
  ['many blocks', json(2000), 1, 2],
  ['as much as a value holds', json(2996), 1, 2],
  ['characters of several bytes', '{"ä":"😀\u2028"}', 1, 2],
  ['a replacement character', '{"a":"\ufffd"}', 1, 2],
  ['a NUL as JSON spells it', '{"a":"\\u0000"}', 1, 2],
  ['times of 0', '{}', 0, 0],
  ['times beyond 32 bits', '{}', 2 ** 32, 2 ** 32 + 1],
  ['the latest times', '{}', 2 ** 48 - 2, 2 ** 48 - 1],
]

t.test('seals and opens, byte for byte as by hand:', async (t) => {
  for (const [name, text, created, issued] of contents) {
    t.test(name, async (t) => {
      const codec = newCodec()
      const value = codec.seal(text, created, issued)
      t.equal(value, byHand({ iv: ivOf(value), plain: plainOf(text, created, issued) }))
      t.equal(value.length, valueLength(Buffer.byteLength(text)))
      const expected = { text, created, issued, keyIndex: 0 }
      t.strictSame(opening(codec, value), expected)
      t.strictSame(opening(newCodec(), byHand({ plain: plainOf(text, created, issued) })), expected)
    })
  }
})

const lengths: [text: number, value: number][] =
  [[2, 108], [20, 108], [21, 151], [52, 151], [53, 194], [2996, 4076], [2997, 4119]]

for (const [text, value] of lengths) {
  t.test(`${text} bytes of JSON make ${value} characters`, async (t) => {
    t.equal(valueLength(text), value)
  })
}

t.test('one codec after values of other lengths', async (t) => {
  const second = keyOf(2)
  const codec = newCodec(key, second)
  const seal = (text: string) => {
    const value = codec.seal(text, 3, 4)
    t.equal(value, byHand({ iv: ivOf(value), plain: plainOf(text, 3, 4) }))
  }
  const open = (text: string, by: ReturnType<typeof keyOf>) => {
    const expected = { text, created: 1, issued: 2, keyIndex: by === key ? 0 : 1 }
    t.strictSame(opening(codec, byHand({ plain: plainOf(text), by })), expected)
  }
  const steps: [name: string, act: () => void][] = [
    ['seals a long one', () => seal(json(2996))],
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
  const value = codec.seal('{"b":2}', 1, 2)
  const copy = `${value}`
  for (let n = 0; n < 300; n++) codec.open(codec.seal(json(1000 + n), n, n))
  t.strictSame(opened, { text: '{"a":1}', created: 1, issued: 2, keyIndex: 0 })
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
const at = (index: number, put: string, remove = put.length) => good.slice(0, index) + put + good.slice(index + remove)

const refused: [reason: 'length' | 'format' | 'tag', name: string, value: string][] = [
  ['length', 'nothing', ''],
  ['length', 'one character', 'A'],
  ['length', '107 characters', byHand({}).slice(0, 107)],
  ['length', '4097 characters', 'A'.repeat(4097)],
  ['length', 'a megabyte', 'A'.repeat(1_000_000)],
  ['length', 'what would be an authentic value of 4097 characters and more', byHand({ plain: plainOf(json(3030)) })],

  ['format', '108 characters of another alphabet', '+'.repeat(108)],
  ['format', '4096 characters of another alphabet', '$'.repeat(4096)],
  ['format', 'a plus sign', at(20, '+')],
  ['format', 'a slash', at(20, '/')],
  ['format', 'base64 in place of base64url',
    Buffer.from(byHand({ iv: Buffer.alloc(16, 0xff) }), 'base64url').toString('base64')],
  ['format', 'padding', `${good}=`],
  ['format', 'two of padding', `${good}==`],
  ['format', 'padding inside', at(20, '=')],
  ['format', 'a space before', ` ${good}`],
  ['format', 'a space after', `${good} `],
  ['format', 'a space inside', at(20, ' ', 0)],
  ['format', 'a tab inside', at(20, '\t', 0)],
  ['format', 'a line feed at the end', `${good}\n`],
  ['format', 'a dot', `${good}.`],
  ['format', 'quotes', `"${good}"`],
  ['format', 'a percent sign', at(20, '%41', 1)],
  ['format', 'a NUL', at(20, '\0')],
  ['format', 'a character with the low byte of the right one',
    at(20, String.fromCharCode(good.charCodeAt(20) + 0x100))],
  ['format', 'a full-width character', at(20, '\uff21')],
  ['format', 'half a pair of surrogates', at(20, '\ud83d')],
  ['format', 'bits after the last byte', good.slice(0, -1) + alphabet[alphabet.indexOf(good.at(-1)!) ^ 1]],
  ['format', 'a number of characters that is no number of bytes', `${good}${'A'.repeat((5 - good.length % 4) % 4)}`],
  ['format', 'version 0', byHand({ version: 0 })],
  ['format', 'version 2', byHand({ version: 2 })],
  ['format', 'version 129', byHand({ version: 129 })],
  ['format', 'version 255', byHand({ version: 255 })],
  ['format', 'the version that is the end of A', byHand({ version: a.at(-1)! })],
  ['format', 'a version that the tag covers',
    byHand({ version: 2, boundTo: Buffer.concat([Buffer.from([2]), a.subarray(1)]) })],
  ['format', 'an authentic P of 33 bytes', byHand({ plain: Buffer.concat([plainOf(json(20)), Buffer.from(' ')]) })],
  ['format', 'an authentic P of 63 bytes', byHand({ plain: plainOf(json(52)).subarray(0, 63) })],
  ['format', 'an authentic P that makes just 4096 characters',
    byHand({ plain: Buffer.concat([plainOf(json(2996)), Buffer.alloc(15, ' ')]) })],

  ['tag', 'another key', byHand({ by: keyOf(2) })],
  ['tag', 'another encryption key and the same authentication key, for another A',
    byHand({ by: { ...key, encryption: Buffer.alloc(32, 9) }, boundTo: boundTo('session', '', '/a') })],
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
      const decrypted = callsOf('createDecipheriv', () => { t.equal(codec.open(value), reason) })
      t.equal(decrypted, name.startsWith('an authentic P') ? 1 : 0, 'and decrypts nothing that is not authentic')
      t.strictSame(opening(codec, good), { text, created: 1, issued: 2, keyIndex: 0 }, 'and opens the next one')
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
      t.strictSame(opening(newCodec(), byHand({ plain: plainOf(bytes) })), { text, created: 1, issued: 2, keyIndex: 0 })
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
    const value = codec.seal('{}', 1, 2)
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

const bound: [name: string, domain: string, path: string, hex: string][] = [
  ['session', '', '/', '01' + '0007' + '73657373696f6e' + '0000' + '0001' + '2f'],
  ['s', 'a.example', '/p', '01' + '0001' + '73' + '0009' + '612e6578616d706c65' + '0002' + '2f70'],
  ['n'.repeat(255), '', '/', '01' + '00ff' + '6e'.repeat(255) + '0000' + '0001' + '2f'],
  ['n'.repeat(256), '', '/', '01' + '0100' + '6e'.repeat(256) + '0000' + '0001' + '2f'],
  ['n'.repeat(3000), 'd'.repeat(250), `/${'p'.repeat(1023)}`,
    '01' + '0bb8' + '6e'.repeat(3000) + '00fa' + '64'.repeat(250) + '0400' + '2f' + '70'.repeat(1023)],
]

t.test('A', async (t) => {
  for (const [name, domain, path, hex] of bound) {
    t.test(`of lengths ${name.length}, ${domain.length}, ${path.length}`, async (t) => {
      const a = boundTo(name, domain, path)
      t.equal(a.toString('hex'), hex)
      const codec = new Codec(objectsOf(key), a)
      const value = codec.seal(text, 1, 2)
      t.equal(value, byHand({ iv: ivOf(value), plain: plainOf(text), boundTo: a }))
      t.match(codec.open(value), { text })
    })
  }

  // Pairs that would be one if the parts were only put side by side, and plain differences.
  const scopes: [name: string, domain: string, path: string][] = [
    ['session', '', '/'],
    ['sessio', 'n', '/'],
    ['session', '/', ''],
    ['', 'session', '/'],
    ['session/', '', ''],
    ['session', '', '/a'],
    ['session', 'a', '/'],
    ['Session', '', '/'],
    ['session2', '', '/'],
    ['session', 'a.example', '/'],
    ['session', 'A.example', '/'],
    ['session', '', '/a.example'],
  ]
  for (const from of scopes) {
    t.test(`binds a value to ${from.map((part) => `"${part}"`).join(', ')}`, async (t) => {
      const value = new Codec(objectsOf(key), boundTo(...from)).seal(text, 1, 2)
      for (const to of scopes) {
        const opened = new Codec(objectsOf(key), boundTo(...to)).open(value)
        if (from === to) t.match(opened, { text })
        else t.equal(opened, 'tag', to.join(' '))
      }
    })
  }
})

t.test('the IV', async (t) => {
  t.test('never comes twice', async (t) => {
    const codecs = [newCodec(), newCodec()]
    const ivs = Array.from({ length: 2000 }, (_, n) => ivOf(codecs[n % 2]!.seal('{}', 1, 2)).toString('hex'))
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
        while (used.length < count) used.push(ivOf(codec.seal('{}', 1, 2)).toString('hex'))
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
      for (let n = 0; n < 3; n++) t.throws(() => codec.seal('{}', 1, 2), { message: 'no randomness' })
      t.strictSame(opening(codec, good), { text, created: 1, issued: 2, keyIndex: 0 }, 'which opening does not need')
    })
    const value = codec.seal('{}', 1, 2)
    t.equal(value, byHand({ iv: ivOf(value) }), 'and found again when it works again')
    t.notSame(ivOf(value), Buffer.alloc(16))
  })

  t.test('is not taken a second time from a pool that cannot be filled again', async (t) => {
    const codec = newCodec()
    const ivs = Array.from({ length: 256 }, () => ivOf(codec.seal('{}', 1, 2)).toString('hex'))
    withRandom(failing, () => {
      for (let n = 0; n < 3; n++) t.throws(() => codec.seal('{}', 1, 2), { message: 'no randomness' })
    })
    for (let n = 0; n < 256; n++) ivs.push(ivOf(codec.seal('{}', 1, 2)).toString('hex'))
    t.equal(new Set(ivs).size, 512)
  })
})

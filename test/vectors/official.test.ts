/**
 * The second implementation's functions against the vectors of the standards that define them, so that it may judge
 * lib/; and the codec where a vector fits it.
 */
import { createSecretKey } from 'node:crypto'
import t from 'tap'
import { Codec } from '../../lib/codec.js'
import { withRandom } from '../support/node-crypto.js'
import {
  bigEndian, ctr, hkdf, hmac, noLifetime, plaintext as plainOf, scrypt, tagInput,
} from '../support/second-implementation.js'

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'))
const ascii = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
const hex = (data: ArrayBuffer | Uint8Array) => Buffer.from(data as Uint8Array).toString('hex')
const counting = (first: number, last: number) => Uint8Array.from({ length: last - first + 1 }, (_, i) => first + i)

function codecWith(encryption: Uint8Array, authentication: Uint8Array, a: Uint8Array): Codec {
  const keys = { encryption: createSecretKey(encryption), authentication: createSecretKey(authentication) }
  return new Codec([keys], Buffer.from(a))
}

t.test('AES-256-CTR', async (t) => {
  const rows: [name: string, key: string, iv: string, plaintext: string, ciphertext: string][] = [
    ['SP 800-38A F.5.5 and F.5.6',
      '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
      'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff',
      `6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
       30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710`,
      `601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
       2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6`],
    ['RFC 3686 vector 7',
      '776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c104',
      '00000060db5672c97aa8f0b200000001',
      hex(ascii('Single block msg')),
      '145ad01dbf824ec7560863dc71e3e0c0'],
    ['RFC 3686 vector 8',
      'f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a23884',
      '00faac24c1585ef15a43d87500000001',
      hex(counting(0, 0x1f)),
      'f05e231b3894612c49ee000b804eb2a9 b8306b508f839d6a5530831d9344af1c'],
    ['RFC 3686 vector 9, which ends within a block',
      'ff7a617ce69148e4f1726e2f43581de2aa62d9f805532edff1eed687fb54153d',
      '001cc5b751a51d70a1c1114800000001',
      hex(counting(0, 0x23)),
      'eb6c52821d0bbbf7ce7594462aca4faa b407df866569fd07f48cc0b583d6071f 1ec0e6b8'],
  ]
  for (const [name, key, iv, plaintext, ciphertext] of rows) {
    t.test(name, async (t) => {
      t.equal(hex(await ctr(bytes(key), bytes(iv), bytes(plaintext))), hex(bytes(ciphertext)))
      // What the codec encrypts with the same key and IV is P, added to the keystream of the vector.
      const codec = codecWith(bytes(key), bytes(key), ascii(''))
      const times = { created: 1, issued: 2, lifetime: noLifetime }
      const sealed = Buffer.from(withRandom(() => Buffer.from(bytes(iv)), () => codec.seal('{}', times)), 'base64url')
      const keystream = bytes(plaintext).map((byte, at) => byte ^ bytes(ciphertext)[at]!)
      const p = sealed.subarray(17, -32).map((byte, at) => byte ^ keystream[at]!)
      const length = Math.min(p.length, keystream.length)
      t.equal(hex(p.subarray(0, length)), hex(plainOf(times, ascii('{}')).subarray(0, length)))
    })
  }
})

t.test('HMAC-SHA256, RFC 4231', async (t) => {
  const hashFirst = 'Test Using Larger Than Block-Size Key - Hash Key First'
  const bothLarge = 'This is a test using a larger than block-size key and a larger than block-size data. ' +
    'The key needs to be hashed before being used by the HMAC algorithm.'
  const rows: [name: string, key: Uint8Array, data: Uint8Array, tag: string][] = [
    ['case 1', new Uint8Array(20).fill(0x0b), ascii('Hi There'),
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    ['case 2', ascii('Jefe'), ascii('what do ya want for nothing?'),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    ['case 3', new Uint8Array(20).fill(0xaa), new Uint8Array(50).fill(0xdd),
      '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
    ['case 4', counting(1, 25), new Uint8Array(50).fill(0xcd),
      '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b'],
    ['case 5, of which the RFC has half', new Uint8Array(20).fill(0x0c), ascii('Test With Truncation'),
      'a3b6167473100ee06e0c796c2955552b'],
    ['case 6', new Uint8Array(131).fill(0xaa), ascii(hashFirst),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54'],
    ['case 7', new Uint8Array(131).fill(0xaa), ascii(bothLarge),
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2'],
  ]
  for (const [name, key, data, tag] of rows) {
    t.test(name, async (t) => {
      t.equal(hex(await hmac(key, data)).slice(0, tag.length), tag)
    })
  }
})

t.test('HKDF-SHA256, RFC 5869', async (t) => {
  const rows: [name: string, key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number, okm: string][] = [
    ['A.1', new Uint8Array(22).fill(0x0b), counting(0, 0x0c), counting(0xf0, 0xf9), 42,
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'],
    ['A.2', counting(0, 0x4f), counting(0x60, 0xaf), counting(0xb0, 0xff), 82,
      `b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09
       da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87`],
    ['A.3, without salt and info, as we have no salt', new Uint8Array(22).fill(0x0b), bytes(''), bytes(''), 42,
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8'],
  ]
  for (const [name, key, salt, info, length, okm] of rows) {
    t.test(name, async (t) => {
      t.equal(hex(await hkdf(key, salt, info, length)), hex(bytes(okm)))
    })
  }
})

// The fourth vector of the RFC takes 1 GiB of memory.
t.test('scrypt, RFC 7914 section 12', async (t) => {
  const rows: [password: string, salt: string, N: number, r: number, p: number, key: string][] = [
    ['', '', 16, 1, 1,
      `77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442
       fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906`],
    ['password', 'NaCl', 1024, 8, 16,
      `fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162
       2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640`],
    ['pleaseletmein', 'SodiumChloride', 16384, 8, 1,
      `7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2
       d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887`],
  ]
  for (const [password, salt, N, r, p, key] of rows) {
    t.test(`${password}, ${salt}, N = ${N}, r = ${r}, p = ${p}`, async (t) => {
      t.equal(hex(scrypt(ascii(password), ascii(salt), N, r, p, 64)), hex(bytes(key)))
    })
  }
})

/**
 * Our tag's input is that of AES_CBC_HMAC_SHA2, so RFC 7518's examples fit it: the same associated data, IV and
 * ciphertext in. What they call T is half of the tag, M.
 */
t.test('the framing of the tag\'s input, RFC 7518 appendix B', async (t) => {
  const a = ascii('The second principle of Auguste Kerckhoffs')
  const iv = bytes('1af38c2dc2b96ffdd86694092341bc04')
  const rows: [name: string, hash: string, keyBytes: number, ciphertext: string, tag: string][] = [
    [
      'B.1, A128CBC-HS256', 'SHA-256', 16,
      `c80edfa32ddf39d5ef00c0b468834279 a2e46a1b8049f792f76bfe54b903a9c9 a94ac9b47ad2655c5f10f9aef71427e2
       fc6f9b3f399a221489f16362c7032336 09d45ac69864e3321cf82935ac4096c8 6e133314c54019e8ca7980dfa4b9cf1b
       384c486f3a54c51078158ee5d79de59f bd34d848b3d69550a67646344427ade5 4b8851ffb598f7f80074b9473c82e2db`,
      '652c3fa36b0a7c5b3219fab3a30bc1c4 e6e54582476515f0ad9f75a2b71c73ef', // M
    ],
    [
      'B.3, A256CBC-HS512', 'SHA-512', 32,
      `4affaaadb78c31c5da4b1b590d10ffbd 3dd8d5d302423526912da037ecbcc7bd 822c301dd67c373bccb584ad3e9279c2
       e6d12a1374b77f077553df829410446b 36ebd97066296ae6427ea75c2e0846a1 1a09ccf5370dc80bfecbad28c73f09b3
       a3b75e662a2594410ae496b2e2e6609e 31e6e02cc837f053d21f37ff4f51950b be2638d09dd7a4930930806d0703b1f6`,
      '4dd3b4c088a7f45c216839645b2012bf 2e6269a8c56a816dbc1b267761955bc5', // T
    ],
  ]
  t.equal(hex(bigEndian(8 * a.length, 8)), '0000000000000150', 'AL, as both examples print it')
  for (const [name, hash, keyBytes, ciphertext, tag] of rows) {
    t.test(name, async (t) => {
      const full = await hmac(counting(0, keyBytes - 1), tagInput(a, iv, bytes(ciphertext)), hash)
      t.equal(hex(full.subarray(0, bytes(tag).length)), hex(bytes(tag)))
    })
  }

  t.test('B.1 by our codec, which finds fault with what was encrypted, but not with the tag', async (t) => {
    const [, , keyBytes, ciphertext, tag] = rows[0]!
    const codec = codecWith(new Uint8Array(32), counting(0, keyBytes - 1), a)
    const token = Buffer.concat([Buffer.of(1), iv, bytes(ciphertext), bytes(tag)])
    t.equal(codec.open(token.toString('base64url')), 'format', 'P is always a multiple of 32 bytes')
    for (const at of [1, 16, 17, token.length - 33, token.length - 32, token.length - 1]) {
      const changed = Buffer.from(token)
      changed[at]! ^= 1
      t.equal(codec.open(changed.toString('base64url')), 'tag')
    }
  })
})

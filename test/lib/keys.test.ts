import { createHmac, createSecretKey, generateKeyPairSync, scryptSync } from 'node:crypto'
import { format, inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { RequestSessions, SessionHandler, type Key } from '../../lib/index.js'
import { deriveKeys, type DerivedKeys } from '../../lib/keys.js'

/** HKDF-SHA256 for 32 bytes with an empty salt, by RFC 5869 §2.2 and §2.3. */
function hkdf(master: Uint8Array, info: string): string {
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(master).digest()
  return createHmac('sha256', extracted).update(`${info}\x01`, 'latin1').digest('hex')
}

const expected = (master: Uint8Array) => ({
  encryption: hkdf(master, 'seshcookie v1 encryption'),
  authentication: hkdf(master, 'seshcookie v1 authentication'),
})

const exported = ({ encryption, authentication }: DerivedKeys) => ({
  encryption: encryption.export().toString('hex'),
  authentication: authentication.export().toString('hex'),
})

/** A key, and what scrypt makes of it, which takes a while: so there are only two. */
const stretched = (text: string) => ({
  text,
  master: scryptSync(Buffer.from(text), Buffer.from('seshcookie v1'), 32, { N: 32768, r: 8, p: 3, maxmem: 2 ** 27 }),
})

const ascii = stretched('fedcba9876543210fedcba9876543210')
const other = stretched('🔑\t ä'.repeat(4))

const bytes = (length: number, n = 1) => Buffer.alloc(length, n)
const pair = generateKeyPairSync('ed25519')
const elsewhere = runInNewContext('new Uint8Array(32).fill(5)') as Uint8Array

/** A Uint8Array of `real` bytes whose own property says otherwise, as a subclass could. */
function lying(property: 'byteLength' | 'length', says: number, real: number): Uint8Array {
  return Object.defineProperty(new Uint8Array(real).fill(7), property, { value: says })
}

class Longer extends Uint8Array {
  static get [Symbol.species]() { return Longer }
  override get byteLength() { return 64 }
  override get length() { return 64 }
  override slice() { return new Longer(64) }
}

const longer = (real: number): Uint8Array => new Longer(real)

const good: [name: string, key: Key, master: Uint8Array][] = [
  ['a Buffer of 32 bytes', bytes(32), bytes(32)],
  ['a Uint8Array of 33 bytes', new Uint8Array(33).fill(2), bytes(33, 2)],
  ['a Buffer of 4096 bytes', bytes(4096, 3), bytes(4096, 3)],
  ['a part of a longer Buffer', Buffer.concat([bytes(5, 9), bytes(32, 4), bytes(5, 9)]).subarray(5, 37), bytes(32, 4)],
  ['a Uint8Array of another realm', elsewhere, bytes(32, 5)],
  ['a secret KeyObject of 32 bytes', createSecretKey(bytes(32, 6)), bytes(32, 6)],
  ['a secret KeyObject of 64 bytes', createSecretKey(bytes(64, 7)), bytes(64, 7)],
  ['a string of 20 characters and 32 bytes, with white space and pairs of surrogates in it', other.text, other.master],
]

t.test('one key', async (t) => {
  for (const [name, key, master] of good) {
    t.test(`derives from ${name}`, async (t) => {
      t.strictSame(deriveKeys(key).map(exported), [expected(master)])
    })
  }

  t.test('makes KeyObjects that serve one purpose each', async (t) => {
    const [derived] = deriveKeys(bytes(32)) as [DerivedKeys]
    t.strictSame([derived.encryption.type, derived.authentication.type], ['secret', 'secret'])
    t.not(exported(derived).encryption, exported(derived).authentication)
  })

  t.test('is as long as it is, whatever a subclass says', async (t) => {
    t.strictSame(deriveKeys(lying('byteLength', 0, 32)).map(exported), [expected(bytes(32, 7))])
    t.strictSame(deriveKeys(lying('length', 0, 33)).map(exported), [expected(bytes(33, 7))])
    t.strictSame(deriveKeys(new Longer(32)).map(exported), [expected(bytes(32, 0))])
  })

  t.test('is not measured before it is copied', async (t) => {
    // Memory that another thread can change between the two.
    const shared = new Uint8Array(new SharedArrayBuffer(32)).fill(4)
    const derived = deriveKeys(shared)
    shared.fill(0)
    t.strictSame(derived.map(exported), [expected(bytes(32, 4))])
  })
})

t.test('several keys', async (t) => {
  for (const count of [1, 2, 8]) {
    t.test(`${count} derive in their order`, async (t) => {
      const keys = Array.from({ length: count }, (_, n) => bytes(32, n + 1))
      t.strictSame(deriveKeys(keys).map(exported), keys.map(expected))
    })
  }

  t.test('of each type derive in one list', async (t) => {
    const keys = [createSecretKey(bytes(32, 1)), ascii.text, bytes(32, 2)]
    const masters = [bytes(32, 1), ascii.master, bytes(32, 2)]
    t.strictSame(deriveKeys(Object.freeze(keys)).map(exported), masters.map(expected))
  })
})

const bad: [name: string, key: unknown, Kind: typeof TypeError | typeof RangeError, message: RegExp][] = [
  ['undefined', undefined, TypeError, /^"key" expected .*got undefined$/],
  ['null', null, TypeError, /^"key" expected .*got null$/],
  ['a number', 32, TypeError, /^"key" expected .*got number$/],
  ['a bigint', 32n, TypeError, /^"key" expected .*got bigint$/],
  ['a boolean', true, TypeError, /^"key" expected .*got boolean$/],
  ['a plain object', { length: 32 }, TypeError, /^"key" expected .*got object$/],
  ['a String object', new String('secret, secret, secret, secret, '), TypeError, /^"key" expected .*got object$/],
  ['a Uint16Array', new Uint16Array(32), TypeError, /^"key" expected .*got object$/],
  ['a DataView', new DataView(new ArrayBuffer(32)), TypeError, /^"key" expected .*got object$/],
  ['an ArrayBuffer', new ArrayBuffer(32), TypeError, /^"key" expected .*got object$/],
  ['a public KeyObject', pair.publicKey, TypeError, /^"key" expected .*got object$/],
  ['a private KeyObject', pair.privateKey, TypeError, /^"key" expected .*got object$/],
  ['an empty string', '', RangeError, /^"key" expected .*got 0 bytes$/],
  ['a string of 31 bytes', 'secret-'.repeat(5).slice(0, 31), RangeError, /^"key" expected .*got 31 bytes$/],
  ['a string of 31 bytes in 16 characters', 'ä'.repeat(15) + 'x', RangeError, /^"key" expected .*got 31 bytes$/],
  ['a string with half a pair of surrogates',
    `\ud83d${'secret-'.repeat(5)}`, TypeError, /^"key" expected .*well-formed/],
  ['a string that ends in half a pair', `${'secret-'.repeat(5)}\ude00`, TypeError, /^"key" expected .*well-formed/],
  ['a string with a pair the wrong way round', `${'secret-'.repeat(5)}\ude00\ud83d`, TypeError, /well-formed/],
  ...[' ', '\n', '\r\n', '\t', '\u00a0', '\ufeff', '\u2003'].flatMap((space): typeof bad => [
    [`a string that ends in ${JSON.stringify(space)}`, 'secret-'.repeat(5) + space, TypeError, /white space at its ends/],
    [`a string that begins with ${JSON.stringify(space)}`, space + 'secret-'.repeat(5), TypeError, /white space at its ends/],
  ]),
  ['a string of white space', ' '.repeat(40), TypeError, /white space at its ends.*got a string of 40 bytes$/],
  ['a Buffer with a lying byteLength', lying('byteLength', 32, 0), RangeError, /^"key" expected .*got 0 bytes$/],
  ['a Buffer with a lying length', lying('length', 32, 31), RangeError, /^"key" expected .*got 31 bytes$/],
  ['a Uint8Array that makes a longer one of itself', longer(31), RangeError, /^"key" expected .*got 31 bytes$/],
  ['an empty Buffer', bytes(0), RangeError, /^"key" expected .*got 0 bytes$/],
  ['a Buffer of 31 bytes', bytes(31), RangeError, /^"key" expected .*got 31 bytes$/],
  ['a KeyObject of 31 bytes', createSecretKey(bytes(31)), RangeError, /^"key" expected .*got 31 bytes$/],
  ['no keys', [], RangeError, /^"key" expected 1 to 8 keys .*got an array of 0$/],
  ['9 keys', Array(9).fill(bytes(32)), RangeError, /^"key" expected 1 to 8 keys .*got an array of 9$/],
  ['a short second key', [bytes(32), bytes(31)], RangeError, /^"key\[1\]" expected .*got 31 bytes$/],
  ['a list with undefined in it', [bytes(32), undefined], TypeError, /^"key\[1\]" expected .*got undefined$/],
  ['a list with a hole', [, bytes(32)], TypeError, /^"key\[0\]" expected .*got undefined$/],
  ['a list in a list', [[bytes(32)]], TypeError, /^"key\[0\]" expected .*got an array of 1$/],
]

t.test('no key', async (t) => {
  for (const [name, key, Kind, message] of bad) {
    t.test(`refuses ${name}, and says how to make one`, async (t) => {
      for (const use of [() => deriveKeys(key as Key), () => new SessionHandler(() => {}, key as Key)]) {
        const error = t.throws(use, { message }) as Error
        t.equal(error.constructor, Kind)
        if (!/white space/.test(error.message)) t.match(error.message, 'crypto.randomBytes(32)')
        t.notMatch(error.message, 'secret-')
      }
    })
  }
})

t.test('nothing prints a key', async (t) => {
  const raw = Buffer.from('0123456789abcdef0123456789abcdef')
  const sessions = new RequestSessions()
  const handler = new SessionHandler(() => {}, [raw, ascii.text], sessions)
  handler.encodeCookie({ a: 1 })
  const derived = [raw, ascii.master].flatMap((master) => Object.values(expected(master)))
  const printed = [
    ...[handler, sessions].flatMap((object) => [
      inspect(object, { showHidden: true, depth: Infinity, showProxy: true, getters: true, maxArrayLength: null }),
      format('%o %O %j %s', object, object, object, object),
      `${JSON.stringify(object)} ${object}`,
    ]),
    ...Reflect.ownKeys(handler).map((key) => inspect(Reflect.get(handler, key), { showHidden: true, depth: Infinity })),
  ].join('\n')
  for (const secret of [raw, Buffer.from(ascii.text), ascii.master, ...derived.map((hex) => Buffer.from(hex, 'hex'))]) {
    for (const encoding of ['latin1', 'hex', 'base64', 'base64url'] as const) {
      t.notOk(printed.includes(secret.toString(encoding).slice(0, 16)))
    }
    t.notOk(printed.includes([...secret.subarray(0, 4)].join(', ')))
    t.notOk(printed.includes(inspect(secret).slice(8, 20)))
  }
})

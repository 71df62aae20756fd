import t from 'tap'
import { isSpelledAs } from '../../lib/spelling.js'
import { fuzz, seededRandom, type Random } from '../support/seeded-random.js'

const bare = (value: object): object => Object.assign(Object.create(null) as object, value)

const same: [name: string, session: object][] = [
  ['nothing', {}],
  ['an object without a prototype', bare({ a: bare({ b: 1 }) })],
  ['every kind of value', { s: 'x', n: -1.5, t: true, f: false, z: null, a: [1, [2, []]], o: { p: {} }, e: '' }],
  ['undefined, absent', { a: undefined, b: 1, c: undefined }],
  ['only undefined', { a: undefined }],
  ['-0', { a: -0, b: [1e21, 5e-324] }],
  ['what has to be escaped', { 'a"b': '"', 'c\\': '\\', '\n': '\u0000\u2028', '\ud800': '\udfff😀' }],
  ['numbers as names', { 2: 'b', 1: 'a' }],
  ['what is not enumerable', Object.defineProperty({ b: 1 }, 'a', { value: 1 })],
]

t.test('a session has the text that JSON.stringify makes:', async (t) => {
  for (const [name, session] of same) {
    t.test(name, async (t) => {
      const text = JSON.stringify(session)
      t.equal(isSpelledAs(session, text, true), true)
      t.equal(isSpelledAs(session, `${text} `, true), false, 'and no longer one')
      t.equal(isSpelledAs(session, text.slice(0, -1), true), false, 'nor a shorter one')
      t.equal(isSpelledAs(bare({ ...session, more: 1 }), text, true), false, 'nor has a larger one it')
    })
  }
})

const others: [name: string, session: object, text: string][] = [
  ['NaN where null was', { a: NaN }, '{"a":null}'],
  ['Infinity where null was', { a: [Infinity] }, '{"a":[null]}'],
  ['a Map for {}', { a: new Map([[1, 2]]) }, '{"a":{}}'],
  ['a class instance for an object', { a: new (class { b = 1 })() }, '{"a":{"b":1}}'],
  ['an instance of an Array class', { a: new (class extends Array<number> {})(1, 2) }, '{"a":[1,2]}'],
  ['a Date for its text', { a: new Date(0) }, '{"a":"1970-01-01T00:00:00.000Z"}'],
  ['a String object for a string', { a: new String('x') }, '{"a":"x"}'],
  ['a function beside the rest', { a: 1, b: () => {} }, '{"a":1}'],
  ['a symbol beside the rest', { a: 1, b: Symbol('b') }, '{"a":1}'],
  ['a symbol as a name', { a: 1, [Symbol('b')]: 1 }, '{"a":1}'],
  ['a symbol as a name further in', { a: [{ [Symbol('b')]: 1 }] }, '{"a":[{}]}'],
  ['a bigint', { a: 1n }, '{"a":1}'],
  ['undefined in an array', { a: [undefined] }, '{"a":[null]}'],
  ['a hole', { a: [,] }, '{"a":[null]}'],
  ['a property of an array', { a: Object.assign([1], { b: 2 }) }, '{"a":[1]}'],
  ['a string with quotes for two strings', { a: ['a","b'] }, '{"a":["a","b"]}'],
  ['a string with a backslash for an escape', { a: 'a\\b' }, '{"a":"a\\b"}'],
  ['a string with an escape for its end', { a: 'b\\' }, '{"a":"b\\"}'],
  ['another order of names', { b: 1, a: 2 }, '{"a":2,"b":1}'],
  ['another spelling', { a: 1 }, '{ "a": 1.0 }'],
  ['an array for an object', { a: [] }, '{"a":{}}'],
  ['an object for an array', { a: {} }, '{"a":[]}'],
  ['a string for a number', { a: '1' }, '{"a":1}'],
  ['a number for a string', { a: 1 }, '{"a":"1"}'],
  ['one element fewer', { a: [1] }, '{"a":[1,2]}'],
  ['one element more', { a: [1, 2] }, '{"a":[1]}'],
  ['a longer number', { a: 12 }, '{"a":1}'],
  ['a getter that throws', { get a() { throw new Error('secret') } }, '{"a":1}'],
  ['a proxy that throws', { a: new Proxy({}, { ownKeys() { throw new Error('secret') } }) }, '{"a":{}}'],
]

t.test('a session does not have the text:', async (t) => {
  for (const [name, session, text] of others) {
    t.test(name, async (t) => {
      t.equal(isSpelledAs(session, text, true), false)
    })
  }
})

t.test('what JSON never spells is looked for only where that is asked', async (t) => {
  for (const session of [{ a: [1], [Symbol('b')]: 1 }, { a: Object.assign([1], { b: 2 }) }, { a: Object.assign([1], { [Symbol('b')]: 2 }) }]) {
    t.equal(isSpelledAs(session, '{"a":[1]}', true), false)
    t.equal(isSpelledAs(session, '{"a":[1]}', false), true)
  }
})

t.test('no more is looked at than the text has', async (t) => {
  const text = '{"a":[1,1],"b":"x"}'
  let doubled: unknown = 1
  for (let level = 0; level < 60; level++) doubled = [doubled, doubled]
  const ring: unknown[] = []
  ring.push(ring)
  let reads = 0
  const counted = new Proxy(Array(1e6).fill(1), { get: (target, name) => { reads++; return Reflect.get(target, name) as unknown } })
  for (const a of [doubled, ring, counted, 'x'.repeat(1e8)]) t.equal(isSpelledAs({ a, b: 'x' }, text, true), false)
  t.ok(reads < 20)
})

const characters = ['a', 'é', '"', '\\', ',', ':', '{', '}', '[', ']', '1', '\n', '\u2028', '\ud83d', '\ude00', '😀', ' ']

function randomText(random: Random): string {
  return Array.from({ length: random.below(4) }, () => random.pick(characters)).join('')
}

function randomValue(random: Random, depth: number): unknown {
  switch (random.below(depth > 3 ? 5 : 7)) {
    case 0: return randomText(random)
    case 1: return random.below(3) - 1
    case 2: return random.pick([1.5, -0, 1e300, 2 ** 53])
    case 3: return random.pick([true, false, null])
    case 4: return random.pick(['', 'a', 'null', '1'])
    case 5: return Array.from({ length: random.below(3) }, () => randomValue(random, depth + 1))
    default: return randomObject(random, depth + 1)
  }
}

function randomObject(random: Random, depth: number): object {
  return Object.fromEntries(Array.from({ length: random.below(4) }, () => [randomText(random), randomValue(random, depth)]))
}

t.test('random sessions and texts agree with JSON.stringify', async (t) => {
  const random = seededRandom(t)
  const wrong: unknown[] = []
  for (let round = 0; round < 20_000 * fuzz; round++) {
    const [one, other] = [randomObject(random, 0), randomObject(random, 0)]
    const text = JSON.stringify(one)
    if (!isSpelledAs(one, text, true)) wrong.push(['its own', one])
    if (isSpelledAs(other, text, true) !== (JSON.stringify(other) === text)) wrong.push([other, text])
    // A text that was changed in one place, as those of sessions that differ a little.
    const at = random.below(text.length)
    const changed = `${text.slice(0, at)}${random.pick(characters)}${text.slice(at + random.below(2))}`
    if (isSpelledAs(one, changed, true) && changed !== text) wrong.push([one, changed])
  }
  t.strictSame(wrong, [])
})

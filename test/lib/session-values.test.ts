import { runInNewContext } from 'node:vm'
import t from 'tap'
import { SizeError, ValueError } from '../../lib/index.js'
import { parseSession, stringifySession } from '../../lib/session-json.js'
import { checkValues, copyOfValues } from '../../lib/session-values.js'
import { attachSessions } from '../support/sessions.js'

/** An object or array in an object or array, so many deep. */
const nested = (depth: number, array = false): object => {
  let value: object = array ? [] : {}
  for (let level = 1; level < depth; level++) value = array ? [value] : { a: value }
  return value
}
const bare = (value: object): object => Object.assign(Object.create(null) as object, value)
const elsewhere = (source: string): object => runInNewContext(`(${source})`) as object
const cycle: Record<string, unknown> = { a: { b: {} } };
(cycle['a'] as Record<string, unknown>)['b'] = cycle
const shared = { x: 1 }
const ring: unknown[] = []
ring.push([ring])

class Point {
  x = 1
}
class List extends Array {}

const storable: [name: string, session: object, text: string][] = [
  ['an empty object', {}, '{}'],
  ['an object without a prototype', bare({ a: bare({ b: 1 }) }), '{"a":{"b":1}}'],
  ['an object of another realm', elsewhere('{ a: { b: [1, { c: 2 }] } }'), '{"a":{"b":[1,{"c":2}]}}'],
  ['strings', { a: '', b: 'ä😀', c: '"\\\n' }, '{"a":"","b":"ä😀","c":"\\"\\\\\\n"}'],
  ['half a pair of surrogates', { a: '\ud83d' }, '{"a":"\\ud83d"}'],
  ['numbers', { a: 0, b: -1.5, c: 1e300, d: 5e-324, e: 2 ** 53 },
    '{"a":0,"b":-1.5,"c":1e+300,"d":5e-324,"e":9007199254740992}'],
  ['booleans and null', { a: true, b: false, c: null }, '{"a":true,"b":false,"c":null}'],
  ['arrays', { a: [], b: [1, 'x', null, [true], {}] }, '{"a":[],"b":[1,"x",null,[true],{}]}'],
  ['undefined, absent', { a: undefined, b: { c: undefined } }, '{"b":{}}'],
  ['what is not enumerable, absent', Object.defineProperty({}, 'a', { value: 1n }), '{}'],
  ['a symbol as a name that is not enumerable, absent', Object.defineProperty({ b: 1 }, Symbol('a'), { value: 1n }), '{"b":1}'],
  ['what is inherited, absent', { a: 1 }, '{"a":1}'],
  ['a frozen object', Object.freeze({ a: Object.freeze([1]) }), '{"a":[1]}'],
  ['a getter', { get a() { return 1 } }, '{"a":1}'],
  ['the same object twice', { a: shared, b: shared, c: [shared, shared] },
    '{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}'],
  ['names of Object.prototype', { constructor: 1, toString: 2, valueOf: null },
    '{"constructor":1,"toString":2,"valueOf":null}'],
  ['toJSON that is no function', { toJSON: 1, a: { toJSON: 'x' } }, '{"toJSON":1,"a":{"toJSON":"x"}}'],
  ['prototype as a name', { prototype: 1, a: { proto: 2 } }, '{"prototype":1,"a":{"proto":2}}'],
  ['objects 64 deep', nested(64), JSON.stringify(nested(64))],
  ['arrays 64 deep, the session included', { a: nested(63, true) }, JSON.stringify({ a: nested(63, true) })],
]

const nameThrows = class { static get name(): string { throw new Error('secret') } }
const nameIsSymbol = class extends Map { static override readonly name = Symbol('secret') as never }
const long = 'k'.repeat(300_000)

/** With a getter in front that throws when it is read again. */
const readOnce = (beside: object): object => {
  let reads = 0
  const getter = () => {
    if (++reads > 1) throw new Error('secret')
    return 1
  }
  return Object.assign(Object.defineProperty({}, 'first', { get: getter, enumerable: true }), beside)
}

const deep = 'a'.repeat(64).split('').map((name) => `.${name}`).join('')

/** They begin or end as those whose cure is known. */
const withoutCure = ['DateTime', 'BufferList', 'Uint8ArrayList', 'Mapping', 'MyArray', 'URLPattern', 'RegExpList', 'ErrorList', 'bigints', 'mybigint']

const refused: [name: string, session: object, message: string][] = [
  ...withoutCure.map((name): [string, object, string] =>
    [name, { a: new ({ [name]: class {} }[name]!)() }, `session.a is an instance of ${name}`]),
  ['NaN', { a: NaN }, 'session.a is NaN'],
  ['Infinity', { a: Infinity }, 'session.a is Infinity'],
  ['-Infinity', { a: -Infinity }, 'session.a is -Infinity'],
  ['a bigint', { a: 1n }, 'session.a is a bigint: store its toString()'],
  ['a Date', { a: new Date(0) }, 'session.a is an instance of Date: store its getTime() or toISOString()'],
  ['a property of an array', { a: Object.assign([1], { total: 5 }) }, 'session.a.total is a property of an array'],
  ['what has its own constructor', { a: Object.create({ constructor: { name: 'a secret' } }) }, 'session.a is an instance of a class'],
  ['an instance that says another name', { a: Object.assign(new Date(0), { constructor: { name: 'a secret' } }) }, 'session.a is an instance of Date: store its getTime() or toISOString()'],
  ['a Date of another realm', { a: elsewhere('new Date(0)') }, 'session.a is an instance of Date: store its getTime() or toISOString()'],
  ['a Map', { a: new Map() }, 'session.a is an instance of Map: store Array.from(it)'],
  ['a Set', { a: new Set() }, 'session.a is an instance of Set: store Array.from(it)'],
  ['a WeakMap', { a: new WeakMap() }, 'session.a is an instance of WeakMap'],
  ['a Buffer', { a: Buffer.from('a') }, "session.a is an instance of Buffer: store Buffer.from(it).toString('base64url')"],
  ['a Uint8Array', { a: new Uint8Array(1) }, "session.a is an instance of Uint8Array: store Buffer.from(it).toString('base64url')"],
  ['an ArrayBuffer', { a: new ArrayBuffer(1) }, 'session.a is an instance of ArrayBuffer'],
  ['an Int8Array', { a: new Int8Array(1) }, 'session.a is an instance of Int8Array: store Array.from(it)'],
  ['a Uint8ClampedArray', { a: new Uint8ClampedArray(1) }, 'session.a is an instance of Uint8ClampedArray: store Array.from(it)'],
  ['a Float64Array', { a: new Float64Array(1) }, 'session.a is an instance of Float64Array: store Array.from(it)'],
  ['a TypeError', { a: new TypeError('x') }, 'session.a is an instance of TypeError: store its message'],
  ['a regular expression', { a: /a/ }, 'session.a is an instance of RegExp: store its source'],
  ['an error', { a: new Error('x') }, 'session.a is an instance of Error: store its message'],
  ['a URL', { a: new URL('http://a.example') }, 'session.a is an instance of URL: store its href'],
  ['a promise', { a: Promise.resolve() }, 'session.a is an instance of Promise'],
  ['a class instance', { a: new Point() }, 'session.a is an instance of Point'],
  ['an instance of an Array class', { a: new List() }, 'session.a is an instance of List'],
  ['a session of a class', new Point(), 'session is an instance of Point'],
  ['a String object', { a: new String('x') }, 'session.a is an instance of String'],
  ['a Number object', { a: new Number(1) }, 'session.a is an instance of Number'],
  ['an object that inherits from a plain one', { a: Object.create({ b: 1 }) as object },
    'session.a is an instance of Object'],
  ['undefined in an array', { a: [undefined] }, 'session.a[0] is undefined'],
  ['a function in an array', { a: [1, () => {}] }, 'session.a[1] is a function'],
  ['a symbol in an array', { a: [Symbol('a')] }, 'session.a[0] is a symbol'],
  ['a hole in an array', { a: [1, , 3] }, 'session.a[1] is a hole'],
  ['a hole at the end of an array', { a: Array(1) }, 'session.a[0] is a hole'],
  ['NaN in an array in an object in an array', { cart: [1, { price: 1 }, 2, { price: NaN }] },
    'session.cart[3].price is NaN'],
  ['the first of two', { a: { b: NaN }, c: 1n }, 'session.a.b is NaN'],
  ['one after a nested one that is fine', { a: { b: [{}] }, c: 1n }, 'session.c is a bigint: store its toString()'],
  ['a cycle', cycle, 'session.a.b is a cycle'],
  ['a cycle of arrays', { a: ring }, 'session.a[0][0] is a cycle'],
  ['__proto__', JSON.parse('{"__proto__":1}') as object, 'session.__proto__ is a key that changes prototypes'],
  ['__proto__ with undefined', Object.defineProperty({}, '__proto__', { value: undefined, enumerable: true }),
    'session.__proto__ is a key that changes prototypes'],
  ['__proto__ further in', JSON.parse('{"a":[{"__proto__":{}}]}') as object,
    'session.a[0].__proto__ is a key that changes prototypes'],
  ['toJSON', { toJSON() { return {} } }, 'session.toJSON is a function'],
  ['toJSON further in', { a: [{ toJSON: () => 1 }] }, 'session.a[0].toJSON is a function'],
  ['toJSON of an array', { a: Object.assign([], { toJSON: () => 1 }) }, 'session.a.toJSON is a property of an array'],
  ['objects 65 deep', nested(65), `session${deep} is nested more than 64 deep`],
  ['arrays 65 deep, the session included', { a: nested(64, true) },
    `session.a${'[0]'.repeat(63)} is nested more than 64 deep`],
  ['a thousand deep', nested(1000), `session${deep} is nested more than 64 deep`],
  ['a name with a space', { 'a b': NaN }, 'session["a b"] is NaN'],
  ['a name with quotes', { 'a"b': NaN }, 'session["a\\"b"] is NaN'],
  ['an empty name', { '': NaN }, 'session[""] is NaN'],
  ['a number as a name', { 1: NaN }, 'session["1"] is NaN'],
  ['a name beyond ASCII', { ä$_1: NaN }, 'session.ä$_1 is NaN'],
  ['a name with a line feed', { 'a\n': NaN }, 'session["a\\n"] is NaN'],
  ['a name that is an escape sequence', { '\u001b[2J': NaN }, 'session["\\u001b[2J"] is NaN'],
  ['a name with DEL and a C1 control', { '\x7f\x9b': NaN }, 'session["\\u007f\\u009b"] is NaN'],
  ['a name of 65 characters', { ['n'.repeat(65)]: NaN }, `session.${'n'.repeat(64)} is NaN`],
  ['a function', { a: () => 1 }, 'session.a is a function'],
  ['a class', { a: { b: Point } }, 'session.a.b is a function'],
  ['a symbol', { a: Symbol('secret') }, 'session.a is a symbol'],
  ['a symbol as a name', { [Symbol('a b')]: 1 }, 'session[Symbol("a b")] is a symbol as a key'],
  ['a symbol as a name further in', { a: [{ [Symbol.iterator]: 1 }] }, 'session.a[0][Symbol("Symbol.iterator")] is a symbol as a key'],
  ['a symbol without a description as a name of an array', { a: Object.assign([], { [Symbol()]: 1 }) },
    'session.a[Symbol("")] is a symbol as a key'],
  ['a class whose name is a String', { a: new (class { static name = Object('secret') })() }, 'session.a is an instance of a class'],
  ['a class whose name throws', { a: new nameThrows() }, 'session.a is an instance of a class'],
  ['a class whose name is no string', { a: new (class { static name = ['x'] })() }, 'session.a is an instance of a class'],
  ['a Map whose class has a symbol as its name', { a: new nameIsSymbol() }, 'session.a is an instance of a class'],
  ['a class without a name', { a: new (class {})() }, 'session.a is an instance of a class'],
  ['a class with a line feed in its name', { a: new ({ ['a\nb']: class {} }['a\nb']!)() }, 'session.a is an instance of "a\\nb"'],
  ['NaN beside a getter that throws when it is read again', readOnce({ a: NaN }), 'session.a is NaN'],
  ['a hole beside one', readOnce({ a: [1, , 3] }), 'session.a[1] is a hole'],
  ['a Map whose class has no name beside one', readOnce({ a: new nameIsSymbol() }),
    'session.a is an instance of a class'],
  ['a getter that throws', { get a() { throw new Error('secret') } },
    'session is not readable: a getter or proxy in it threw'],
  ['a proxy that throws', { a: new Proxy({}, { ownKeys() { throw new Error('secret') } }) },
    'session is not readable: a getter or proxy in it threw'],
  ['a revoked proxy', { a: (() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })() },
    'session is not readable: a getter or proxy in it threw'],
]

t.test('a session has a text that stores all of it:', async (t) => {
  for (const [name, session, text] of storable) {
    t.test(name, async (t) => {
      t.equal(stringifySession(session), text)
      t.strictSame(JSON.stringify(parseSession(text)), text, 'which makes the same session')
    })
  }
})

t.test('a session cannot be stored because of', async (t) => {
  for (const [name, session, message] of refused) {
    t.test(name, async (t) => {
      const [, path, found] = /^(session.*?) is (.*?)(?:: store .*)?$/s.exec(message) as unknown as [string, string, string]
      const error = t.throws(() => checkValues(session), { message, code: 'ERR_SESHCOOKIE_VALUE', path, found })
      t.type(error, ValueError)
      t.equal(Object(error).message, message)
      t.strictSame(JSON.parse(JSON.stringify(error)), { name: 'ValueError', code: 'ERR_SESHCOOKIE_VALUE', message, path, found })
    })
  }

  t.test('a value, whose content the message leaves out', async (t) => {
    for (const value of [new String('secret'), Object('secret') as object, Buffer.from('secret'), Symbol('secret')]) {
      const error = t.throws(() => checkValues({ a: [value] })) as Error
      t.notMatch(error.message, 'secret')
    }
  })
})

/** Forty levels of [x, x]: two to the fortieth values. */
const doubled = (() => {
  let value: unknown = 1
  for (let level = 0; level < 40; level++) value = [value, value]
  return value
})()

// Each of these would take a minute, or all memory, if all of it were looked at, or serialised.
const tooLarge: [name: string, session: object, where: RegExp][] = [
  ['4097 values', { a: Array(4096).fill(1) }, /\(counted up to session\.a\[4095\], so all of it may take more\); largest keys, in bytes: \w+ \(\d+\)/],
  ['shared references', { a: doubled }, /\(counted up to session\.a(\[[01]\])+, so all of it may take more\); largest keys, in bytes: \w+ \(\d+\)/],
  ['a long array', { a: { b: Array(1e7).fill(null) } }, /\(counted up to session\.a\.b\[\d+\], so all of it may take more\); largest keys, in bytes: \w+ \(\d+\)/],
  ['a long string', { a: 'x'.repeat(1e8) }, /\(counted up to session\.a, so all of it may take more\); largest keys, in bytes: \w+ \(\d+\)/],
  ['4097 characters', { a: 'x'.repeat(2048), b: 'y'.repeat(2047) }, /\(counted up to session\.b, so all of it may take more\); largest keys, in bytes: \w+ \(\d+\)/],
  ['a long name', { [long]: 1 }, /session\.k{64},/],
  ['many names', Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`n${index}`, 1])), /\(counted up to session\.n\d+, so all of it may take more\); largest keys, in bytes: \w+ \(\d+\)/],
]

t.test('a session is too large because of', async (t) => {
  for (const [name, session, where] of tooLarge) {
    t.test(name, async (t) => {
      const error = t.throws(() => stringifySession(session), { code: 'ERR_SESHCOOKIE_SIZE', limit: 4093, message: where })
      t.type(error, SizeError)
      t.ok((error as unknown as SizeError).bytes > 4093)
      const { largest: [largest] } = error as unknown as SizeError
      if (name !== 'many names') t.equal(largest!.key, Object.keys(session)[0]!.slice(0, 64))
    })
  }

  t.test('what is large, beside what throws', async (t) => {
    const session = { a: Array(5000).fill(1), get b() { throw new Error('secret') } }
    t.throws(() => checkValues(session), { code: 'ERR_SESHCOOKIE_SIZE', largest: [{ key: 'a' }, { key: 'b', bytes: 0 }] })
  })
  t.test('a hole that a large index left, which is found first', async (t) => {
    const items: unknown[] = [0]
    items[100_000_000] = 1
    t.throws(() => checkValues({ items }), { message: 'session.items[1] is a hole' })
  })
  t.test('a typed array of any length, which is found first', async (t) => {
    t.throws(() => checkValues({ a: new Uint8Array(1e8) }), { message: 'session.a is an instance of Uint8Array' })
  })
  t.test('nothing that could fit', async (t) => {
    t.doesNotThrow(() => checkValues({ a: Array(4095).fill(1) }), '4096 values')
    t.doesNotThrow(() => checkValues({ a: 'x'.repeat(4095) }), '4096 characters')
  })
})

t.test('a copy of what is too large is too large, whole, and soon made', async (t) => {
  for (const [name, session] of tooLarge) {
    t.test(name, async (t) => {
      const copy = copyOfValues(session)
      t.throws(() => checkValues(copy), { code: 'ERR_SESHCOOKIE_SIZE' })
      t.strictSame(Object.keys(copy), Object.keys(session))
      for (const [key, value] of Object.entries(copy).slice(0, 3)) {
        const from = session[key as keyof typeof session] as unknown
        if (typeof value === 'object') t.not(value, from)
        t.equal((value as { length?: number }).length, (from as { length?: number }).length)
      }
    })
  }
})

t.test('a copy of what is too large holds as it came what has no copy, however it is cut', async (t) => {
  const big = 'x'.repeat(5000)
  const rows: [name: string, value: unknown, found: string][] = [
    ['a Date', new Date(), 'an instance of Date'],
    ['a class instance', new Point(), 'an instance of Point'],
    ['an instance of an Array class', new (class Own extends Array {})(), 'an instance of Own'],
    ['a typed array with more elements than there are names for', new Uint8Array(2 ** 28), 'an instance of Uint8Array'],
    ['a key __proto__', JSON.parse('{"__proto__":{"isAdmin":true}}'), 'a key that changes prototypes'],
  ]
  for (const [name, value, found] of rows) {
    t.test(name, async (t) => {
      const copy = copyOfValues({ big, value }) as { big?: string, value: { isAdmin?: boolean } }
      t.equal(copy.value.isAdmin, undefined)
      t.throws(() => checkValues(copy), { code: 'ERR_SESHCOOKIE_SIZE' })
      delete copy.big
      t.throws(() => checkValues(copy), { code: 'ERR_SESHCOOKIE_VALUE', found })
    })
  }
})

t.test('a copy has what JSON leaves out, too', async (t) => {
  t.strictSame({ ...copyOfValues({ a: undefined, b: { c: undefined } }) }, { a: undefined, b: { c: undefined } })
})

t.test('a copy of what throws when it is read again', async (t) => {
  t.throws(() => copyOfValues(readOnce({})), { code: 'ERR_SESHCOOKIE_VALUE', message: /not readable/ })
})

t.test('the largest keys are told wherever they are', async (t) => {
  const session: Record<string, unknown> = {}
  for (let index = 0; index < 100; index++) session[`k${index}`] = 1
  session['large'] = 'x'.repeat(5000)
  const error = t.throws(() => checkValues(session)) as unknown as SizeError
  t.equal(error.largest[0]!.key, 'large')
})

t.test('what is too large is counted up to a bound, and at what it takes at least', async (t) => {
  const told = t.throws(() => checkValues({ a: 'x'.repeat(100_000), b: 'x'.repeat(200_000) })) as unknown as SizeError
  t.strictSame(told.largest.map(({ key }) => key), ['a'], 'no key after 64 kB')
  const { bytes } = t.throws(() => checkValues({ items: Array(5000).fill(1) })) as unknown as SizeError
  t.equal(bytes, 2 * 4097 + 'items'.length, 'two for each value and what follows it')
})

const objects: [name: string, value: object][] = [
  ['an object literal', {}],
  ['an object without a prototype', bare({})],
  ['an object of another realm', elsewhere('{}')],
  ['an object with names of Object.prototype', { constructor: 1, isPrototypeOf: 2 }],
]

const noObjects: [name: string, value: unknown, came: string][] = [
  ['undefined', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a string', 'secret', 'a string of 6 bytes'],
  ['a number', 1, 'number'],
  ['an array', ['secret'], 'an array of 1'],
  ['an array without a prototype', Object.setPrototypeOf([1], null), 'an array of 1'],
  ['an array of another realm', elsewhere('[]'), 'an array of 0'],
  ['a function', () => {}, 'function'],
  ['a class instance', new Point(), 'object'],
  ['a Map', new Map(), 'object'],
  ['a Date of another realm', elsewhere('new Date'), 'object'],
  ['what inherits from a literal', Object.create({}), 'object'],
  ['what inherits from one that has a name of Object.prototype', Object.create({ isPrototypeOf: 1 }), 'object'],
  ['what inherits from one without a prototype', Object.create(bare({ a: 1 })), 'object'],
]

const { req, sessions, handler } = attachSessions()

t.test('a session may be', async (t) => {
  for (const [name, value] of objects) {
    t.doesNotThrow(() => sessions.set(req, value), name)
    t.doesNotThrow(() => handler.encodeCookie(value), name)
  }
})

t.test('a session may not be', async (t) => {
  for (const [name, value, came] of noObjects) {
    const refused = { name: 'TypeError', message: `"session" expected a plain object, got ${came}` }
    t.throws(() => sessions.set(req, value as never), refused, name)
    t.throws(() => handler.encodeCookie(value as never), refused, name)
  }
})

import { runInNewContext } from 'node:vm'
import t from 'tap'
import { ValueError } from '../../lib/index.js'
import { changedKeys, checkPlain, parseSession, sessionText, checkedText as storableText } from '../../lib/session-json.js'

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

const texts: [name: string, text: string, session: object][] = [
  ['an empty object', '{}', {}],
  ['every kind of value', '{"s":"x","n":1.5,"b":true,"z":null,"a":[1,[2]],"o":{"p":{}}}',
    { s: 'x', n: 1.5, b: true, z: null, a: [1, [2]], o: { p: {} } }],
  ['white space around it', ' \n\t{ } \r', {}],
  ['an escape', '{"\\u0061":"\\ud83d\\ude00"}', { a: '😀' }],
  ['half a pair of surrogates', '{"a":"\\ud83d"}', { a: '\ud83d' }],
  ['characters beyond ASCII', '{"ä":"😀"}', { ä: '😀' }],
  ['__proto__ as a value', '{"a":"__proto__"}', { a: '__proto__' }],
  ['__proto__ in an array', '{"a":["__proto__"]}', { a: ['__proto__'] }],
  ['__proto__ as a part of a name', '{"a__proto__":{"__proto__b":1}}', { a__proto__: { __proto__b: 1 } }],
  ['names of Object.prototype', '{"constructor":1,"toString":2,"hasOwnProperty":3,"toJSON":4}',
    { constructor: 1, toString: 2, hasOwnProperty: 3, toJSON: 4 }],
  ['a name twice, of which the last counts', '{"a":1,"a":2}', { a: 2 }],
  ['numbers as names', '{"2":1,"1":2}', { 1: 2, 2: 1 }],
  ['an object 300 deep', `{"a":${'['.repeat(299)}${']'.repeat(299)}}`, { a: nested(299, true) }],
]

const noSession: [name: string, text: string][] = [
  ['nothing', ''],
  ['no JSON', '{a:1}'],
  ['half of it', '{"a":'],
  ['more after it', '{}{}'],
  ['a trailing comma', '{"a":1,}'],
  ['NaN', '{"a":NaN}'],
  ['a byte order mark', '\ufeff{}'],
  ['a control character', '{"a":"\n"}'],
  ['null', 'null'],
  ['an array', '[]'],
  ['a string', '"a"'],
  ['a number', '1'],
  ['true', 'true'],
  ['__proto__', '{"__proto__":{"admin":true}}'],
  ['__proto__ with null', '{"__proto__":null}'],
  ['__proto__ further in', '{"a":{"b":{"__proto__":1}}}'],
  ['__proto__ in an array', '{"a":[[{"__proto__":[]}]]}'],
  ['__proto__ with an escape', '{"\\u005f_proto__":1}'],
  ['__proto__ all in escapes', '{"a":{"\\u005f\\u005F\\u0070\\u0072\\u006f\\u0074\\u006f\\u005f\\u005f":1}}'],
  ['__proto__ before a name that comes twice', '{"a":{"__proto__":1},"b":1}'],
]

t.test('a text holds a session:', async (t) => {
  for (const [name, text, expected] of texts) {
    t.test(name, async (t) => {
      const session = parseSession(text)!
      t.equal(Object.getPrototypeOf(session), null)
      t.strictSame({ ...session }, expected)
    })
  }
})

t.test('a text holds none:', async (t) => {
  for (const [name, text] of noSession) {
    t.test(name, async (t) => {
      t.equal(parseSession(text), undefined)
    })
  }
})

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
  ['a function, absent', { a: () => 1, b: { c() {} }, d: Point }, '{"b":{}}'],
  ['a symbol, absent', { a: Symbol('a'), b: { c: Symbol.iterator } }, '{"b":{}}'],
  ['a symbol as a name, absent', { [Symbol('a')]: 1n, b: 1 }, '{"b":1}'],
  ['what is not enumerable, absent', Object.defineProperty({}, 'a', { value: 1n }), '{}'],
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
  ['an array of 5000 in an object', { a: Array(5000).fill(1) }, JSON.stringify({ a: Array(5000).fill(1) })],
]

const deep = 'a'.repeat(64).split('').map((name) => `.${name}`).join('')

const refused: [name: string, session: object, message: string][] = [
  ['NaN', { a: NaN }, 'session.a is NaN'],
  ['Infinity', { a: Infinity }, 'session.a is Infinity'],
  ['-Infinity', { a: -Infinity }, 'session.a is -Infinity'],
  ['a bigint', { a: 1n }, 'session.a is a bigint'],
  ['a Date', { a: new Date(0) }, 'session.a is an instance of Date'],
  ['a property of an array', { a: Object.assign([1], { total: 5 }) }, 'session.a.total is a property of an array'],
  ['what has its own constructor', { a: Object.create({ constructor: { name: 'a secret' } }) }, 'session.a is an instance of a class'],
  ['an instance that says another name', { a: Object.assign(new Date(0), { constructor: { name: 'a secret' } }) }, 'session.a is an instance of Date'],
  ['a Date of another realm', { a: elsewhere('new Date(0)') }, 'session.a is an instance of Date'],
  ['a Map', { a: new Map() }, 'session.a is an instance of Map'],
  ['a Set', { a: new Set() }, 'session.a is an instance of Set'],
  ['a WeakMap', { a: new WeakMap() }, 'session.a is an instance of WeakMap'],
  ['a Buffer', { a: Buffer.from('a') }, 'session.a is an instance of Buffer'],
  ['a Uint8Array', { a: new Uint8Array(1) }, 'session.a is an instance of Uint8Array'],
  ['an ArrayBuffer', { a: new ArrayBuffer(1) }, 'session.a is an instance of ArrayBuffer'],
  ['a regular expression', { a: /a/ }, 'session.a is an instance of RegExp'],
  ['an error', { a: new Error('x') }, 'session.a is an instance of Error'],
  ['a URL', { a: new URL('http://a.example') }, 'session.a is an instance of URL'],
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
  ['one after a nested one that is fine', { a: { b: [{}] }, c: 1n }, 'session.c is a bigint'],
  ['a cycle', cycle, 'session.a.b is a cycle'],
  ['a cycle of arrays', { a: ring }, 'session.a[0][0] is a cycle'],
  ['__proto__', JSON.parse('{"__proto__":1}') as object, 'session.__proto__ is a key that changes prototypes'],
  ['__proto__ with undefined', Object.defineProperty({}, '__proto__', { value: undefined, enumerable: true }),
    'session.__proto__ is a key that changes prototypes'],
  ['__proto__ further in', JSON.parse('{"a":[{"__proto__":{}}]}') as object,
    'session.a[0].__proto__ is a key that changes prototypes'],
  ['toJSON', { toJSON() { return {} } }, 'session.toJSON is a function'],
  ['toJSON further in', { a: [{ toJSON: () => 1 }] }, 'session.a[0].toJSON is a function'],
  ['toJSON of an array', { a: Object.assign([], { toJSON: () => 1 }) }, 'session.a.toJSON is a function'],
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
      t.equal(storableText(session, sessionText(session)), text)
      t.equal(sessionText(session), text)
      t.strictSame(JSON.stringify(parseSession(text)), text, 'which makes the same session')
    })
  }
})

t.test('a session has none because of', async (t) => {
  for (const [name, session, message] of refused) {
    t.test(name, async (t) => {
      const error = t.throws(() => storableText(session, sessionText(session)), { message, code: 'ERR_SESHCOOKIE_VALUE' })
      t.type(error, ValueError)
    })
  }

  // Node.js 20 has none: what stands in for it there looks as it does to the library.
  const json = JSON as typeof JSON & { rawJSON?(text: string): object, isRawJSON?(value: unknown): boolean }
  const { rawJSON, isRawJSON } = json
  const raw = rawJSON?.('1e400') ?? Object.freeze(bare({ rawJSON: '1e400' }))
  json.isRawJSON = isRawJSON ?? ((value) => value === raw)
  t.teardown(() => { if (isRawJSON === undefined) delete json.isRawJSON })
  for (const [path, session] of [['', raw], ['.a', { a: raw }], ['.a[1]', { a: [{ rawJSON: '1' }, raw] }]] as const) {
    t.test(`raw JSON at session${path}`, async (t) => {
      t.throws(() => storableText(session, sessionText(session)), {
        message: `session${path} is raw JSON`,
        code: 'ERR_SESHCOOKIE_VALUE',
      })
    })
  }

  t.test('toJSON on Object.prototype, until it goes', async (t) => {
    const session = bare({ a: { b: 1 } })
    Object.defineProperty(Object.prototype, 'toJSON', { value: () => 'evil', configurable: true })
    let error: unknown
    try {
      storableText(session, sessionText(session))
    } catch (thrown) {
      error = thrown
    } finally {
      delete (Object.prototype as { toJSON?: unknown }).toJSON
    }
    t.match(error, { message: 'session.a.toJSON is a function', code: 'ERR_SESHCOOKIE_VALUE' })
    t.equal(storableText(session, sessionText(session)), '{"a":{"b":1}}')
  })

  t.test('a value, whose content the message leaves out', async (t) => {
    for (const value of [new String('secret'), Object('secret') as object, Buffer.from('secret'), Symbol('secret')]) {
      const error = t.throws(() => storableText({ a: [value] }, undefined)) as Error
      t.notMatch(error.message, 'secret')
    }
  })
})

t.test('a text without checks', async (t) => {
  t.equal(sessionText({ a: NaN, b: new Date(0) }), '{"a":null,"b":"1970-01-01T00:00:00.000Z"}')
  t.equal(sessionText({ a: [() => {}, undefined] }), '{"a":[null,null]}')
  t.equal(sessionText(cycle), undefined)
  t.equal(sessionText({ a: 1n }), undefined)
  t.equal(sessionText({ get a() { throw new Error('x') } }), undefined)
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
  ['what inherits from one without a prototype', Object.create(bare({ a: 1 })), 'object'],
]

t.test('a session may be', async (t) => {
  for (const [name, value] of objects) {
    t.test(name, async (t) => {
      t.doesNotThrow(() => checkPlain(value, 'session'))
    })
  }
})

t.test('a session may not be', async (t) => {
  for (const [name, value, came] of noObjects) {
    t.test(name, async (t) => {
      const error = t.throws(() => checkPlain(value, 'session'), { message: `"session" expected a plain object, got ${came}` })
      t.type(error, TypeError)
    })
  }
})

const changes: [name: string, text: string, session: object, keys: string[]][] = [
  ['nothing', '{"a":1}', { a: 1 }, []],
  ['only the order', '{"a":1,"b":2}', { b: 2, a: 1 }, []],
  ['a value', '{"a":1,"b":2}', { a: 1, b: 3 }, ['b']],
  ['a nested value', '{"a":{"b":[1]},"c":1}', { a: { b: [2] }, c: 1 }, ['a']],
  ['a new name', '{"a":1}', { a: 1, b: 2 }, ['b']],
  ['a name that went', '{"a":1,"b":2}', { a: 1 }, ['b']],
  ['all names', '{"a":1}', { b: 1 }, ['a', 'b']],
  ['a name that became undefined', '{"a":1}', { a: undefined }, ['a']],
  ['a new name that is undefined', '{}', { a: undefined }, []],
  ['a new name that is null', '{}', { a: null }, ['a']],
  ['a name of Object.prototype', '{}', { toString: 1 }, ['toString']],
  ['a value that has no text', '{"a":1}', { a: 1n }, ['a']],
]

t.test('changed keys tell', async (t) => {
  for (const [name, text, session, keys] of changes) {
    t.test(name, async (t) => {
      t.strictSame(changedKeys(text, session), keys)
    })
  }
})

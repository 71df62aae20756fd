import t from 'tap'
import { changedKeys, parseSession, stringifySession, textOf } from '../../lib/session-json.js'
import { tokensOf } from '../../lib/session-tokens.js'

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
  ['an escape, and as many levels as a cookie has room for', `{"\\u0061":${'['.repeat(2900)}${']'.repeat(2900)}}`],
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
      const session = parseSession(text)
      t.equal(session && tokensOf(session), undefined)
    })
  }
})

t.test('a session has a text, or none where it cannot be stored', async (t) => {
  t.equal(stringifySession({ a: [1, { b: 'ä' }], u: undefined }), '{"a":[1,{"b":"ä"}]}')
  t.equal(textOf({ a: 1 }), '{"a":1}')
  for (const session of [{ a: NaN }, { a: 1n }, { a: new Date(0) }, { a: 'x'.repeat(5000) }, { get a() { throw new Error('x') } }]) {
    t.equal(textOf(session), undefined)
  }

  let reads = 0
  const session = { get a() { if (++reads > 1) throw new Error('the second time'); return 1 } }
  t.throws(() => stringifySession(session), { code: 'ERR_SESHCOOKIE_VALUE', message: /^session is not readable/ })
})

/** A getter that answers otherwise when it is asked again. */
const fickle = (...answers: unknown[]) => {
  let reads = 0
  return { get a() { return answers[Math.min(reads++, answers.length - 1)] } }
}
const boxed = Object.setPrototypeOf(new Boolean(true), null) as object
const hiddenToJSON = (value: unknown) => Object.defineProperty({ b: 1 }, 'toJSON', { value: () => value })
const changing: [name: string, session: () => object][] = [
  ['NaN the second time', () => fickle(1, NaN)],
  ['another value the second time', () => fickle(1, 2)],
  ['nothing the second time', () => fickle(1, undefined)],
  ['another order the second time', () => fickle({ b: 1, c: 2 }, { c: 2, b: 1 })],
  ['what is too deep the second time', () => fickle([], JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`))],
  ['a Boolean without a prototype', () => ({ a: boxed })],
  ['a session that is one', () => boxed],
  ['a toJSON that is not enumerable', () => ({ a: [hiddenToJSON('evil')] })],
  ['a toJSON of the session', () => hiddenToJSON({ b: 2 })],
  ['a toJSON that adds a key __proto__', () => hiddenToJSON(JSON.parse('{"b":1,"__proto__":{"c":2}}'))],
]
t.test('what JSON.stringify makes is refused where it is not what was looked at:', async (t) => {
  const refusal = { code: 'ERR_SESHCOOKIE_VALUE', path: 'session', found: /^not the same when it is read twice/ }
  for (const [name, session] of changing) t.throws(() => stringifySession(session()), refusal, name)

  const { rawJSON } = JSON as typeof JSON & { rawJSON?(text: string): object }
  for (const text of rawJSON === undefined ? [] : ['1e400', '1', '"x"']) {
    t.throws(() => stringifySession({ a: rawJSON!(text) }), refusal, `raw JSON ${text}`)
    t.throws(() => stringifySession(rawJSON!(text)), refusal, `raw JSON ${text} as the session`)
  }

  for (const prototype of [Object.prototype, Array.prototype]) {
    Object.defineProperty(prototype, 'toJSON', { value: () => 'evil', configurable: true })
    let error: unknown
    try {
      stringifySession({ a: [1] })
    } catch (thrown) {
      error = thrown
    } finally {
      delete (prototype as { toJSON?: unknown }).toJSON
    }
    t.match(error, refusal)
  }
})

t.test('what JSON says in another way is what was looked at', async (t) => {
  t.equal(stringifySession({ a: -0, b: '\ud83d', c: undefined }), '{"a":0,"b":"\\ud83d"}')
  t.equal(stringifySession(fickle({ b: [1] }, { b: [1] })), '{"a":{"b":[1]}}', 'another object with the same values')
})

t.test('a text is not taken for none when the stack is used up', async (t) => {
  const real = JSON.parse
  JSON.parse = () => { throw new RangeError('Maximum call stack size exceeded') }
  t.teardown(() => { JSON.parse = real })
  t.throws(() => parseSession('{"a":1}'), RangeError)
})

t.test('of very many changed keys the first ones are told, and no others looked at', async (t) => {
  let reads = 0
  const session = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, index]))
  const counted = new Proxy(session, {
    get: (target, name) => {
      reads++
      return Reflect.get(target, name) as unknown
    },
  })
  t.strictSame(changedKeys('{"k0":0}', counted), Object.keys(session).slice(1, 65))
  t.ok(reads < 200, `${reads} reads`)
})

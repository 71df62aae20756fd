import t from 'tap'
import { areSame, hasTokens, tokensOf } from '../../lib/session-tokens.js'
import { checkValues } from '../../lib/session-values.js'

// No two of them have the same JSON text.
const texts = [
  '{}', '{"a":1}', '{"a":2}', '{"a":"1"}', '{"a":true}', '{"a":null}', '{"a":"a"}', '{"b":1}', '{"":1}',
  '{"a":1,"b":2}', '{"b":2,"a":1}', '{"a":2,"b":1}', '{"a":{"b":2}}', '{"a":{},"b":2}', '{"a":{"b":{}}}', '{"a":{},"b":{}}',
  '{"a":[]}', '{"a":{}}', '{"a":[[]]}', '{"a":[],"b":[]}', '{"a":[1]}', '{"a":[1,2]}', '{"a":[[1],2]}', '{"a":[1,[2]]}',
  '{"a":[1,"b",2]}', '{"a":[1],"b":2}', '{"a":["b",1]}', '{"a":{"b":1}}', '{"a":[{"b":1}]}', '{"a":[{},"b",1]}',
  '{"a":[null]}', '{"a":"[]"}', '{"a":"end"}', '{"a":"Symbol(end)"}', '{"a":-1}', '{"a":1e300}',
]
const parsed = (text: string) => JSON.parse(text) as object
const tokensIn = (text: string) => tokensOf(parsed(text))!

t.test('two sessions have the same tokens where, and only where, they have the same text', async (t) => {
  const wrong: string[] = []
  for (const text of texts) {
    for (const other of texts) {
      const isSame = text === other
      if (areSame(tokensIn(text), tokensIn(other)) !== isSame) wrong.push(`${text} and ${other}`)
      if (areSame(checkValues(parsed(text)), tokensIn(other)) !== isSame) wrong.push(`a look at ${text}, ${other}`)
      if (hasTokens(parsed(text), tokensIn(other)) !== isSame) wrong.push(`${text} has those of ${other}`)
    }
  }
  t.strictSame(wrong, [])
})

t.test('what has one text has the same tokens', async (t) => {
  const pairs: [name: string, session: object, text: string][] = [
    ['a property without a value', { a: undefined, b: 1 }, '{"b":1}'],
    ['the other zero', { a: -0 }, '{"a":0}'],
    ['another prototype', Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
    ['other spaces', { a: [1] }, ' { "a" : [ 1 ] } '],
    ['another spelling', { a: 'b', c: 100 }, '{"\\u0061":"\\u0062","c":1e2}'],
    ['a name twice, whose last value counts', { a: 2, b: 1 }, '{"a":1,"b":1,"a":2}'],
  ]
  for (const [name, session, text] of pairs) t.ok(areSame(checkValues(session), tokensIn(text)), name)
})

t.test('what a session has become is not taken for what it was', async (t) => {
  const cyclic: { a: unknown } = { a: 1 }
  cyclic.a = cyclic
  const became: [name: string, session: object, text: string][] = [
    ['undefined behind the end of an array', { a: [1, undefined] }, '{"a":[1]}'],
    ['undefined behind two ends', { a: [[1, undefined, undefined]] }, '{"a":[[1]]}'],
    ['undefined in place of a value', { a: undefined }, '{"a":null}'],
    ['a hole', { a: new Array(1) }, '{"a":[null]}'],
    ['NaN', { a: NaN }, '{"a":null}'],
    ['a function', { a: Object }, '{"a":{}}'],
    ['a symbol', { a: Symbol('end') }, '{"a":"end"}'],
    ['a bigint', { a: 1n }, '{"a":1}'],
    ['itself', cyclic, '{"a":{}}'],
    ['a Map', { a: new Map([[1, 2]]) }, '{"a":{}}'],
    ['a Date', { a: new Date(0) }, '{"a":{}}'],
    ['an instance of a class', { a: new (class { b = 1 })() }, '{"a":{"b":1}}'],
    ['an instance of a subclass of Array', { a: new (class extends Array {})() }, '{"a":[]}'],
  ]
  for (const [name, session, text] of became) t.notOk(hasTokens(session, tokensIn(text)), name)
})

const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
const storable: [name: string, text: string, isStorable: boolean][] = [
  ['64 levels', nested(64), true],
  ['65 levels', nested(65), false],
  ['65 levels of objects', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, false],
  ['as many levels as a cookie has room for', nested(1500), false],
  ['the largest numbers', '{"a":[1.7976931348623157e308,-1.7976931348623157e308]}', true],
  ['a number out of range', '{"a":1e999}', false],
  ['a negative number out of range, further in', '{"a":[{"b":-1e999}]}', false],
  ['words for what is out of range', '{"a":"Infinity","Infinity":"-Infinity"}', true],
  ['a key __proto__', '{"a":[{"__proto__":1}]}', false],
]
t.test('only what could be stored again has tokens:', async (t) => {
  for (const [name, text, isStorable] of storable) t.equal(tokensOf(parsed(text)) !== undefined, isStorable, name)
})

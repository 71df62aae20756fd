import { inspect } from 'node:util'
import t from 'tap'
import * as library from '../../lib/index.js'
import {
  ExpiredError, FormatError, HashError, LateChangeError, LenError, NoSessionError, SeshcookieError, SizeError,
  ValueError,
} from '../../lib/index.js'
import { misuse, wrongValue } from '../../lib/errors.js'

const classes = [
  [HashError, 'HashError', 'ERR_SESHCOOKIE_HASH'],
  [LenError, 'LenError', 'ERR_SESHCOOKIE_LEN'],
  [FormatError, 'FormatError', 'ERR_SESHCOOKIE_FORMAT'],
  [ExpiredError, 'ExpiredError', 'ERR_SESHCOOKIE_EXPIRED'],
  [SizeError, 'SizeError', 'ERR_SESHCOOKIE_SIZE'],
  [ValueError, 'ValueError', 'ERR_SESHCOOKIE_VALUE'],
  [NoSessionError, 'NoSessionError', 'ERR_SESHCOOKIE_NO_SESSION'],
  [LateChangeError, 'LateChangeError', 'ERR_SESHCOOKIE_LATE'],
] as const

const facts = { bytes: 1, limit: 2, largest: [{ key: 'a', bytes: 1 }], path: 'session.a', found: 'NaN', keys: ['a'] }

const make = (Kind: typeof classes[number][0], options: typeof facts & ErrorOptions) =>
  new (Kind as typeof SizeError & typeof ValueError & typeof LateChangeError)('what happened', options)

for (const [Kind, name, code] of classes) {
  t.test(name, async (t) => {
    const cause = new Error('cause')
    const error = make(Kind, { cause, ...facts })
    t.strictSame([error.name, error.code, error.message, error.cause], [name, code, 'what happened', cause])
    t.equal(Kind.name, name)
    t.equal(String(error), `${name}: what happened`)
    t.ok(error instanceof SeshcookieError)
    t.ok(error instanceof Error)
    t.notOk(error instanceof TypeError || error instanceof RangeError, 'misuse is something else')
    for (const [Other] of classes) t.equal(error instanceof Other, Other === Kind)
    t.match(error.stack, /^\w+: what happened\n {4}at /)
    t.match(inspect(error), code)
  })
}

t.test('errors become JSON with their facts, for loggers', async (t) => {
  const rows: [Kind: typeof classes[number][0], facts: object][] = [
    [HashError, {}],
    [NoSessionError, {}],
    [SizeError, { bytes: 1, limit: 2, largest: [{ key: 'a', bytes: 1 }] }],
    [ValueError, { path: 'session.a', found: 'NaN' }],
    [LateChangeError, { keys: ['a'] }],
  ]
  for (const [Kind, own] of rows) {
    const error = make(Kind, facts)
    t.strictSame(JSON.parse(JSON.stringify({ type: 'failed', error })),
      { type: 'failed', error: { name: error.name, code: error.code, message: 'what happened', ...own } })
  }
})

t.test('no class is missing, and no code is used twice', async (t) => {
  const exported = Object.entries(library).filter(([name]) => name.endsWith('Error')).map(([name]) => name)
  t.strictSame(exported.toSorted(), [...classes.map(([, name]) => name), 'SeshcookieError'].toSorted())
  t.equal(new Set(classes.map(([, , code]) => code)).size, classes.length)
})

const { handler, sessions } = (() => {
  const sessions = new library.RequestSessions()
  return { sessions, handler: new library.SessionHandler(() => {}, Buffer.alloc(32, 1), sessions) }
})()
const other = new library.SessionHandler(() => {}, Buffer.alloc(32, 2), sessions)
const sealed = handler.encodeCookie({ a: 1 })

const thrown: [name: string, act: () => unknown, Kind: typeof classes[number][0], message?: RegExp][] = [
  ['a short value', () => handler.decodeCookie('A'.repeat(107)), LenError, /not 108 to 4096 characters long$/],
  ['an empty value', () => handler.decodeCookie(''), LenError],
  ['a long value', () => handler.decodeCookie('A'.repeat(4097)), LenError],
  ['another alphabet', () => handler.decodeCookie('+'.repeat(108)), FormatError, /not canonical base64url of version 1/],
  ['another version', () => handler.decodeCookie('A'.repeat(108)), FormatError],
  ['another key', () => other.decodeCookie(sealed), HashError, /^the tag of the cookie value does not match$/],
  ['a session that is too large', () => handler.encodeCookie({ a: 'x'.repeat(3500) }), SizeError,
    /^the Set-Cookie line would be \d+ bytes, at most 4093 are allowed; largest keys, in bytes: a \(3506\)$/],
  ['a value that is none', () => handler.encodeCookie({ a: NaN }), ValueError],
  ['a request that was not seen', () => sessions.get({ headers: {} } as library.AnyRequest), NoSessionError,
    /^no SessionHandler of this RequestSessions has seen the request\. Usually none is in front/],
]

t.test('thrown for', async (t) => {
  for (const [name, act, Kind, message = /./] of thrown) {
    t.test(name, async (t) => {
      const error = t.throws(act, { message }) as Error
      t.equal(error.constructor, Kind)
    })
  }

  t.test('an old value', async (t) => {
    const { now } = Date
    const later = now() + 86_400_000
    Date.now = () => later
    t.teardown(() => { Date.now = now })
    const error = t.throws(() => handler.decodeCookie(sealed)) as ExpiredError
    t.equal(error.constructor, ExpiredError)
    t.equal(error.reason, 'maxAge')
    t.equal(error.message, `the cookie value is ${error.seconds} seconds past "maxAge"`)
  })

  t.test('a value that is no string, as misuse', async (t) => {
    for (const value of [undefined, null, 1, Buffer.from(sealed), [sealed], new String(sealed)]) {
      const message = /^"value" expected a string, got /
      const error = t.throws(() => handler.decodeCookie(value as string), { message })
      t.type(error, TypeError)
    }
  })

  t.test('a cookie, of which the message says nothing', async (t) => {
    const error = t.throws(() => other.decodeCookie(sealed)) as Error
    for (const part of [sealed, sealed.slice(0, 12), sealed.slice(-12)]) t.notOk(inspect(error).includes(part))
  })
})

const came: [value: unknown, message: string][] = [
  [undefined, 'undefined'],
  [null, 'null'],
  [true, 'boolean'],
  [12345, 'number'],
  [12345n, 'bigint'],
  [Symbol('secret'), 'symbol'],
  [() => 'secret', 'function'],
  ['', 'a string of 0 bytes'],
  ['secret', 'a string of 6 bytes'],
  ['ä😀', 'a string of 6 bytes'],
  [[], 'an array of 0'],
  [['secret', 'secret'], 'an array of 2'],
  [{ toString: () => 'secret' }, 'object'],
  [Buffer.from('secret'), 'object'],
  [Promise.resolve('secret'), 'a promise'],
  [{ then() { return 'secret' } }, 'a promise'],
  [Object.assign(() => 'secret', { then() {} }), 'a promise'],
  [{ then: 'secret' }, 'object'],
  [{ get then() { throw new Error('secret') } }, 'object'],
]

t.test('misuse says what came, and nothing of its content', async (t) => {
  for (const [value, got] of came) {
    t.test(`as ${got}`, async (t) => {
      for (const Kind of [TypeError, RangeError]) {
        const error = misuse(Kind, 'name', 'something else', value)
        t.equal(error.constructor, Kind)
        t.equal(error.message, `"name" expected something else, got ${got}`)
      }
    })
  }
})

t.test('a wrong value that is no secret is repeated, quoted and cut, if it is a string', async (t) => {
  const rows: [value: unknown, got: string][] = [
    ['Strict', "'Strict'"], ['', '""'], ['a b', '"a b"'], ['a\n\x9b', '"a\\n\\u009b"'], ['x'.repeat(300), `'${'x'.repeat(64)}'`],
    [['secret'], 'an array of 1'], [1, 'number'], [null, 'null'],
  ]
  for (const [value, got] of rows) {
    const error = wrongValue('sameSite', "'strict', 'lax' or 'none'", value)
    t.type(error, TypeError)
    t.equal(error.message, `"sameSite" expected 'strict', 'lax' or 'none', got ${got}`)
  }
})

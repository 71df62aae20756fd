import t from 'tap'
import { defaults, type Settings } from '../../lib/options.js'
import { checkPrefix, cookieAttributes, forget, isDomain, isPath, isToken, keepFor, maxLineLength, nameInLine }
  from '../../lib/set-cookie.js'

const lines: [name: string, settings: Partial<Settings>, path: string, secure: boolean, attributes: string][] = [
  ['the defaults', {}, '/', false, '; Path=/; HttpOnly; SameSite=Lax'],
  ['the defaults over TLS', {}, '/', true, '; Path=/; Secure; HttpOnly; SameSite=Lax'],
  ['a path', {}, '/a/b', false, '; Path=/a/b; HttpOnly; SameSite=Lax'],
  ['a domain', { domain: 'example.com' }, '/', false, '; Path=/; Domain=example.com; HttpOnly; SameSite=Lax'],
  ['no HttpOnly', { httpOnly: false }, '/', false, '; Path=/; SameSite=Lax'],
  ['no HttpOnly over TLS', { httpOnly: false }, '/', true, '; Path=/; Secure; SameSite=Lax'],
  ['SameSite=Strict', { sameSite: 'strict' }, '/', false, '; Path=/; HttpOnly; SameSite=Strict'],
  ['SameSite=None', { sameSite: 'none' }, '/', true, '; Path=/; Secure; HttpOnly; SameSite=None'],
  ['Partitioned', { partitioned: true }, '/', true, '; Path=/; Secure; HttpOnly; SameSite=Lax; Partitioned'],
  ['all of them', { domain: 'a.example', sameSite: 'none', partitioned: true }, '/p', true,
    '; Path=/p; Domain=a.example; Secure; HttpOnly; SameSite=None; Partitioned'],
  ['none that can be left out', { httpOnly: false }, '/', false, '; Path=/; SameSite=Lax'],
]

t.test('attributes', async (t) => {
  for (const [name, settings, path, secure, attributes] of lines) {
    t.test(name, async (t) => {
      t.equal(cookieAttributes(path, { ...defaults, ...settings }, secure), attributes)
    })
  }
})

t.test('lifetimes and limits', async (t) => {
  t.equal(keepFor(1), '; Max-Age=1')
  t.equal(keepFor(34_560_000), '; Max-Age=34560000')
  t.equal(forget, '; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT')
  t.equal(maxLineLength, 4093)
})

type Check = (value: unknown) => boolean
const label = 'a'.repeat(63)

const values: [
  what: string, check: Check, good: [name: string, value: string][], bad: [name: string, value: unknown][],
][] = [
  ['a name', isToken, [
    ['a word', 'session'],
    ['one character', 's'],
    ['a prefix', '__Host-session'],
    ['every character of a token', "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"],
  ], [
    ['nothing', ''],
    ...[...'()<>@,;:\\"/[]?={} \t\r\n\0\x1f\x7f\x80äÿ'].map((char): [string, string] =>
      [`a name with ${JSON.stringify(char)} in it`, `a${char}b`]),
    ['a name with a line feed at its end', 'session\n'],
    ['a name with a space before it', ' session'],
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['a list', ['session']],
    ['a String object', new String('session')],
  ]],
  ['a path', isPath, [
    ['the root', '/'],
    ['a folder', '/a/'],
    ['a path in a path', '/a/b'],
    ['percent signs', '/%20'],
    ['spaces inside', '/a b'],
    ['commas, quotes and equals signs', '/a,"b"=c'],
    ['the characters around the semicolon', '/:<'],
    ['the first and the last octet', '/!~'],
    ['1024 octets', `/${'a'.repeat(1023)}`],
  ], [
    ['nothing', ''],
    ['no slash', 'a'],
    ['a slash that is not first', 'a/'],
    ['a space before the slash', ' /'],
    ['a space at the end', '/a '],
    ['a slash and a space', '/ '],
    ['a semicolon', '/a;b'],
    ['a semicolon at the end', '/a;'],
    ['an attribute', '/; Secure'],
    ['a tab', '/a\tb'],
    ['a line feed', '/a\nb'],
    ['a line feed at the end', '/a\n'],
    ['a line feed after the root', '/\n'],
    ['a carriage return', '/a\rb'],
    ['a NUL', '/a\0'],
    ['a unit separator', '/\x1fa'],
    ['a DEL', '/a\x7f'],
    ['a character beyond ASCII', '/ä'],
    ['1025 octets', `/${'a'.repeat(1024)}`],
    ['undefined', undefined],
    ['null', null],
    ['a list', ['/']],
    ['a String object', new String('/')],
  ]],
  ['a domain', isDomain, [
    ['a domain', 'example.com'],
    ['one label', 'localhost'],
    ['one character', 'a'],
    ['a subdomain', 'a.b.example.com'],
    ['digits first', '3com.example'],
    ['hyphens inside', 'a--b.ex-ample'],
    ['an internationalized domain as it is sent', 'xn--bcher-kva.example'],
    ['upper case', 'Example.COM'],
    ['a label of 63 octets', `${label}.example`],
    ['253 octets', `${label}.${label}.${label}.${'b'.repeat(61)}`],
  ], [
    ['nothing', ''],
    ['a leading dot', '.example.com'],
    ['a trailing dot', 'example.com.'],
    ['two dots', 'example..com'],
    ['a dot', '.'],
    ['a leading hyphen', '-a.example'],
    ['a trailing hyphen', 'a-.example'],
    ['a hyphen', '-'],
    ['a label of 64 octets', `${label}a.example`],
    ['254 octets', `${label}.${label}.${label}.${'b'.repeat(62)}`],
    ['an underscore', 'a_b.example'],
    ['a port', 'example.com:80'],
    ['a URL', 'https://example.com'],
    ['a path', 'example.com/'],
    ['a wildcard', '*.example.com'],
    ['an IPv6 address', '[::1]'],
    ['a semicolon', 'example.com; Secure'],
    ['a space', 'example .com'],
    ['a line feed at the end', 'example.com\n'],
    ['a line feed in the middle', 'example\n.com'],
    ['a character beyond ASCII', 'bücher.example'],
    ['undefined', undefined],
    ['null', null],
    ['a list', ['example.com']],
    ['a String object', new String('example.com')],
  ]],
]

for (const [what, check, good, bad] of values) {
  t.test(what, async (t) => {
    for (const [name, value] of good) {
      t.test(`may be ${name}`, async (t) => {
        t.equal(check(value), true)
      })
    }
    for (const [name, value] of bad) {
      t.test(`may not be ${name}`, async (t) => {
        t.equal(check(value), false)
      })
    }
  })
}

type PrefixRow = [name: string, settings: Partial<Settings>, path?: string]
const secure = { secure: true } as const

const fitting: PrefixRow[] = [
  ['session', {}],
  ['session', { secure: false, domain: 'a.example', httpOnly: false }, '/a'],
  ['__Secure-s', secure],
  ['__Secure-s', { secure: true, domain: 'a.example', httpOnly: false }, '/a'],
  ['__Host-s', secure],
  ['__Host-s', { secure: true, httpOnly: false }],
  ['__Http-s', secure],
  ['__Http-s', { secure: true, domain: 'a.example' }, '/a'],
  ['__Host-Http-s', secure],
  ['_Host-s', {}],
  ['a__Host-s', {}],
  ['__Hosts', {}],
  ['__Other-s', {}],
]

const unfitting: [...PrefixRow, message: RegExp][] = [
  ['__Secure-s', {}, '/', /^"secure" expected true, .* starts with __secure-$/],
  ['__Secure-s', { secure: false }, '/', /^"secure" expected true/],
  ['__secure-s', {}, '/', /^"secure" expected true/],
  ['__SECURE-s', {}, '/', /^"secure" expected true/],
  ['__Host-s', {}, '/', /^"secure" expected true, .* starts with __host-$/],
  ['__Host-s', { secure: false }, '/', /^"secure" expected true/],
  ['__Host-s', { secure: true, domain: 'a.example' }, '/', /^"domain" expected none/],
  ['__Host-s', secure, '/a', /^"cookiePath" expected '\/'/],
  ['__hOST-s', secure, '/a', /^"cookiePath" expected '\/'/],
  ['__Host-', {}, '/', /^"secure" expected true/],
  ['__Http-s', {}, '/', /^"secure" expected true/],
  ['__Http-s', { secure: true, httpOnly: false }, '/', /^"httpOnly" expected true/],
  ['__Host-Http-s', {}, '/', /^"secure" expected true/],
  ['__Host-Http-s', { secure: true, httpOnly: false }, '/', /^"httpOnly" expected true/],
  ['__Host-Http-s', { secure: true, domain: 'a.example' }, '/', /^"domain" expected none/],
  ['__Host-Http-s', secure, '/a', /^"cookiePath" expected '\/'/],
]

t.test('a name prefix', async (t) => {
  for (const [name, settings, path = '/'] of fitting) {
    t.test(`allows ${name} at ${path} with ${JSON.stringify(settings)}`, async (t) => {
      t.doesNotThrow(() => checkPrefix(name, path, { ...defaults, ...settings }))
    })
  }
  for (const [name, settings, path = '/', message] of unfitting) {
    t.test(`refuses ${name} at ${path} with ${JSON.stringify(settings)}`, async (t) => {
      const error = t.throws(() => checkPrefix(name, path, { ...defaults, ...settings }), { message })
      t.type(error, TypeError)
    })
  }
})

const named: [line: unknown, name: string][] = [
  ['session=a', 'session'],
  ['session=a; Path=/', 'session'],
  ['session=', 'session'],
  ['session=a=b', 'session'],
  [' \tsession\t = a; Path=/', 'session'],
  ['session=; x=y', 'session'],
  ['Session=a', 'Session'],
  ['my-session=a', 'my-session'],
  ['"session"=a', '"session"'],
  ['\u00a0session=a', '\u00a0session'],
  ['other=session=a', 'other'],
  ['other; session=a', ''],
  ['session', ''],
  ['=session', ''],
  ['', ''],
  [';', ''],
  [1, ''],
  [undefined, ''],
  [['session=a'], 'session'],
]

t.test('the name in a line', async (t) => {
  for (const [line, name] of named) {
    t.test(`of ${JSON.stringify(line)} is ${JSON.stringify(name)}`, async (t) => {
      t.equal(nameInLine(line), name)
    })
  }
})

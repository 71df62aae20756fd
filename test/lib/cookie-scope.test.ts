import t from 'tap'
import { checkPrefix, isDomain, isPath, isToken } from '../../lib/cookie-scope.js'
import { defaults, type Settings } from '../../lib/options.js'
import { BrowserJar } from '../support/browser-jar.js'

type Check = (value: unknown) => boolean
const label = 'a'.repeat(63)

const values: [
  what: string, check: Check, good: [name: string, value: string][], bad: [name: string, value: unknown][]
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
    ['every character that a browser leaves in a path', "/!$%&'()*+,-./0123456789:=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz~"],
    ['1024 octets', `/${'a'.repeat(1023)}`],
  ], [
    ['nothing', ''],
    ['no slash', 'a'],
    ['a slash that is not first', 'a/'],
    ...[...' "<>`?#{}^|\\'].flatMap((char): [string, string][] => [
      [`a path with ${JSON.stringify(char)} in it, which no URL's path has`, `/a${char}b`],
      [`a path that ends in ${JSON.stringify(char)}`, `/${char}`],
    ]),
    ['a space before the slash', ' /'],
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
    ['an underscore', 'my_host.example'],
    ['underscores at the ends', '_a_.example'],
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

/** A URL parser says which paths there are: a cookie for any other one would never come back. */
t.test('a path is taken if and only if a URL can have it', async (t) => {
  for (let code = 0; code <= 0x100; code++) {
    const char = String.fromCharCode(code)
    // An attribute's value has no semicolon, and some parsers encode the other two, as the standard came to say.
    if (';^|'.includes(char)) continue
    for (const path of [`/a${char}b`, `/a${char}`]) {
      const { pathname } = new URL(`https://shop.example${path}`)
      if (isPath(path) !== (pathname === path)) t.fail(`${JSON.stringify(path)} becomes ${pathname}`)
      if (!isPath(path)) continue
      const jar = new BrowserJar(() => Date.now())
      jar.receive(`https://shop.example${path}`, [`s=1; Path=${path}`])
      if (jar.header(`https://shop.example${path}`) !== 's=1') t.fail(`${JSON.stringify(path)} never comes back`)
    }
  }
})

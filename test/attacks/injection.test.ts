/**
 * What goes into a Set-Cookie line comes out of it, at the browser's end, as what it was: no option, whatever is put
 * into it, adds an attribute, a cookie or a header, and every line that is sent is one that a browser takes.
 */
import t from 'tap'
import { RequestSessions, SessionHandler, type HandlerOptions, type SessionOptions } from '../../lib/index.js'
import { BrowserJar } from '../support/browser-jar.js'
import { ask } from '../support/client.js'
import { listen } from '../support/listen.js'
import { parseSetCookie } from '../support/set-cookie-parser.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { key } from '../support/sessions.js'
import { setTime } from '../support/time.js'

type Options = SessionOptions & Pick<HandlerOptions, 'cookieName' | 'cookiePath'>

const interesting = [
  ...Array.from({ length: 128 }, (_, code) => code), 0x80, 0x85, 0xa0, 0xad, 0xff, 0x130, 0x2028, 0xd800, 0xdfff,
  0xff1b, 0x1f600,
].map((code) => String.fromCodePoint(code))

/** Sets up as the options say, or gives the error that this throws. */
function setUp({ cookieName, cookiePath, ...options }: Options): SessionHandler | Error {
  try {
    // Secure cookies over plain HTTP are what this file sends; nobody needs a warning.
    const sessions = new RequestSessions({ onEvent: () => {}, ...options })
    return new SessionHandler((req, res) => {
      if (req.url === '/clear') sessions.clear(req)
      else sessions.get(req)['a'] = 1
      res.end()
    }, key, sessions, { cookieName, cookiePath })
  } catch (error) {
    return error as Error
  }
}

/** What a handler sets and clears the cookie with. */
function linesOf(handler: SessionHandler): [set: string, clear: string] {
  return ['/', '/clear'].map((url) => {
    const { req, res } = requestAndResponse()
    req.url = url
    handler.listener(req, res)
    const line = res.getHeader('Set-Cookie')
    if (res.statusCode !== 200 || !res.headersSent || typeof line !== 'string') throw new Error(String(line))
    return line
  }) as [string, string]
}

const lifetime = (name: string) => name === 'max-age' || name === 'expires'

/** The attributes that are the same when a cookie is set and when it is deleted. */
function lasting(line: string): [name: string, value: string][] {
  return parseSetCookie(line)!.attributes.filter(([name]) => !lifetime(name))
}

/** What the options ask for, in the parser's words. */
function wanted({ cookiePath = '/', domain, secure, httpOnly = true, sameSite = 'lax', partitioned }: Options) {
  const attributes: [string, string][] = [['path', cookiePath]]
  if (domain !== undefined) attributes.push(['domain', domain])
  if (secure === true) attributes.push(['secure', ''])
  if (httpOnly) attributes.push(['httponly', ''])
  attributes.push(['samesite', { strict: 'Strict', lax: 'Lax', none: 'None' }[sameSite]])
  if (partitioned === true) attributes.push(['partitioned', ''])
  return attributes
}

const inOrder = (attributes: [string, string][]) => attributes.map((pair) => pair.join('=')).sort()

/** What a browser reads in the two lines, where that is not what the options ask for; nothing, one hopes. */
function surprises(options: Options, [set, clear]: [string, string]): string[] {
  const expected = `${options.cookieName ?? 'session'} ${inOrder(wanted(options)).join('; ')}`
  const read = [set, clear].map((line) => `${parseSetCookie(line)?.name} ${inOrder(lasting(line)).join('; ')}`)
  return [
    ...read.filter((found) => found !== expected),
    ...[set, clear].filter((line) => !/^[\x20-\x7e]{1,4093}$/.test(line)),
    ...[set].filter((line) => !/^[^=]+=[A-Za-z0-9_-]{108,4096}; Max-Age=86400; Expires=[^;]{29}; /.test(line)),
    ...[clear].filter((line) => !/^[^=]+=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; /.test(line)),
  ]
}

/** Fit for a test's name: tap takes some characters beyond ASCII for the end of a line. */
const shown = (value: unknown) =>
  JSON.stringify(value).replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`)

t.test('every character at the start, in the middle and at the end of a name, a path and a domain', async (t) => {
  const rows: [option: 'cookieName' | 'cookiePath' | 'domain', templates: ((character: string) => string)[]][] = [
    ['cookieName', [(c) => `${c}sid`, (c) => `s${c}d`, (c) => `sid${c}`, (c) => c]],
    ['cookiePath', [(c) => `${c}/app`, (c) => `/a${c}p`, (c) => `/app${c}`, (c) => `/${c}`]],
    ['domain', [(c) => `${c}shop.example`, (c) => `sh${c}op.example`, (c) => `shop.example${c}`, (c) => c]],
  ]
  for (const [option, templates] of rows) {
    let taken = 0
    for (const character of interesting) {
      for (const template of templates) {
        const options: Options = { [option]: template(character) }
        const title = `${option} ${shown(template(character))}`
        const handler = setUp(options)
        if (handler instanceof Error) {
          if (!(handler instanceof TypeError)) t.fail(`${title}: ${String(handler)}`)
          continue
        }
        taken++
        t.same(surprises(options, linesOf(handler)), [], title)
      }
    }
    t.ok(taken > 100, `${taken} values of ${option} can be used`)
  }
})

t.test('every character in a value that is a fixed word or a number', async (t) => {
  const rows: [option: keyof SessionOptions, values: string[]][] = [
    ['sameSite', ['strict', 'lax', 'none']],
    ['secure', ['auto', 'true', '']],
    ['httpOnly', ['true', '']],
    ['partitioned', ['true', '']],
    ['persistent', ['true', '']],
    ['cacheHeaders', ['true', '']],
    ['maxAge', ['60', '']],
    ['idleTimeout', ['60', '']],
  ]
  for (const [option, values] of rows) {
    const all = values.flatMap((value) => interesting.flatMap((c) => [c + value, value + c, value.slice(0, 1) + c]))
    const taken = all.filter((value) => {
      const result = setUp({ [option]: value } as Options)
      if (result instanceof Error && !(result instanceof TypeError)) t.fail(`${option}: ${String(result)}`)
      return !(result instanceof Error)
    })
    t.same(taken, [], `${option}: ${all.length} strings`)
  }
})

t.test('an error about an option shows its value as JSON, and cut', async (t) => {
  const value = `secret\r\n\u001b[31mvalue\u007f${'x'.repeat(300_000)}`
  for (const option of ['cookieName', 'cookiePath', 'domain', 'sameSite', 'secure']) {
    const error = setUp({ [option]: value } as Options)
    t.ok(error instanceof TypeError)
    const { message } = error as Error
    t.match(message, option)
    t.match(message, /^[\x20-\x7e\u00a7]{1,250}$/, 'in one line that is no longer than one reads')
    t.match(message, '"secret\\r\\n\\u001b[31mvalue\\u007fx')
  }
})

t.test('Max-Age is a plain number of digits, and Expires the same moment, whatever the time', async (t) => {
  const lifetimes = (line: string) => parseSetCookie(line)!.attributes.filter(([name]) => lifetime(name))
  // A leap day, the end of what 32 bits with a sign hold, and the last day that a maxAge reaches of year 9999.
  for (const now of [951_782_400, 1_800_000_000, 2_147_483_647, 4_102_444_800, 253_402_300_799 - 34_560_000]) {
    setTime(t, now)
    for (const maxAge of [1, 2, 10, 59, 60, 86_400, 1_000_000, 34_559_999, 34_560_000]) {
      const [set, clear] = linesOf(setUp({ maxAge }) as SessionHandler)
      const [first, second, ...more] = lifetimes(set)
      t.same([first, second?.[0], more], [['max-age', String(maxAge)], 'expires', []])
      t.match(second![1], /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/)
      t.equal(Date.parse(second![1]), (now + maxAge) * 1000)
      t.same(lifetimes(clear), [['max-age', '0'], ['expires', 'Thu, 01 Jan 1970 00:00:00 GMT']])
      // A client that knows Expires alone keeps the cookie as long as one that knows Max-Age alone.
      for (const unknown of ['Max-Age', 'Expires']) {
        const jar = new BrowserJar(() => Date.now())
        jar.receive('http://shop.example/', [set.replace(`; ${unknown}=`, '; unknown=')])
        t.equal(jar.cookies[0]?.expiresAt, (now + maxAge) * 1000, `without ${unknown}`)
        jar.receive('http://shop.example/', [clear.replace(`; ${unknown}=`, '; unknown=')])
        t.same(jar.cookies, [], `deleted without ${unknown}`)
      }
    }
  }
  const [set, clear] = linesOf(setUp({ persistent: false }) as SessionHandler)
  t.same(lifetimes(set), [])
  t.same(lifetimes(clear), [['max-age', '0'], ['expires', 'Thu, 01 Jan 1970 00:00:00 GMT']])
})

/**
 * Every combination: one that a browser would drop cannot be set up, every other one can, and what it sets it can
 * delete. The browser decides which is which, from a line written here.
 */
t.test('every combination of attributes', async (t) => {
  const names = ['session', '__Host-session', '__hOsT-x', '__Secure-session', '__SECURE-x', '__Http-session',
    '__Host-Http-session', '__host-http-x', '__Host', '_Host-x', '__Hosts-x']
  const combinations = names.flatMap((cookieName) =>
    ([false, 'auto', true] as const).flatMap((secure) =>
      [undefined, 'shop.example'].flatMap((domain) =>
        ['/', '/app'].flatMap((cookiePath) =>
          [true, false].flatMap((httpOnly) =>
            (['strict', 'lax', 'none'] as const).flatMap((sameSite) =>
              [true, false].map((partitioned) =>
                ({ cookieName, secure, domain, cookiePath, httpOnly, sameSite, partitioned }))))))))
  const counts = { setUp: 0, refused: 0 }
  for (const options of combinations) {
    const title = JSON.stringify(options)
    const address = options.secure === true ? 'https://shop.example/app/' : 'http://shop.example/app/'
    const attributes = wanted(options).map(([name, value]) => value === '' ? name : `${name}=${value}`)
    const jar = new BrowserJar(() => Date.now())
    const [acceptable] = jar.receive(address, [`${options.cookieName}=v; ${attributes.join('; ')}`])
    const handler = setUp(options)
    if (handler instanceof Error) {
      counts.refused++
      if (!(handler instanceof TypeError) || acceptable) t.fail(`${title} should be possible: ${handler.message}`)
      continue
    }
    counts.setUp++
    if (!acceptable) t.fail(`${title} should not be possible`)
    const [set, clear] = linesOf(handler)
    const browser = new BrowserJar(() => Date.now())
    const taken = browser.receive(address, [set])
    const sent = browser.header(address)
    const deleted = browser.receive(address, [clear])
    const value = parseSetCookie(set)!.value
    t.same(
      { surprises: surprises(options, [set, clear]), taken, sent, deleted, left: browser.cookies.length },
      { surprises: [], taken: [true], sent: `${options.cookieName}=${value}`, deleted: [true], left: 0 },
      title,
    )
  }
  t.equal(counts.setUp + counts.refused, combinations.length)
  t.ok(counts.setUp > 100 && counts.refused > 100, JSON.stringify(counts))
})

t.test('a session\'s content changes nothing in the line but the value', async (t) => {
  const contents = [...interesting, '\r\nSet-Cookie: evil=1', '; Domain=evil.example', '","', '%0d%0a', '\u0000', '=']
  let content = ''
  const sessions = new RequestSessions()
  const origin = await listen(t, new SessionHandler((req, res) => {
    sessions.get(req)[content] = content
    res.end()
  }, key, sessions).listener)
  for (content of contents) {
    const { status, fields } = await ask(origin, '/')
    t.equal(status, 200)
    t.same(fields.map(([name]) => name), ['Set-Cookie', 'Vary', 'Cache-Control', 'Content-Length'], shown(content))
    t.match(fields[0]![1], /^session=[A-Za-z0-9_-]{108,4096}; Max-Age=86400; Expires=[^;]{29}; Path=\/; HttpOnly; SameSite=Lax$/)
  }
})

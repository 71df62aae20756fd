import t from 'tap'
import {
  RequestSessions, Session, SessionHandler, type HandlerOptions, type SessionEvent, type SessionOptions,
} from '../../lib/index.js'
import { changeSettings, defaults, optionNames, ownOptions } from '../../lib/options.js'
import { requestAndResponse } from '../support/request-and-response.js'

const key = Buffer.alloc(32, 1)
const other = Buffer.alloc(32, 2)
const callback = () => true

type Name = keyof SessionOptions

const expectedDefaults: Required<SessionOptions> = {
  httpOnly: true,
  secure: 'auto',
  sameSite: 'lax',
  domain: undefined,
  partitioned: false,
  maxAge: 86_400,
  idleTimeout: undefined,
  persistent: true,
  cacheHeaders: true,
  validate: undefined,
  onEvent: undefined,
}
const names = Object.keys(expectedDefaults) as Name[]

const settingsOf = (sessions: RequestSessions) =>
  Object.fromEntries(names.map((name) => [name, sessions[name]]))
const create = (options: unknown) => new RequestSessions(options as SessionOptions)
const assign = (target: object, name: string, value: unknown) => {
  (target as Record<string, unknown>)[name] = value
}
const show = (value: unknown) =>
  typeof value === 'string' && value.length > 60 ? `a string of ${value.length}`
    : typeof value === 'function' ? 'a function'
      : typeof value === 'bigint' ? `${value}n`
        : Array.isArray(value) || (typeof value === 'object' && value !== null) ? JSON.stringify(value)
          : typeof value === 'string' ? `'${value}'` : String(value)

t.test('defaults', async (t) => {
  t.strictSame(optionNames, names)
  t.ok(Object.isFrozen(defaults))
  for (const [how, sessions] of [
    ['Session', Session],
    ['no options', new RequestSessions()],
    ['undefined', new RequestSessions(undefined)],
    ['an empty object', new RequestSessions({})],
    ['an object without a prototype', create(Object.create(null))],
    ['undefined for every option', create(Object.fromEntries(names.map((name) => [name, undefined])))],
  ] as const) {
    t.test(`of ${how}`, async (t) => {
      t.strictSame(settingsOf(sessions), expectedDefaults)
    })
  }
})

const good: Record<Name, unknown[]> = {
  httpOnly: [true, false],
  secure: [true, false, 'auto'],
  sameSite: ['strict', 'lax'],
  domain: ['example.com', 'localhost', 'my_host.example'],
  partitioned: [false],
  maxAge: [1, 86_400, 34_560_000],
  idleTimeout: [1, 34_560_000],
  persistent: [true, false],
  cacheHeaders: [true, false],
  validate: [callback],
  onEvent: [callback],
}

t.test('a value', async (t) => {
  for (const [name, value] of names.flatMap((name) => good[name].map((value) => [name, value] as const))) {
    t.test(`${name}: ${show(value)}`, async (t) => {
      const expected = { ...expectedDefaults, [name]: value }
      t.strictSame(settingsOf(create({ [name]: value })), expected, 'is taken by the constructor')

      const sessions = new RequestSessions()
      assign(sessions, name, value)
      t.strictSame(settingsOf(sessions), expected, 'can be assigned')

      assign(sessions, name, undefined)
      t.strictSame(settingsOf(sessions), expectedDefaults, 'goes back to the default when undefined is assigned')
    })
  }
})

const bad: [name: Name, value: unknown, Kind: typeof TypeError | typeof RangeError, message: RegExp][] = [
  ...(['httpOnly', 'partitioned', 'persistent', 'cacheHeaders'] as const).flatMap((name) =>
    [1, 0, 'true', '', null, {}, callback].map((value): [Name, unknown, typeof TypeError, RegExp] =>
      [name, value, TypeError, new RegExp(`^"${name}" expected a boolean, got `)])),
  ['secure', 'Auto', TypeError, /^"secure" expected true, false or 'auto', got 'Auto'$/],
  ['secure', 1, TypeError, /^"secure" expected true, false or 'auto', got number$/],
  ['secure', null, TypeError, /^"secure" expected .* got null$/],
  ['sameSite', 'Lax', TypeError, /^"sameSite" expected 'strict', 'lax' or 'none', got 'Lax'$/],
  ['sameSite', false, TypeError, /^"sameSite" expected .* got boolean$/],
  ['sameSite', true, TypeError, /^"sameSite" expected .* got boolean$/],
  ['sameSite', '', TypeError, /^"sameSite" expected .* got ""$/],
  ['sameSite', 'a\u001b[2J', TypeError, /^"sameSite" expected .* got "a\\u001b\[2J"$/],
  ['sameSite', null, TypeError, /^"sameSite" expected .* got null$/],
  ['sameSite', ['lax'], TypeError, /^"sameSite" expected .* got an array of 1$/],
  ['domain', '', TypeError, /^"domain" expected a domain name .* got ""$/],
  ['domain', '.example.com', TypeError, /^"domain" expected a domain name without a leading dot .* got "\.example\.com"$/],
  ['domain', 'bücher.example', TypeError, /^"domain" expected a domain name in punycode \(xn--…\), got "bücher\.example"$/],
  ['domain', 'a.example; Path=/', TypeError, /^"domain" expected a domain name /],
  ['domain', 'a.example\r\nX: y', TypeError, /^"domain" expected a domain name /],
  ['domain', null, TypeError, /^"domain" expected a domain name .* got null$/],
  ['domain', false, TypeError, /^"domain" expected a domain name .* got boolean$/],
  ['domain', ['bücher.example'], TypeError, /^"domain" expected a domain name without a leading dot .* got an array of 1$/],
  ...(['maxAge', 'idleTimeout'] as const).flatMap((name) => [
    ...['60', '', null, true, 60n, {}, [60], new Date(0)].map((value): [Name, unknown, typeof TypeError, RegExp] =>
      [name, value, TypeError, new RegExp(`^"${name}" expected a whole number of seconds, 1 to 34560000, got `)]),
    ...[0, -0, -1, 0.5, 1.5, 34_560_001, NaN, Infinity, -Infinity, 2 ** 53].map((value): typeof bad[number] =>
      [name, value, RangeError, new RegExp(`^"${name}" expected a whole number of seconds, 1 to 34560000, got `)]),
  ]),
  ...(['validate', 'onEvent'] as const).flatMap((name) =>
    [null, true, 'f', {}, []].map((value): [Name, unknown, typeof TypeError, RegExp] =>
      [name, value, TypeError, new RegExp(`^"${name}" expected a function, got `)])),
]

t.test('a wrong value', async (t) => {
  for (const [name, value, Kind, message] of bad) {
    t.test(`${name}: ${show(value)}`, async (t) => {
      const error = t.throws(() => create({ [name]: value }), { message }, 'is refused by the constructor') as Error
      t.equal(error.constructor, Kind)

      const before = { [name]: good[name].at(-1) }
      const sessions = create(before)
      const again = t.throws(() => assign(sessions, name, value), { message }, 'cannot be assigned') as Error
      t.equal(again.constructor, Kind)
      t.strictSame(settingsOf(sessions), { ...expectedDefaults, ...before }, 'changes nothing')
    })
  }
})

t.test('options that are none', async (t) => {
  const unknown = /^"options" expected only httpOnly, .*, got the unknown name /
  const rows: [name: string, options: unknown, message: RegExp][] = [
    ['null', null, /^"options" expected an object, got null$/],
    ['a string', 'secure', /^"options" expected an object, got a string of 6 bytes$/],
    ['a boolean', true, /^"options" expected an object, got boolean$/],
    ['a function', callback, /^"options" expected an object, got function$/],
    ['an array', [], /^"options" expected an object, got an array of 0$/],
    ['a key in place of options', other, /^"options" expected /],
    ['a name in another case', { httponly: true }, unknown],
    ['a name of the handler', { cookieName: 's' }, unknown],
    ['a name of Express', { resave: false }, unknown],
    ['an unknown name whose value is undefined', { maxage: undefined }, unknown],
    ['a name of Object.prototype', { toString: undefined }, unknown],
    ['__proto__ as JSON makes it', JSON.parse('{"__proto__":{"secure":true}}'), unknown],
  ]
  for (const [name, options, message] of rows) {
    t.test(`refuses ${name}`, async (t) => {
      t.type(t.throws(() => create(options), { message }), TypeError)
    })
  }

  t.test('names an unknown one, quoted and cut', async (t) => {
    for (const [name, shown] of [['cookieName', 'cookieName, an option of SessionHandler'], ['sameSit', 'sameSit'], ['a b', '"a b"'], ['\u009b', '"\\u009b"'], ['x'.repeat(300), 'x'.repeat(64)]]) {
      const error = t.throws(() => create({ [name!]: 1 })) as Error
      t.ok(error.message.endsWith(`, got the unknown name ${shown}`), error.message)
    }
  })

  t.test('leaves out what is inherited', async (t) => {
    t.strictSame(settingsOf(create(Object.create({ secure: true, maxAge: 5, wrong: 1 }))), expectedDefaults)
    t.strictSame({ ...ownOptions('options', Object.create({ cacheSize: 5 }), ['cacheSize']) }, {})
  })

  t.test('reads each option once, when it is constructed', async (t) => {
    let reads = 0
    const options = { get maxAge() { return ++reads } }
    const sessions = new RequestSessions(options)
    t.strictSame([sessions.maxAge, sessions.maxAge, reads], [1, 1, 1])
  })
})

t.test('settings are never changed in place', async (t) => {
  const settings = changeSettings(defaults, { maxAge: 5 })
  const changed = changeSettings(settings, { secure: true })
  t.ok(Object.isFrozen(settings) && Object.isFrozen(changed))
  t.strictSame([settings.secure, changed.secure, changed.maxAge, defaults.maxAge], ['auto', true, 5, 86_400])
})

const insecure: SessionOptions[] = [{}, { secure: 'auto' }, { secure: false }]
const combinations = insecure.flatMap((options): [options: SessionOptions, message: RegExp][] => [
  [{ sameSite: 'none', ...options }, /^"sameSite" 'none' expected "secure" to be true$/],
  [{ partitioned: true, ...options }, /^"partitioned" expected "secure" to be true$/],
])

t.test('an impossible combination', async (t) => {
  for (const [options, message] of combinations) {
    t.test(JSON.stringify(options), async (t) => {
      t.type(t.throws(() => new RequestSessions(options), { message }, 'is refused by the constructor'), TypeError)

      const { secure = 'auto', ...rest } = options
      const sessions = new RequestSessions({ ...rest, secure: true })
      t.type(t.throws(() => { sessions.secure = secure }, { message }, 'cannot be assigned'), TypeError)
      t.equal(sessions.secure, true)

      const [name, value] = Object.entries(rest)[0] as [Name, unknown]
      const later = new RequestSessions({ secure })
      t.type(t.throws(() => assign(later, name, value), { message }, 'nor the other way round'), TypeError)
      t.equal(later[name], expectedDefaults[name])
    })
  }

  t.test('is possible with Secure', async (t) => {
    const sessions = new RequestSessions({ secure: true, sameSite: 'none', partitioned: true })
    t.strictSame([sessions.sameSite, sessions.partitioned], ['none', true])
  })
})

type AttachedRow = [
  handler: HandlerOptions, sessions: SessionOptions, message: RegExp, repair: SessionOptions | HandlerOptions
]

const attached: AttachedRow[] = [
  [{ cookieName: '__Host-s' }, {}, /^"secure" expected true/, { secure: true }],
  [{ cookieName: '__Host-s' }, { secure: 'auto' }, /^"secure" expected true/, { secure: true }],
  [{ cookieName: '__Host-s' }, { secure: false }, /^"secure" expected true/, { secure: true }],
  [{ cookieName: '__Host-s' }, { secure: true, domain: 'a.example' }, /^"domain" expected none/, { domain: undefined }],
  [{ cookieName: '__Host-s', cookiePath: '/a' }, { secure: true }, /^"cookiePath" expected '\/'/, { cookiePath: '/' }],
  [{ cookieName: '__host-s' }, {}, /^"secure" expected true/, { secure: true }],
  [{ cookieName: '__Secure-s' }, {}, /^"secure" expected true/, { secure: true }],
  [{ cookieName: '__Secure-s' }, { secure: false }, /^"secure" expected true/, { secure: true }],
  [{ cookieName: 's'.repeat(3000), cookiePath: `/${'p'.repeat(1000)}` }, {}, /leave no room/, { cookiePath: '/' }],
  [{ cookieName: 's'.repeat(3800) }, { domain: `${'a.'.repeat(120)}example` }, /leave no room/, { domain: undefined }],
]

t.test('a combination that is impossible with a handler', async (t) => {
  for (const [handlerOptions, options, message, repair] of attached) {
    t.test(`${show(handlerOptions)} with ${JSON.stringify(options)}`, async (t) => {
      const failing = () => new SessionHandler(() => {}, key, new RequestSessions(options), handlerOptions)
      t.type(t.throws(failing, { message }, 'is refused by the handler'), TypeError)

      const sessions = new RequestSessions({ ...options, ...!('cookiePath' in repair) && repair })
      const handler = new SessionHandler(() => {}, key, sessions,
        { ...handlerOptions, ...'cookiePath' in repair && repair })
      const before = { ...settingsOf(sessions), name: handler.cookieName, path: handler.cookiePath }
      const [name] = Object.keys(repair) as [string]
      const [target, value] = 'cookiePath' in repair
        ? [handler, handlerOptions.cookiePath]
        : [sessions, options[name as Name]]
      t.type(t.throws(() => assign(target, name, value), { message }, 'cannot be assigned'), TypeError)
      t.strictSame({ ...settingsOf(sessions), name: handler.cookieName, path: handler.cookiePath }, before)
      t.doesNotThrow(() => handler.decodeCookie(handler.encodeCookie({ still: 'works' })))
    })

    t.test(`${show(options)} and then the name and path ${show(handlerOptions)}`, async (t) => {
      const sessions = new RequestSessions(options)
      const handler = new SessionHandler(() => {}, key, sessions)
      const failing = () => {
        if (handlerOptions.cookiePath !== undefined) handler.cookiePath = handlerOptions.cookiePath
        handler.cookieName = handlerOptions.cookieName!
      }
      t.type(t.throws(failing, { message }), TypeError)
      t.equal(handler.cookieName, 'session')
      t.doesNotThrow(() => handler.decodeCookie(handler.encodeCookie({ still: 'works' })))
    })
  }

  t.test('is refused by the second of two handlers too, and no setting changes', async (t) => {
    const sessions = new RequestSessions({ secure: true })
    const first = new SessionHandler(() => {}, key, sessions)
    const second = new SessionHandler(() => {}, key, sessions, { cookieName: '__Host-s' })
    t.throws(() => { sessions.secure = 'auto' }, { message: /^"secure" expected true/ })
    t.throws(() => { sessions.domain = 'a.example' }, { message: /^"domain" expected none/ })
    t.strictSame([sessions.secure, sessions.domain], [true, undefined])
    t.strictSame([first.cookieName, second.cookieName], ['session', '__Host-s'])
  })

  t.test('does not concern other RequestSessions', async (t) => {
    const handler = new SessionHandler(() => {}, key, new RequestSessions({ secure: true }), { cookieName: '__Host-s' })
    const others = new RequestSessions({ secure: true })
    t.doesNotThrow(() => { others.secure = false })
    t.equal(handler.sessions.secure, true)
  })
})

t.test('handler options', async (t) => {
  t.test('have defaults', async (t) => {
    for (const options of [undefined, {}, { cookieName: undefined, cookiePath: undefined, cacheSize: undefined }]) {
      const handler = new SessionHandler(() => {}, key, undefined, options)
      t.strictSame([handler.cookieName, handler.cookiePath, handler.cacheSize], ['session', '/', 1000])
      t.equal(handler.sessions, Session)
    }
  })

  for (const options of [
    { cookieName: 's' }, { cookieName: "!#$%&'*+-.^_`|~" }, { cookiePath: '/a/b' }, { cacheSize: 0 }, { cacheSize: 1 },
    { cacheSize: 1_000_000 }, { cookieName: 's', cookiePath: '/a', cacheSize: 5 },
  ]) {
    t.test(`may be ${JSON.stringify(options)}`, async (t) => {
      const { cookieName, cookiePath, cacheSize } = new SessionHandler(() => {}, key, new RequestSessions(), options)
      const expected = { cookieName: 'session', cookiePath: '/', cacheSize: 1000, ...options }
      t.strictSame({ cookieName, cookiePath, cacheSize }, expected)
    })
  }

  const only = /^"options" expected only cookieName, cookiePath, cacheSize, got the unknown name (name|httpOnly, an option of RequestSessions)$/
  const token = /^"cookieName" expected a token \(RFC 9110 §5.6.2\), got /
  const path = /^"cookiePath" expected a path that starts with '\/' \(RFC 6265bis §4.1.1\), got /
  const range = /^"cacheSize" expected a whole number, 0 to 1000000, got /
  const rows: [options: unknown, Kind: typeof TypeError | typeof RangeError, message: RegExp][] = [
    [null, TypeError, /^"options" expected an object, got null$/],
    ['session', TypeError, /^"options" expected an object, got a string of 7 bytes$/],
    [{ name: 'session' }, TypeError, only],
    [{ httpOnly: true }, TypeError, only],
    [{ cookieName: '' }, TypeError, token],
    [{ cookieName: 'a b' }, TypeError, /^"cookieName" expected .* got "a b"$/],
    [{ cookieName: 'a=b' }, TypeError, token],
    [{ cookieName: 'a;b' }, TypeError, token],
    [{ cookieName: 'ä' }, TypeError, token],
    [{ cookieName: null }, TypeError, token],
    [{ cookieName: 1 }, TypeError, token],
    [{ cookieName: ['session'] }, TypeError, token],
    [{ cookiePath: '' }, TypeError, path],
    [{ cookiePath: 'a' }, TypeError, /^"cookiePath" expected .* got 'a'$/],
    [{ cookiePath: '/a;b' }, TypeError, path],
    [{ cookiePath: '/a\n' }, TypeError, path],
    [{ cookiePath: `/${'a'.repeat(1024)}` }, TypeError, path],
    [{ cookiePath: null }, TypeError, path],
    [{ cookiePath: ['/'] }, TypeError, path],
    [{ cacheSize: '5' }, TypeError, /^"cacheSize" expected a number, got a string of 1 bytes$/],
    [{ cacheSize: null }, TypeError, /^"cacheSize" expected a number, got null$/],
    [{ cacheSize: true }, TypeError, /^"cacheSize" expected a number, got boolean$/],
    [{ cacheSize: 5n }, TypeError, /^"cacheSize" expected a number, got bigint$/],
    [{ cacheSize: -1 }, RangeError, range],
    [{ cacheSize: 0.5 }, RangeError, range],
    [{ cacheSize: NaN }, RangeError, range],
    [{ cacheSize: Infinity }, RangeError, range],
    [{ cacheSize: 1_000_001 }, RangeError, range],
  ]
  for (const [options, Kind, message] of rows) {
    const label = options === null || typeof options !== 'object' ? show(options)
      : Object.entries(options).map(([name, value]) => `${name}: ${show(value)}`).join()
    t.test(`may not be ${label}`, async (t) => {
      const create = () => new SessionHandler(() => {}, key, new RequestSessions(), options as HandlerOptions)
      t.equal((t.throws(create, { message }) as Error).constructor, Kind)
      const [name, value] = Object.entries(options ?? {})[0] ?? []
      if (name !== 'cookieName' && name !== 'cookiePath') return
      const handler = new SessionHandler(() => {}, key, new RequestSessions())
      t.equal((t.throws(() => assign(handler, name, value), { message }) as Error).constructor, Kind)
      t.strictSame([handler.cookieName, handler.cookiePath], ['session', '/'])
    })
  }

  t.test('sessions may not be something else', async (t) => {
    const rows: [sessions: unknown, message: RegExp][] = [
      [null, /^"sessions" expected a RequestSessions, got null; options are the fourth argument$/],
      [{ cookieName: 'a' }, /^"sessions" expected a RequestSessions, got object; options are the fourth argument$/],
      [{ limit() {} }, /^"sessions" expected a RequestSessions, got .*; this one is of another copy of the package$/],
      [Object.create(RequestSessions.prototype), /./],
      [RequestSessions, /^"sessions" expected a RequestSessions/],
    ]
    for (const [sessions, message] of rows) {
      t.type(t.throws(() => new SessionHandler(() => {}, key, sessions as never), { message }), TypeError)
    }
  })

  t.test('a listener must be a function', async (t) => {
    for (const [listener, came] of [[undefined, 'undefined'], [{}, 'object'], [key, 'object']]) {
      const create = () => new SessionHandler(listener as () => void, key)
      t.type(t.throws(create, { message: `"listener" expected a function, got ${came as string}` }), TypeError)
    }
  })
})

/** What can be seen from outside of a session that is set, and then read again. */
function outcome(moments: readonly (() => void)[]): unknown {
  const [before, between, after] = moments as [() => void, () => void, () => void]
  const calls: string[] = []
  before()
  const sessions = new RequestSessions()
  between()
  sessions.maxAge = 3600
  const handler = new SessionHandler((req, res) => {
    const session = sessions.get(req)
    calls.push(JSON.stringify(session))
    session['visits'] = Number(session['visits'] ?? 0) + 1
    res.writeHead(200)
  }, key, sessions, {})
  after()
  const visit = (cookie?: string) => {
    const { req, res } = requestAndResponse(cookie)
    handler.listener(req, res)
    const info = sessions.info(req)!
    return {
      cookie: String(res.getHeader('set-cookie')),
      vary: res.getHeader('vary'),
      cacheControl: res.getHeader('cache-control'),
      lifetime: info.expiresAt.getTime() - info.createdAt.getTime(),
      status: res.statusCode,
    }
  }
  const first = visit()
  const second = visit(first.cookie.split(';')[0])
  for (const seen of [first, second]) seen.cookie = seen.cookie.replace(/=[\w-]+/, '=…').replace(/Expires=[^;]+/, 'Expires=…')
  const { cookieName: name, cacheSize } = handler
  return { first, second, calls, settings: settingsOf(sessions), name, cacheSize }
}

const heard: SessionEvent[] = []
const pollution: Record<Name | keyof HandlerOptions, unknown> = {
  httpOnly: false,
  secure: true,
  sameSite: 'strict',
  domain: 'evil.example',
  partitioned: true,
  maxAge: 5,
  idleTimeout: 5,
  persistent: false,
  cacheHeaders: false,
  validate: () => false,
  onEvent: (event: SessionEvent) => heard.push(event),
  cookieName: 'evil',
  cookiePath: '/evil',
  cacheSize: 7,
}

t.test('Object.prototype may be polluted', async (t) => {
  const { now } = Date
  t.teardown(() => { Date.now = now })
  Date.now = () => 1_800_000_000_000
  const prototype = Object.prototype as unknown as Record<string, unknown>
  const nothing = () => {}
  const clean = outcome([nothing, nothing, nothing])
  const line = 'session=…; Max-Age=3600; Expires=…; Path=/; HttpOnly; SameSite=Lax'
  t.match(clean, {
    first: { cookie: line, vary: 'Cookie', cacheControl: 'no-store' },
    second: { cookie: line, lifetime: 3_600_000 },
    calls: ['{}', '{"visits":1}'],
  })
  t.teardown(() => { for (const name of Object.keys(pollution)) delete prototype[name] })

  const rows = [...Object.keys(pollution).map((name) => [name]), Object.keys(pollution)]
  for (const polluted of rows) {
    for (const [moment, when] of ['before', 'between', 'after'].entries()) {
      t.test(`with ${polluted.length > 1 ? 'all names' : polluted[0]} ${when} construction`, async (t) => {
        const moments = [nothing, nothing, nothing]
        moments[moment] = () => { for (const name of polluted) prototype[name] = pollution[name as Name] }
        let seen
        try {
          seen = outcome(moments)
        } finally {
          for (const name of polluted) delete prototype[name]
        }
        t.strictSame(seen, clean)
        t.strictSame(heard, [])
      })
    }
  }
})

/** What SECURITY.md promises and no other file of tests holds it to. */
import { spawnSync } from 'node:child_process'
import crypto from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import t, { type Test } from 'tap'
import { RequestSessions, SessionHandler } from '../../lib/index.js'
import { ask, askHttp2, exchange } from '../support/client.js'
import { listen } from '../support/listen.js'
import { countCrypto, tagsOf } from '../support/node-crypto.js'
import { root } from '../support/root.js'
import { key, serveSessions } from '../support/sessions.js'
import { setTime } from '../support/time.js'
import { deriveKeys, noLifetime, seal } from '../support/second-implementation.js'

const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const now = 1_800_000_000
const scope = { name: 'session', domain: '', path: '/', partitioned: false }

const invalid = JSON.parse(read('test/vectors/v1-invalid.json')) as
  { keys: Record<string, { master: string }>, cookies: { name: string, cookie: string }[] }
const usual = {
  key: 'bytes 32', cookieName: 'session', cookieDomain: '', cookiePath: '/', partitioned: false, now, maxAge: 86_400,
}

/** All bytes of an answer but its Date. */
async function bytesOf(origin: string, path: string, cookie?: string): Promise<string> {
  const field = cookie === undefined ? '' : `Cookie: ${cookie}\r\n`
  const answer = await exchange(origin, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${field}\r\n`)
  return answer.replace(/^Date: .*\r\n/m, '')
}

t.test('every refused cookie gets byte for byte the answer of none, but for Date', async (t) => {
  setTime(t, now)
  const ours = Buffer.from(invalid.keys['bytes 32']!.master, 'hex')
  const dropped = Buffer.alloc(32, 'dropped')
  const sessions = new RequestSessions({
    onEvent: ({ type }) => { events.push(type) },
    validate: (session) => session['refused'] !== true,
  })
  const events: string[] = []
  const handler = new SessionHandler((req, res) => {
    const session = sessions.get(req)
    if (req.url === '/write') session['written'] = true
    res.end(JSON.stringify(session))
  }, ours, sessions)
  const origin = await listen(t, handler.listener)
  const old = new SessionHandler(() => {}, dropped).encodeCookie({ a: 1 })
  const rows: [name: string, cookie: string][] = [
    ...invalid.cookies
      .filter((row) => JSON.stringify({ ...row, ...usual }) === JSON.stringify(row) && !('idleTimeout' in row) &&
        /^[\x21-\x3a\x3c-\x7e]+$/.test(row.cookie))
      .map(({ name, cookie }): [string, string] => [name, `session=${cookie}`]),
    ['of a key that was dropped', `session=${old}`],
    ['that validate refuses', `session=${handler.encodeCookie({ refused: true })}`],
    ['ambiguous', `session=${handler.encodeCookie({ a: 1 })}; session=${handler.encodeCookie({ a: 2 })}`],
    ['of another name', `other=${handler.encodeCookie({ a: 1 })}`],
  ]
  t.ok(rows.length > 90, `${rows.length} ways to be refused`)
  const [none, written] = [await bytesOf(origin, '/'), masked(await bytesOf(origin, '/write'))]
  t.match(none, /^HTTP\/1\.1 200 OK\r\nVary: Cookie\r\n/)
  for (const [name, cookie] of rows) {
    events.length = 0
    t.equal(await bytesOf(origin, '/', cookie), none, name)
    t.strictSame(events, name === 'of another name' ? [] : ['rejected'], name)
    t.equal(masked(await bytesOf(origin, '/write', cookie)), written, `${name}, and then written`)
  }
  t.equal(await bytesOf(origin, '/', `session=${handler.encodeCookie({})}`), none, 'as does an empty one')
  t.not(await bytesOf(origin, '/', `session=${handler.encodeCookie({ a: 1 })}`), none, 'a good one gets another')

  /** A new cookie's value is as long as another one's, and otherwise random. */
  function masked(answer: string): string {
    t.match(answer, /session=[\w-]{108,};/)
    return answer.replace(/(?<=session=)[\w-]+/, (value) => `${value.length} characters`)
  }
})

t.test('names in the session that look like times change no time', async (t) => {
  const names = ['__ts', 'ts', 'created', 'createdAt', 'issued', 'issuedAt', 'iat', 'exp', 'expires', 'expiresAt',
    'maxAge', 'idleTimeout']
  for (const value of [0, 1e300, now * 10, -1, null, 'NaN', {}]) {
    const session = Object.fromEntries(names.map((name) => [name, value]))
    const sessions = new RequestSessions({ maxAge: 100 })
    const handler = new SessionHandler(() => {}, key, sessions)
    setTime(t, now)
    const cookie = handler.encodeCookie(session)
    for (const [age, opens] of [[99, true], [100, false], [1e6, false]] as const) {
      setTime(t, now + age)
      const req = { headers: { cookie: `session=${cookie}` } } as IncomingMessage
      t.strictSame({ ...handler.read(req) }, opens ? session : {}, `${JSON.stringify(value)} at ${age}`)
      t.strictSame(sessions.info(req)?.expiresAt.getTime(), opens ? (now + 100) * 1000 : undefined)
    }
  }
})

t.test('sealed times at the edges, and clocks that are none', async (t) => {
  const keys = await deriveKeys(key)
  const last = 2 ** 48 - 1
  const rows: [created: number, issued: number, clock: number, opens: boolean][] = [
    [now, now, now, true],
    [now + 1, now, now, false],
    [now, last, now, false],
    [last, 0, now, false],
    [now, now, NaN, false],
    [now, now, -Infinity, false],
    [now, now, Infinity, false],
    [0, 0, 0, true],
    [last, last, last, true],
  ]
  const handler = new SessionHandler(() => {}, key, new RequestSessions({ idleTimeout: 86_400 }))
  for (const [created, issued, clock, opens] of rows) {
    setTime(t, clock)
    const times = { created, issued, lifetime: noLifetime }
    const cookie = `session=${await seal(keys, scope, Buffer.alloc(16, 7), times, '{"a":1}')}`
    for (const again of ['', ', cached']) {
      const session = handler.read({ headers: { cookie } } as IncomingMessage)
      t.strictSame({ ...session }, opens ? { a: 1 } : {}, `created ${created}, issued ${issued}, now ${clock}${again}`)
    }
  }
})

t.test('the work for a Cookie field grows no faster than the field', async (t) => {
  const keys = Array.from({ length: 8 }, (_, i) => Buffer.alloc(32, i + 1))
  const handler = new SessionHandler(() => {}, keys, new RequestSessions())
  const shapes: [name: string, unit: string][] = [
    ['semicolons', ';'], ['equals signs', '='], ['spaces', ' '], ['tabs', '\t'], ['quotes', '"'], ['backslashes', '\\'],
    ['letters', 'x'], ['our name', 'session;'], ['our name, no value', 'session=; '],
    ['our name without an end', 'session='], ['our name after spaces', '  session='],
    ['our name before spaces', 'session=   '], ['nearly our name', 'xsession=1; '],
    ['nearly our name after spaces', 'x      session=a'], ['half of our name', 'sess'], ['pairs', 'a=b; '],
    ['pairs of our name and spaces', 'session=      ;      '],
  ]
  for (const [name, unit] of shapes) {
    for (const length of [4000, 8000, 16_000]) {
      const units = unit.repeat(length / unit.length)
      for (const header of [units, `session=${units}`, `${units}; session=${'A'.repeat(108)}`]) {
        const { characters, hmacs } = workOf(() => handler.read({ headers: { cookie: header } } as IncomingMessage))
        t.ok(characters <= 4 * header.length, `${name}, ${length}: ${characters} characters were looked at`)
        t.ok(hmacs <= 32, `${name}, ${length}: ${hmacs} HMACs`)
      }
    }
  }
  const good = `session=${handler.encodeCookie({ a: 1 })}`
  t.ok(workOf(() => handler.read({ headers: { cookie: good } } as IncomingMessage)).characters >= 8, 'it is counted')
})

/** How many characters were read one by one or searched through, and how many HMACs were made. */
function workOf(act: () => unknown): { characters: number, hmacs: number } {
  const { charCodeAt, indexOf } = String.prototype
  let characters = 0
  String.prototype.charCodeAt = function (at) {
    characters++
    return charCodeAt.call(this, at)
  }
  String.prototype.indexOf = function (wanted, from = 0) {
    const found = indexOf.call(this, wanted, from)
    characters += (found === -1 ? this.length : found + wanted.length) - Math.min(from, this.length)
    return found
  }
  try {
    const hmacs = tagsOf(act)
    return { characters, hmacs }
  } finally {
    Object.assign(String.prototype, { charCodeAt, indexOf })
  }
}

t.test('without cryptography no handler can be made, and one that is there ends nothing', async (t) => {
  const dist = new URL('dist/index.js', root).href
  const script = `
    import crypto from 'node:crypto'
    import { SessionHandler } from ${JSON.stringify(dist)}
    const key = crypto.randomBytes(32)
    const earlier = new SessionHandler(() => {}, key)
    const req = { headers: { cookie: 'session=' + earlier.encodeCookie({ a: 1 }) } }
    let made = true
    try { crypto.setFips(true) } catch {} // which leaves things as they were
    try { new SessionHandler(() => {}, key) } catch { made = false }
    const session = earlier.read(req)
    earlier.cookiePath = '/a'
    console.log(JSON.stringify({ made, session, moved: earlier.read(req) }))`
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script],
    { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  t.equal(status, 0)
  const { made, ...read } = JSON.parse(stdout)
  t.strictSame(read, { session: made ? { a: 1 } : {}, moved: {} }, 'with a FIPS provider all goes on working')
})

t.test('nothing is compressed: what a session says is not seen in its length', async (t) => {
  const handler = new SessionHandler(() => {}, key)
  const length = (value: string) => handler.encodeCookie({ value }).length
  for (const bytes of [100, 1000, 2900]) {
    t.equal(length('a'.repeat(bytes)), length(crypto.randomBytes(bytes).toString('base64url').slice(0, bytes)))
  }
  for (const file of readdirSync(new URL('lib', root))) {
    t.notMatch(read(`lib/${file}`), /zlib|gzip|deflate|brotli/i, file)
  }
})

t.test('lib touches no header list that Node has had trouble with, and no fallback opens a cookie', async (t) => {
  for (const file of readdirSync(new URL('lib', root))) {
    t.notMatch(read(`lib/${file}`), /headersDistinct|trailersDistinct/, file)
  }
  const handler = new SessionHandler(() => {}, key, new RequestSessions())
  const json = `{"user":"alice","admin":true,"more":"${'long enough to be looked at, '.repeat(4)}"}`
  // The vectors have more of them.
  const foreign: [name: string, value: string][] = [
    ['JSON in base64', Buffer.from(json).toString('base64')],
    ['JSON, percent-encoded', encodeURIComponent(json)],
    ['a signed value', `s:${Buffer.from(json).toString('base64url')}.${'A'.repeat(43)}`],
    ['a seal of seven parts', `Fe26.2**${'a'.repeat(64)}*${'A'.repeat(86)}**${'a'.repeat(64)}*${'A'.repeat(43)}~2`],
  ]
  for (const [name, value] of foreign) {
    t.strictSame({ ...handler.read({ headers: { cookie: `session=${value}` } } as IncomingMessage) }, {}, name)
  }
})

t.test('ten thousand refused cookies print nothing and warn of nothing', async (t) => {
  const handler = new SessionHandler(() => {}, key, new RequestSessions())
  const printed: unknown[] = []
  const { stdout, stderr } = process
  const writes = [stdout.write, stderr.write, process.emitWarning] as const
  const note = (chunk: unknown) => { printed.push(chunk); return true }
  stdout.write = note
  stderr.write = note
  process.emitWarning = note
  try {
    for (let n = 0; n < 10_000; n++) {
      const forged = Buffer.alloc(81, 1).fill(n % 256, 9).toString('base64url')
      const noise = `${String.fromCharCode(32 + n % 95, 128 + n % 128)}%0d%0a\u001b[31m${n}`.repeat(1 + n % 400)
      handler.read({ headers: { cookie: `session=${n % 2 ? forged : noise}` } } as IncomingMessage)
    }
  } finally {
    ;[stdout.write, stderr.write, process.emitWarning] = writes
  }
  t.strictSame(printed, [])
})

t.test('every status, and HEAD, carries the headers that keep it out of shared caches', async (t) => {
  const served = await serveSessions(t, (req, res, sessions) => {
    sessions.get(req).n = 1
    res.writeHead(Number(req.url!.slice(1)), { 'Cache-Control': 'public, max-age=60', 'Vary': 'Accept' })
    res.end()
  })
  for (const method of ['GET', 'HEAD', 'POST']) {
    for (const status of [200, 204, 206, 301, 303, 304, 404, 500]) {
      const answer = await ask(served.origin, `/${status}`, {}, method)
      const seen = [answer.status, answer.all('set-cookie').length, answer.all('cache-control'), answer.all('vary')]
      t.strictSame(seen, [status, 1, ['no-store, public, max-age=60'], ['Accept, Cookie']], `${method} ${status}`)
    }
  }
})

t.test('however a session is looked at, the response varies; where it is not, nothing is computed', async (t) => {
  const looks: Record<string, (session: Record<string, unknown>) => unknown> = {
    'nothing more': () => {},
    'in': (session) => 'a' in session,
    'keys': (session) => Object.keys(session),
    'JSON': (session) => JSON.stringify(session),
    'a name that is not there': (session) => (session['b'] as object | undefined)?.constructor,
  }
  const served = await serveSessions(t, (req, res, sessions) => {
    looks[decodeURIComponent(req.url!.slice(1))]?.(sessions.get(req))
    res.end()
  })
  for (const name of Object.keys(looks)) {
    t.strictSame((await served.ask(`/${encodeURIComponent(name)}`)).all('vary'), ['Cookie'], name)
  }
  const cookie = `session=${served.handler.encodeCookie({ a: 1 })}`
  const { cost, undo } = countCrypto()
  t.teardown(undo)
  t.strictSame((await served.ask('/none', cookie)).all('vary'), [])
  t.equal(cost.hmacs, 0)
  await served.ask('/in', cookie)
  t.equal(cost.hmacs, 1)
})

t.test('an informational response carries no cookie', async (t) => {
  const interim: Record<string, (res: ServerResponse) => void> = {
    100: (res) => { res.writeContinue() },
    102: (res) => { res.writeProcessing() },
    103: (res) => { res.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' }) },
  }
  const sessions = new RequestSessions()
  const origin = await listen(t, new SessionHandler((req, res) => {
    sessions.get(req)['n'] = 1
    interim[req.url!.slice(1)]!(res)
    res.end()
  }, key, sessions).listener)
  for (const status of Object.keys(interim)) {
    const [first, final] = (await bytesOf(origin, `/${status}`)).split('\r\n\r\n') as [string, string]
    t.match(first, new RegExp(`^HTTP/1\\.1 ${status} `))
    t.notMatch(first, /set-cookie/i)
    t.match(final, /^HTTP\/1\.1 200 OK\r\n/)
    t.equal(final.match(/^set-cookie: session=/gim)?.length, 1)
  }
})

t.test('a Cookie field in pieces, as HTTP/2 may send it', async (t) => {
  const events: string[] = []
  const sessions = new RequestSessions({ onEvent: ({ type }) => { events.push(type) } })
  const handler = new SessionHandler((req: Http2ServerRequest, res: Http2ServerResponse) => {
    const session = sessions.get(req)
    session['n'] = Number(session['n']) + 1
    res.end(String(req.headers.cookie))
  }, key, sessions)
  const origin = await listen(t, http2.createServer(handler.listener as never))
  const cookie = `session=${handler.encodeCookie({ n: 1 })}`
  for (const [pieces, joined] of [
    [[cookie], cookie],
    [['a=1', cookie, 'b=2'], `a=1; ${cookie}; b=2`],
    [['a=1; b=2', 'session=x', cookie], `a=1; b=2; session=x; ${cookie}`],
  ] as const) {
    events.length = 0
    const { body, setCookie } = await askHttp2(origin, '/', { cookie: pieces })
    t.equal(body, joined)
    t.strictSame(events, ['opened', 'saved'])
    t.equal(setCookie.length, 1)
    t.strictSame({ ...handler.decodeCookie(/^session=([^;]*)/.exec(setCookie[0]!)![1]!) }, { n: 2 })
  }
})

t.test('the examples read their keys from outside', async (t) => {
  const sources = [
    ...[...read('README.md').matchAll(/^```(?:js|ts)\n(.*?)^```$/gms)].map(([, code]) => code!),
    ...readdirSync(new URL('example', root)).filter((file) => file.endsWith('.ts'))
      .map((file) => read(`example/${file}`)),
  ]
  let handlers = 0
  for (const source of sources) {
    handlers += source.match(/new SessionHandler\(/g)?.length ?? 0
    const written = source.match(/Buffer\.(?:from\(\s*['"`]|alloc\([^()]*['"`])[^()]*\)/g) ?? []
    t.strictSame(written.filter((key) => key !== "Buffer.alloc(32, 'only for tests')"), [], 'no key is written out')
    t.notMatch(source, /\bSESSION_KEY\w*\s*(?: = |\?\?|\|\|)\s*['"`]|^\}, ['"`]/m, 'nor a default for one')
  }
  t.ok(handlers >= 5, `${handlers} handlers`)
})

t.test('what runs on a push may read, runs pinned actions, and sees no secret', async (t) => {
  const folder = new URL('.github/workflows/', root)
  const files = existsSync(folder) ? readdirSync(folder) : []
  t.ok(files.length > 0)
  for (const file of files) checkWorkflow(t, file, readFileSync(new URL(file, folder), 'utf8'))
})

function checkWorkflow(t: Test, file: string, source: string): void {
  t.match(source, /^permissions: \{\}$/m, `${file}: nothing is allowed but what a job asks for`)
  const granted = [...source.matchAll(/^\s+(\S+: (?:read|write|write-all|read-all))$/gm)].map(([, grant]) => grant)
  // To publish with provenance, one job has to prove who it is.
  const wanted = file === 'release.yml' ? ['contents: read', 'contents: read', 'id-token: write'] : ['contents: read']
  t.strictSame(file === 'release.yml' ? granted : [...new Set(granted)], wanted, `${file}: permissions`)
  const uses = [...source.matchAll(/\buses:\s*(\S+)/g)].map(([, action]) => action!).filter((action) => !action.startsWith('./'))
  t.ok(uses.length > 0)
  for (const action of uses) t.match(action, /^[\w-]+\/[\w./-]+@[0-9a-f]{40}$/, `${file}: ${action} is pinned`)
  const dangerous = /pull_request_target|workflow_run|secrets\b|NODE_AUTH_TOKEN|NPM_TOKEN/
  t.notMatch(source, dangerous, `${file}: nothing dangerous`)
  t.notMatch(source, /run:.*\$\{\{/, `${file}: no text of an event in a command`)
  t.equal(source.match(/actions\/checkout@/g)?.length, source.match(/persist-credentials: false/g)?.length)
}

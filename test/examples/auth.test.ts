import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { SessionHandler } from 'seshcookie-http'
import { AuthHandler, Session } from '../../example/auth-handler.js'
import { createAuthServer } from '../../example/auth-server.js'
import { readSettings } from '../../example/settings.js'
import { checkUser, hashPassword, verifyPassword } from '../../example/users.js'
import { Client, exchange } from '../support/client.js'
import { listen } from '../support/listen.js'

const key = randomBytes(32)
const user1 = { name: 'user1', password: 'teapot' }
const wrong = 'The name or the password is wrong.'

/** The site with a check that takes no time; the real one has a test of its own. */
const openSite = (keys: Buffer[]): Server => (
  createAuthServer(keys, async (name, password) => name === 'user1' && password === 'teapot')
)

/** What a cookie of these tests holds. */
const open = (cookie = ''): object => ({ ...new SessionHandler(() => {}, key, Session).decodeCookie(cookie) })

/** An auth handler around a listener of the test, before which anybody is let in. */
function openDoor(next: RequestListener, check: typeof checkUser = async () => true): RequestListener {
  return new SessionHandler(new AuthHandler(next, check).listener, key, Session).listener as RequestListener
}

t.test('a person logs in, reads, and logs out', async (t) => {
  const browser = new Client(await listen(t, openSite([key])))
  t.match(await browser.get('/'), { status: 303, headers: { 'location': '/login', 'set-cookie': undefined } })

  const form = await browser.get('/login')
  t.equal(form.status, 200)
  t.match(form.body, '<form method="post" action="/login">')
  t.notMatch(form.body, 'role="alert"')
  t.equal(form.headers['set-cookie'], undefined, 'no cookie for nobody')

  const login = await browser.post('/login', user1)
  t.match(login, { status: 303, headers: { location: '/' } })
  const line = /^session=[\w-]+; Max-Age=86400; Expires=[^;]+ GMT; Path=\/; HttpOnly; SameSite=Lax$/
  t.match(login.headers['set-cookie'], [line])
  t.strictSame(open(browser.cookies.get('session')), { user: 'user1' })

  const page = await browser.get('/')
  t.equal(page.status, 200)
  t.match(page.body, 'You are logged in.')
  t.match(page.body, '<form method="post" action="/logout">')
  t.equal(page.headers['set-cookie'], undefined, 'reading writes no cookie')
  t.match(page.headers.vary, 'Cookie')
  for (const method of ['GET', 'HEAD']) {
    const again = await browser.send(method, '/login')
    t.match(again, { status: 303, headers: { location: '/' } }, `${method} /login leads people who are in to the start`)
  }
  for (const [, path = ''] of page.body.matchAll(/(?:href|src)="([^"]*)"/g)) {
    t.equal((await browser.get(path)).status, 200, `${path} is there`)
  }

  const logout = await browser.post('/logout')
  t.match(logout, { status: 303, headers: { location: '/login' } })
  t.equal(browser.cookies.size, 0, 'the cookie is gone')
  t.match(await browser.get('/'), { status: 303, headers: { location: '/login' } })
})

// The one test that pays for the real hash, some tenths of a second each. (The queue's test shows the salt.)
t.test('a name and a password', async (t) => {
  const rows: [name: string, password: string, known: boolean][] = [
    ['user1', 'teapot', true], ['user2', 'lantern', true], ['user3', 'pelican', true], ['user4', 'marigold', true],
    ['user1', 'lantern', false], ['user5', 'teapot', false],
  ]
  for (const [name, password, known] of rows) {
    t.equal(await checkUser(name, password), known, `${JSON.stringify([name, password])}: ${known}`)
  }
  await t.rejects(hashPassword(undefined as unknown as string), TypeError)
  const entry = await hashPassword('a new password') // one that failed does not hold up the next one
  t.ok(await verifyPassword('a new password', entry))
})

t.test('a wrong password is told once', async (t) => {
  const browser = new Client(await listen(t, openSite([key])))
  const refused = await browser.post('/login', { name: 'user1"><script>', password: 'hate' })
  t.match(refused, { status: 303, headers: { location: '/login' } })

  const head = await browser.send('HEAD', '/login')
  t.match(head, { status: 200, body: '' })
  t.equal(head.headers['set-cookie'], undefined, 'a HEAD shows nothing, and leaves the message')

  const { body } = await browser.get('/login')
  t.match(body, `<p class="error" id="error" role="alert">${wrong}</p>`)
  t.equal(body.match(/aria-describedby="error"/g)?.length, 2, 'both fields name it')
  t.match(body, '<title>Error: log in')
  t.match(body, 'value="user1&#34;&#62;&#60;script&#62;"', 'the name is kept, and escaped')
  t.notMatch(body, '<script')
  t.notMatch(body, 'hate')
  t.equal(browser.cookies.size, 0, 'the session is empty again, so the cookie is gone')

  const again = await browser.get('/login')
  t.notMatch(again.body, wrong)
  t.notMatch(again.body, 'user1"')
  t.match(await browser.get('/'), { status: 303 }, 'and nobody is logged in')
})

t.test('a login begins a new session', async (t) => {
  const planted = { user: 'somebody', message: 'hello', name: 'mallory', planted: 'by another' }
  for (const [isUser, session] of [[true, { user: 'user2' }], [false, { message: wrong, name: 'user2' }]] as const) {
    const browser = new Client(await listen(t, openDoor((_req, res) => res.end('inside'), async () => isUser)))
    browser.cookies.set('session', new SessionHandler(() => {}, key, Session).encodeCookie(planted))
    await browser.post('/login', { name: 'user2', password: 'lantern' })
    t.strictSame(open(browser.cookies.get('session')), session)
  }
})

t.test('a name of any length fits in the cookie', async (t) => {
  const browser = new Client(await listen(t, openDoor((_req, res) => res.end('inside'), async () => false)))
  t.match(await browser.post('/login', { name: 'x'.repeat(4000) }), { status: 303 })
  t.match(await browser.get('/login'), { status: 200, body: wrong })
})

t.test('a request from another site neither logs in nor out', async (t) => {
  const origin = await listen(t, openDoor((_req, res) => res.end('inside')))
  const { host } = new URL(origin)
  const rows: [headers: Record<string, string>, status: number][] = [
    [{ 'Sec-Fetch-Site': 'same-origin' }, 303],
    [{ 'Sec-Fetch-Site': 'none' }, 303],
    [{ 'Sec-Fetch-Site': 'same-origin', 'Origin': 'null' }, 303],
    [{ Origin: origin }, 303],
    [{ Origin: `https://${host}` }, 303], // TLS ends at a proxy
    [{}, 303], // no browser

    [{ 'Sec-Fetch-Site': 'cross-site' }, 403],
    [{ 'Sec-Fetch-Site': 'same-site' }, 403],
    [{ 'Sec-Fetch-Site': '' }, 403],
    [{ 'Sec-Fetch-Site': 'Same-Origin' }, 403],
    [{ 'Sec-Fetch-Site': 'cross-site', 'Origin': origin }, 403],
    [{ Origin: 'https://example.org' }, 403],
    [{ Origin: `http://${host}.example.org` }, 403],
    [{ Origin: `http://example.org@${host}:1` }, 403],
    [{ Origin: 'http://127.0.0.1:1' }, 403],
    [{ Origin: 'http://127.0.0.1' }, 403],
    [{ Origin: 'null' }, 403],
    [{ Origin: '' }, 403],
    [{ Origin: host }, 403],
  ]
  for (const [headers, status] of rows) {
    const name = `${JSON.stringify(headers).replaceAll(host, 'HOST')}: ${status}`
    const browser = new Client(origin)
    const form = { 'Content-Type': 'application/x-www-form-urlencoded', ...headers }
    t.equal((await browser.send('POST', '/login', form, 'name=user1&password=teapot')).status, status, `login, ${name}`)
    t.equal(browser.cookies.size, status === 303 ? 1 : 0, `login, ${name}: the cookie`)

    await browser.post('/login', user1)
    t.equal((await browser.send('POST', '/logout', headers)).status, status, `logout, ${name}`)
    t.equal(browser.cookies.size, status === 303 ? 0 : 1, `logout, ${name}: the cookie`)
  }
})

t.test('what is no form of ours', async (t) => {
  const door = openDoor((_req, res) => res.end('inside'), async (name) => name === 'user1')
  const browser = new Client(await listen(t, door))
  const type = 'application/x-www-form-urlencoded'
  const fits = 'name=user1&password='.padEnd(4096, 'x')
  const rows: [name: string, headers: Record<string, string>, body: string, status: number][] = [
    ['a form', { 'Content-Type': type }, 'name=user1', 303],
    ['a form with parameters', { 'Content-Type': `${type}; charset=UTF-8` }, 'name=user1', 303],
    ['capitals', { 'Content-Type': type.toUpperCase() }, 'name=user1', 303],
    ['4096 bytes', { 'Content-Type': type }, fits, 303],
    ['4096 bytes in chunks', { 'Content-Type': type, 'Transfer-Encoding': 'chunked' }, fits, 303],

    ['4097 bytes', { 'Content-Type': type }, `${fits}x`, 413],
    ['4097 bytes in chunks', { 'Content-Type': type, 'Transfer-Encoding': 'chunked' }, `${fits}x`, 413],
    ['a megabyte', { 'Content-Type': type }, 'x'.repeat(2 ** 20), 413],
    ['no type', {}, 'name=user1', 415],
    ['JSON', { 'Content-Type': 'application/json' }, '{"name":"user1"}', 415],
    ['text', { 'Content-Type': 'text/plain' }, 'name=user1', 415],
    ['multipart', { 'Content-Type': 'multipart/form-data; boundary=x' }, '--x--', 415],
    ['a longer type', { 'Content-Type': `${type}2` }, 'name=user1', 415],
  ]
  for (const [name, headers, body, status] of rows) {
    browser.cookies.clear()
    const answer = await browser.send('POST', '/login', headers, body)
    t.equal(answer.status, status, `${name}: ${status}`)
    t.equal(answer.headers.location, status === 303 ? '/' : undefined, `${name}: where it leads`)
    t.equal(browser.cookies.size, status === 303 ? 1 : 0, `${name}: the cookie`)
  }
  browser.cookies.clear()
  t.equal((await browser.post('/login', {})).headers.location, '/login', 'an empty form is a wrong try')
})

t.test('methods', async (t) => {
  const origin = await listen(t, openSite([key]))
  const stranger = new Client(origin)
  const rows: [method: string, path: string, status: number, allow?: string][] = [
    ['HEAD', '/login', 200],
    ['GET', '/login?next=//example.org', 200],
    ['PUT', '/login', 405, 'GET, HEAD, POST'],
    ['DELETE', '/login', 405, 'GET, HEAD, POST'],
    ['GET', '/logout', 405, 'POST'],
    ['HEAD', '/logout', 405, 'POST'],
    ['PUT', '/logout', 405, 'POST'],
    ['POST', '/', 303],
    ['OPTIONS', '/', 303],
  ]
  const inside: typeof rows = [
    ['GET', '/logout', 405, 'POST'],
    ['GET', '/', 200], // no GET logs anybody out
    ['POST', '/', 405, 'GET, HEAD'],
  ]
  const user = new Client(origin)
  await user.post('/login', user1)
  for (const [browser, all] of [[stranger, rows], [user, inside]] as const) {
    for (const [method, path, status, allow] of all) {
      const { headers, ...answer } = await browser.send(method, path)
      t.equal(answer.status, status, `${method} ${path}: ${status}`)
      t.equal(headers.allow, allow, `${method} ${path}: Allow`)
    }
  }
})

t.test('a stranger sees nothing but the login page', async (t) => {
  const stranger = new Client(await listen(t, openSite([key])))
  const paths = [
    '/', '/index.html', '/style.css', '/how-it-works/', '/nothing', '/login/', '/Login', '/%6cogin', '//login',
    '/login/../index.html', '/logout/', '/./logout', '/../auth.ts', 'http://example.org/', '*',
  ]
  for (const path of paths) {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, body } = await stranger.send(method, path)
      const name = `${method} ${path}`
      t.match({ status, location: headers.location }, { status: 303, location: '/login' }, name)
      t.equal(body, '', `${name}: no content`)
      t.equal(headers['cache-control'], 'no-store', `${name}: not stored`)
    }
  }
  t.equal((await stranger.get('/', { 'Sec-Fetch-Dest': 'document' })).status, 303)
  for (const destination of ['image', 'style', 'script', 'iframe', 'empty']) {
    const answer = await stranger.get('/mark.svg', { 'Sec-Fetch-Dest': destination })
    t.match(answer, { status: 403, headers: { location: undefined } }, `for ${destination}`)
  }
})

t.test('whose cookies open', async (t) => {
  const newKey = randomBytes(32)
  const cookie = new SessionHandler(() => {}, key, Session).encodeCookie({ user: 'user1' })
  const rows: [name: string, keys: Buffer[], cookie: string, opens: boolean][] = [
    ['with the same key', [key], cookie, true],
    ['with the new key last', [key, newKey], cookie, true],
    ['with the new key first', [newKey, key], cookie, true],
    ['with the new key alone', [newKey], cookie, false],
    ['made up', [key], 'user1', false],
  ]
  for (const [name, keys, cookie, opens] of rows) {
    const browser = new Client(await listen(t, openSite(keys)))
    browser.cookies.set('session', cookie)
    const { status, headers } = await browser.get('/')
    t.strictSame([status, headers.location], opens ? [200, undefined] : [303, '/login'], name)
    t.equal(headers['set-cookie'], undefined, name)
  }
})

t.test('every answer carries the security headers', async (t) => {
  const origin = await listen(t, openSite([key]))
  const browser = new Client(origin)
  await browser.post('/login', user1)
  const answers = [
    await browser.get('/'), await browser.get('/style.css'), await browser.get('/nothing'),
    await new Client(origin).get('/login'),
    await browser.get('/logout'), await browser.get('/how-it-works'),
    await browser.post('/login', {}, { Origin: 'null' }), await browser.send('POST', '/login'),
  ]
  t.strictSame(answers.map(({ status }) => status), [200, 200, 404, 200, 405, 301, 403, 415])
  for (const { status, headers, body } of answers) {
    t.match(headers, {
      'content-security-policy': /^default-src 'none'; .*; base-uri 'none'; frame-ancestors 'none'$/,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    }, String(status))
    const style = /<style>([^]*)<\/style>/.exec(body)?.[1]
    const hash = createHash('sha256').update(style ?? '').digest('base64')
    if (style !== undefined) t.match(headers['content-security-policy'], `'sha256-${hash}'`, `${status}: its own style`)
    t.equal(headers['cache-control'], headers['content-type']?.includes('css') ? 'private, no-cache' : 'no-store')
    t.notMatch(body, /<script|style=| on\w+=/)
  }
})

t.test('pages are made for everybody', async (t) => {
  const browser = new Client(await listen(t, openSite([key])))
  const pages = [await browser.get('/login')]
  await browser.post('/login', user1)
  for (const path of ['/', '/how-it-works/', '/nothing']) pages.push(await browser.get(path))
  for (const { body } of pages) {
    const title = /<title>(.*)<\/title>/.exec(body)?.[1] ?? ''
    t.match(body, /^<!doctype html>\n<html lang="en">\n/, title)
    t.match(body, '<meta name="viewport" content="width=device-width, initial-scale=1">', title)
    t.equal(body.match(/<h1/g)?.length, 1, `${title}: one first heading`)
    t.equal(body.match(/<main>/g)?.length, 1, `${title}: one main part`)
    t.equal(body.match(/<img /g)?.length, body.match(/<img [^>]*alt="/g)?.length, `${title}: each picture has a text`)
    for (const [, id] of body.matchAll(/<input id="(\w+)"/g)) t.match(body, `<label for="${id}">`, `${title}: ${id}`)
  }
  t.match(pages[0]?.body, /<input id="name" [^>]*autocomplete="username"/)
  t.match(pages[0]?.body, /<input id="password" [^>]*autocomplete="current-password"/)
})

t.test('a failure is told to the server, and not to the client', async (t) => {
  const logged = t.capture(console, 'error')
  const failure = new Error('the disk is full')
  const browser = new Client(await listen(t, openDoor(() => {
    throw failure
  })))
  await browser.post('/login', user1)
  const { status, body } = await browser.get('/')
  t.equal(status, 500)
  t.match(body, 'Something went wrong')
  t.notMatch(body, 'disk')
  t.strictSame(logged.args(), [[failure]])
})

t.test('a failure in the middle of an answer cuts it off', async (t) => {
  const browser = new Client(await listen(t, openDoor((_req, res) => {
    res.writeHead(200, { 'Content-Length': 100 }).write('the first half')
    throw new Error('the disk is full')
  })))
  await browser.post('/login', user1)
  await t.rejects(browser.get('/'), { code: 'ECONNRESET' })
})

t.test('a client that goes away while it sends its form harms nobody', async (t) => {
  const logged = t.capture(console, 'error')
  const handler = new AuthHandler((_req, res) => res.end('inside'), async () => true)
  const answered: Promise<void>[] = []
  const sessions = new SessionHandler((req, res) => void answered.push(handler.listener(req, res)), key, Session)
  const server = createServer(sessions.listener)
  const arrived = once(server, 'request')
  const socket = connect(Number(new URL(await listen(t, server)).port), '127.0.0.1')
  const type = 'Content-Type: application/x-www-form-urlencoded'
  socket.write(`POST /login HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: 100\r\n\r\nname=`)
  await arrived
  socket.destroy()
  t.strictSame(await Promise.all(answered), [undefined])
  t.strictSame(logged.args(), [])
})

t.test('settings', async (t) => {
  const text = 'a key for these tests, of no use to anybody'
  const other = 'another key for these tests, of no use either'
  const good: [env: Record<string, string>, expected: object][] = [
    [{ SESSION_KEY: text }, { port: 8080, keys: [text], lasting: true, secure: false }],
    [{ SESSION_KEY: text, SESSION_KEY_ALSO: other }, { keys: [text, other] }],
    [{ SESSION_KEY: 'é'.repeat(16) }, { keys: ['é'.repeat(16)] }],
    [{ SESSION_KEY: text, PORT: '0' }, { port: 0 }],
    [{ SESSION_KEY: text, PORT: '65535' }, { port: 65535 }],
    [{ SESSION_KEY: text, SECURE: '1' }, { secure: true }],
    [{ SESSION_KEY: text, SECURE: '0' }, { secure: false }],
    [{}, { lasting: false, keys: [{ length: 32 }] }],
    [{ SESSION_KEY_ALSO: text }, { lasting: false, keys: [{ length: 32 }, text] }],
  ]
  for (const [env, expected] of good) t.match(readSettings(env), expected, JSON.stringify(env))
  t.notSame(readSettings({}), readSettings({}), 'a key of its own each time')

  const port = 'PORT must be a number from 0 to 65535.'
  const secure = 'SECURE must be 0 or 1.'
  const make = 'Make one with: node -p "crypto.randomBytes(32).toString(\'base64url\')"'
  const bad: [env: Record<string, string>, complaint: string][] = [
    [{ PORT: '65536' }, port], [{ PORT: '-1' }, port], [{ PORT: '80.5' }, port], [{ PORT: '1e3' }, port],
    [{ PORT: 'http' }, port], [{ PORT: '' }, port],
    [{ SECURE: '' }, secure], [{ SECURE: 'yes' }, secure],
    [{ SESSION_KEY: '' }, `SESSION_KEY must be 32 bytes or longer, not 0. ${make}`],
    [{ SESSION_KEY: 'x'.repeat(31) }, `SESSION_KEY must be 32 bytes or longer, not 31. ${make}`],
    [{ SESSION_KEY: `${text}\n` }, 'SESSION_KEY begins or ends with white space, such as the line break of a file.'],
    [{ SESSION_KEY: text, SESSION_KEY_ALSO: 'short' }, `SESSION_KEY_ALSO must be 32 bytes or longer, not 5. ${make}`],
  ]
  for (const [env, complaint] of bad) t.equal(readSettings(env), complaint, JSON.stringify(env))
})

t.test('a request that takes too long is ended', async (t) => {
  const server = createAuthServer([key])
  t.match(server, { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000, timeout: 30_000 })
  t.match(await exchange(await listen(t, server), 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /)
})

t.test('a cookie that is Secure on every connection is one that no sibling domain can set', async (t) => {
  Session.secure = true // for good, since the name needs it: this is the last test
  const browser = new Client(await listen(t, openSite([key])))
  const { headers } = await browser.post('/login', user1, { 'X-Forwarded-Proto': 'https' })
  t.match(headers['set-cookie'], [/^__Host-session=[\w-]+; .*; Path=\/; Secure; HttpOnly; SameSite=Lax$/])
})

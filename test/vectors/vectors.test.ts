/**
 * The published vectors: the committed files are what their script makes, and the second implementation and the
 * library agree with every row and with each other.
 *
 * UPDATE_VECTORS=1 writes the files anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { RequestSessions, SeshcookieError, SessionHandler, SizeError, type SessionData, type SessionEvent }
  from '../../lib/index.js'
import { withRandom } from '../support/node-crypto.js'
import { Refused, noLifetime, open, seal, unhex } from '../support/second-implementation.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { root } from '../support/root.js'
import { files, keyOf, keysOf, scopeOf, type InvalidVector, type Settings, type Vector, type Vectors }
  from './generate.js'

const made = await files()
const fileNamed = (name: string) => new URL(`test/vectors/${name}`, root)
if (process.env['UPDATE_VECTORS']) {
  for (const [name, text] of Object.entries(made)) writeFileSync(fileNamed(name), text)
}

const contentsOf = <Row>(name: string) => JSON.parse(readFileSync(fileNamed(name), 'utf8')) as Vectors<Row>
const valid = contentsOf<Vector>('v1.json')
const invalid = contentsOf<InvalidVector>('v1-invalid.json')

t.test('the files are what their script makes', async (t) => {
  for (const [name, text] of Object.entries(made)) {
    t.equal(readFileSync(fileNamed(name), 'utf8'), text, name)
    t.match(text, /^[\n\x20-\x7e]*$/)
  }
})

t.test('no two rows have one name or one cookie', async (t) => {
  for (const { cookies } of [valid, invalid]) {
    t.equal(new Set(cookies.map(({ name }) => name)).size, cookies.length)
  }
  t.equal(new Set(valid.cookies.map(({ cookie }) => cookie)).size, valid.cookies.length)
  t.ok(invalid.cookies.length >= 60, `${invalid.cookies.length} ways to be wrong`)
})

const keysFor = ({ key }: Settings) => keysOf(valid.keys[key]!)

// It made the files, so that it seals what stands there.
t.test('the second implementation', async (t) => {
  t.test('derives keys that serve one purpose each', async (t) => {
    const derived = Object.values(valid.keys).flatMap((key) => [key.master, key.encryptionKey, key.authenticationKey])
    t.equal(new Set(derived).size, derived.length)
  })

  for (const row of valid.cookies) {
    t.test(`opens: ${row.name}`, async (t) => {
      const { created, issued, lifetime, expiresAt, json } = row
      const opened = await open(keysFor(row), scopeOf(row), row.cookie, row)
      t.same(opened, { created, issued, lifetime, expiresAt, json: opened.json, session: JSON.parse(json) })
    })
  }

  for (const row of invalid.cookies) {
    t.test(`refuses: ${row.name}`, async (t) => {
      const error = await open(keysFor(row), scopeOf(row), row.cookie, row).catch((thrown: unknown) => thrown)
      t.ok(error instanceof Refused, String(error))
      t.equal((error as Refused).reason, row.reason)
    })
  }
})

type Opener = { handler: SessionHandler, events: SessionEvent[] }

/** Stretching a string takes a while; the rows with string keys differ in nothing else. */
const ofStrings = new Map<string, Opener>()

/** A handler as the row wants it, and the clock put right. */
function handlerOf(row: Settings): Opener {
  Date.now = () => row.now * 1000
  const known = ofStrings.get(row.key)
  if (known) {
    known.events.length = 0
    return known
  }
  const { cookieName, cookiePath, cookieDomain, partitioned, maxAge, idleTimeout } = row
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({
    domain: cookieDomain || undefined, secure: true, partitioned, maxAge, idleTimeout,
    onEvent: (event) => { events.push(event) },
  })
  const key = keyOf(valid.keys[row.key]!)
  const handler = new SessionHandler(() => {}, key, sessions, { cookieName, cookiePath })
  if (typeof key === 'string') ofStrings.set(row.key, { handler, events })
  return { handler, events }
}

/** The cookie value that a response is sent with after `use`, if there is one. */
function respond(
  handler: SessionHandler, cookie: string | undefined,
  use: (req: ReturnType<typeof requestAndResponse>['req']) => void,
): string | undefined {
  const { req, res } = requestAndResponse(cookie)
  handler.attach(req, res)
  use(req)
  res.writeHead(200)
  return /=([^;]*)/.exec(String(res.getHeader('set-cookie') ?? ''))?.[1]
}

/** Runs `seal` with an IV of ours in place of random bytes. */
const withIv = <T>(iv: string, seal: () => T): T => withRandom(() => Buffer.from(iv, 'hex'), seal)

t.test('the library', async (t) => {
  const { now } = Date
  t.teardown(() => { Date.now = now })

  for (const row of valid.cookies) {
    t.test(`opens: ${row.name}`, async (t) => {
      const { handler, events } = handlerOf(row)
      const expected = JSON.stringify(JSON.parse(row.json))
      t.equal(JSON.stringify(handler.decodeCookie(row.cookie)), expected)

      const { req } = requestAndResponse(`other=1; ${row.cookieName}=${row.cookie}; another=2`)
      const session = handler.read(req)
      t.equal(JSON.stringify(session), expected)
      t.equal(Object.getPrototypeOf(session), null)
      t.same(events, [{ type: 'opened', keyIndex: 0 }])
      const info = handler.sessions.info(req)!
      t.same([info.createdAt, info.issuedAt, info.expiresAt].map((date) => date.getTime() / 1000),
        [row.created, row.issued, row.expiresAt])
    })

    t.test(`seals as the second implementation does: ${row.name}`, async (t) => {
      const { handler } = handlerOf(row)
      const session = JSON.parse(row.json) as SessionData
      if (row.cookie.length > 4000) {
        t.throws(() => handler.encodeCookie(session), SizeError, 'the line would be too long for a browser')
        return
      }
      const sealed = (lifetime: Vector['lifetime']) => seal(
        keysFor(row), scopeOf(row), unhex(row.iv),
        { created: row.now, issued: row.now, lifetime }, JSON.stringify(session))
      t.equal(withIv(row.iv, () => handler.encodeCookie(session)), await sealed(noLifetime))

      const { persistence, maxAge, idleTimeout } = row.lifetime
      const sent = withIv(row.iv, () => respond(handler, undefined, (req) => {
        handler.sessions.set(req, session)
        handler.sessions.limit(req, {
          maxAge: maxAge || undefined,
          idleTimeout: idleTimeout || undefined,
          persistent: [undefined, true, false][persistence],
        })
      }))
      t.equal(sent, row.json === '{}' ? undefined : await sealed(row.lifetime), 'with a lifetime of its own')
    })
  }

  t.test('a session that is changed keeps its time of creation, and is issued now', async (t) => {
    for (const row of valid.cookies.filter(({ name }) => /issued|maxAge|idleTimeout|lifetime/.test(name))) {
      const { handler } = handlerOf(row)
      const cookie = respond(handler, `${row.cookieName}=${row.cookie}`, (req) => {
        handler.sessions.get(req)['changed'] = true
      })
      const opened = await open(keysFor(row), scopeOf(row), cookie!, row)
      t.equal(opened.created, row.created, row.name)
      t.equal(opened.issued, Math.max(row.now, row.created))
      t.same(opened.lifetime, row.lifetime, 'and its own lifetime')
      t.same(opened.session, { ...JSON.parse(row.json) as object, changed: true })
    }
  })

  // What a Cookie header can carry to us whole; the rest can only come to decodeCookie.
  const carried = /^[\x21-\x3a\x3c-\x7e\x80-\xff]*$/

  for (const row of invalid.cookies) {
    t.test(`refuses: ${row.name}`, async (t) => {
      const { handler, events } = handlerOf(row)
      const error = t.throws(() => handler.decodeCookie(row.cookie), { code: row.code })
      t.ok(error instanceof SeshcookieError)
      if (!carried.test(row.cookie)) return

      const { req } = requestAndResponse(`${row.cookieName}=${row.cookie}`)
      t.equal(JSON.stringify(handler.read(req)), '{}')
      t.equal(handler.sessions.info(req), undefined)
      t.same(events, [{ type: 'rejected', reason: row.reason }])
    })
  }
})

/**
 * The published vectors: the committed files are what their script makes, and the second implementation and the
 * library agree with every row and with each other.
 *
 * UPDATE_VECTORS=1 writes the files anew.
 */
import { createSecretKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import t from 'tap'
import {
  RequestSessions, SeshcookieError, SessionHandler, SizeError, type Key, type SessionData, type SessionEvent,
} from '../../lib/index.js'
import { withRandom } from '../support/node-crypto.js'
import { Refused, noLifetime, open, plaintext, seal } from '../support/second-implementation.js'
import { ask } from '../support/client.js'
import { listen } from '../support/listen.js'
import { requestAndResponse } from '../support/request-and-response.js'
import { root } from '../support/root.js'
import {
  invalidVectors, stringify, vectors, type InvalidVectors, type Vector, type VectorKey, type Vectors,
} from './generate.js'

const validFile = new URL('test/vectors/v1.json', root)
const invalidFile = new URL('test/vectors/v1-invalid.json', root)

if (process.env['UPDATE_VECTORS']) {
  writeFileSync(validFile, stringify(await vectors()))
  writeFileSync(invalidFile, stringify(await invalidVectors()))
}

const valid = JSON.parse(readFileSync(validFile, 'utf8')) as Vectors
const invalid = JSON.parse(readFileSync(invalidFile, 'utf8')) as InvalidVectors
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex')

type Row = Pick<Vector,
  'key' | 'cookieName' | 'cookieDomain' | 'cookiePath' | 'partitioned' | 'now' | 'maxAge' | 'idleTimeout'>

const scopeOf = ({ cookieName, cookieDomain, cookiePath, partitioned }: Row) =>
  ({ name: cookieName, domain: cookieDomain, path: cookiePath, partitioned })
const keysOf = ({ encryptionKey, authenticationKey }: VectorKey) =>
  ({ encryption: bytes(encryptionKey), authentication: bytes(authenticationKey) })

t.test('the files are what their script makes', async (t) => {
  t.equal(readFileSync(validFile, 'utf8'), stringify(await vectors()))
  t.equal(readFileSync(invalidFile, 'utf8'), stringify(await invalidVectors()))
  t.match(readFileSync(validFile, 'latin1') + readFileSync(invalidFile, 'latin1'), /^[\n\x20-\x7e]*$/)
})

t.test('no two rows have one name or one cookie', async (t) => {
  for (const { cookies } of [valid, invalid]) {
    t.equal(new Set(cookies.map(({ name }) => name)).size, cookies.length)
  }
  t.equal(new Set(valid.cookies.map(({ cookie }) => cookie)).size, valid.cookies.length)
  t.ok(invalid.cookies.length >= 60, `${invalid.cookies.length} ways to be wrong`)
})

t.test('the second implementation', async (t) => {
  t.test('derives keys that serve one purpose each', async (t) => {
    const derived = Object.values(valid.keys).flatMap((key) => [key.master, key.encryptionKey, key.authenticationKey])
    t.equal(new Set(derived).size, derived.length)
  })

  for (const row of valid.cookies) {
    t.test(`seals and opens: ${row.name}`, async (t) => {
      const keys = keysOf(valid.keys[row.key] as VectorKey)
      const scope = scopeOf(row)
      t.equal(await seal(keys, scope, bytes(row.iv), row, row.json), row.cookie)
      t.equal(hex(plaintext(row, new TextEncoder().encode(row.json))), row.plaintext)
      const opened = await open(keys, scope, row.cookie, row)
      t.equal(opened.created, row.created)
      t.equal(opened.issued, row.issued)
      t.same(opened.lifetime, row.lifetime)
      t.equal(opened.expiresAt, row.expiresAt)
      t.same(opened.session, JSON.parse(row.json))
    })
  }

  for (const row of invalid.cookies) {
    t.test(`refuses: ${row.name}`, async (t) => {
      const keys = keysOf(invalid.keys[row.key] as VectorKey)
      const scope = scopeOf(row)
      const error = await open(keys, scope, row.cookie, row).then(() => undefined, (thrown: unknown) => thrown)
      t.ok(error instanceof Refused, String(error))
      t.equal((error as Refused).reason, row.reason)
    })
  }
})

const given = new Map<string, Key>()
for (const [name, { kind, text, hex }] of Object.entries(valid.keys)) {
  const secret = bytes(hex ?? '')
  given.set(name, text ?? (kind === 'KeyObject' ? createSecretKey(secret) : secret))
}

/** A handler as the row wants it, and the clock put right. */
function handlerOf(row: Row): { handler: SessionHandler, events: SessionEvent[] } {
  Date.now = () => row.now * 1000
  const known = ofStrings.get(row.key)
  if (known) {
    known.events.length = 0
    return known
  }
  const events: SessionEvent[] = []
  const sessions = new RequestSessions({
    domain: row.cookieDomain || undefined,
    secure: true,
    partitioned: row.partitioned,
    maxAge: row.maxAge,
    idleTimeout: row.idleTimeout,
    onEvent: (event) => { events.push(event) },
  })
  const { cookieName, cookiePath } = row
  const handler = new SessionHandler(() => {}, given.get(row.key) as Key, sessions, { cookieName, cookiePath })
  if (typeof given.get(row.key) === 'string') ofStrings.set(row.key, { handler, events })
  return { handler, events }
}

/** Stretching a string takes a while; the rows with string keys differ in nothing else. */
const ofStrings = new Map<string, { handler: SessionHandler, events: SessionEvent[] }>()

const requestOf = (cookie: string) => ({ headers: { cookie } }) as IncomingMessage

/** The value in a Set-Cookie line. */
const valueOf = (line: string | undefined) => line?.slice(line.indexOf('=') + 1).split(';')[0]

/** Runs `seal` with an IV of ours in place of random bytes. */
const withIv = <T>(iv: Uint8Array, seal: () => T): T => withRandom(() => Buffer.from(iv), seal)

t.test('the library', async (t) => {
  const { now } = Date
  t.teardown(() => { Date.now = now })

  for (const row of valid.cookies) {
    t.test(`opens: ${row.name}`, async (t) => {
      const { handler, events } = handlerOf(row)
      const expected = JSON.stringify(JSON.parse(row.json))
      t.equal(JSON.stringify(handler.decodeCookie(row.cookie)), expected)

      const req = requestOf(`other=1; ${row.cookieName}=${row.cookie}; another=2`)
      const session = handler.read(req)
      t.equal(JSON.stringify(session), expected)
      t.equal(Object.getPrototypeOf(session), null)
      t.same(events, [{ type: 'opened', keyIndex: 0 }])
      const info = handler.sessions.info(req)
      t.equal(info?.createdAt.getTime(), row.created * 1000)
      t.equal(info?.issuedAt.getTime(), row.issued * 1000)
      t.equal(info?.expiresAt.getTime(), row.expiresAt * 1000)
    })

    t.test(`seals as the second implementation does: ${row.name}`, async (t) => {
      const { handler } = handlerOf(row)
      const session = JSON.parse(row.json) as SessionData
      if (row.cookie.length > 4000) {
        t.throws(() => handler.encodeCookie(session), SizeError, 'the line would be too long for a browser')
        return
      }
      const iv = bytes(row.iv)
      const keys = keysOf(valid.keys[row.key] as VectorKey)
      const scope = scopeOf(row)
      const times = { created: row.now, issued: row.now, lifetime: noLifetime }
      t.equal(withIv(iv, () => handler.encodeCookie(session)),
        await seal(keys, scope, iv, times, JSON.stringify(session)))

      const { persistence, maxAge, idleTimeout } = row.lifetime
      const limits = {
        maxAge: maxAge || undefined,
        idleTimeout: idleTimeout || undefined,
        persistent: [undefined, true, false][persistence],
      }
      const { req, res } = requestAndResponse()
      withIv(iv, () => {
        handler.attach(req, res)
        handler.sessions.set(req, session)
        handler.sessions.limit(req, limits)
        res.writeHead(200)
      })
      const wanted = await seal(keys, scope, iv, { ...times, lifetime: row.lifetime }, JSON.stringify(session))
      t.equal(valueOf(res.getHeader('set-cookie') as string | undefined), row.json === '{}' ? undefined : wanted,
        'with a lifetime of its own, over HTTP')
    })
  }

  t.test('a session that is changed keeps its time of creation, and is issued now', async (t) => {
    for (const row of valid.cookies.filter(({ name }) => /issued|maxAge|idleTimeout|lifetime/.test(name))) {
      const { handler } = handlerOf(row)
      const { cookieName, cookiePath } = row
      const origin = await listen(t, new SessionHandler((req, res) => {
        handler.sessions.get(req)['changed'] = true
        res.end()
      }, given.get(row.key) as Key, handler.sessions, { cookieName, cookiePath }).listener)
      const { all } = await ask(origin, '/', { cookie: `${cookieName}=${row.cookie}` })
      const cookie = valueOf(all('set-cookie')[0])!
      const scope = scopeOf(row)
      const opened = await open(keysOf(valid.keys[row.key] as VectorKey), scope, cookie, row)
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
      const error = (() => {
        try {
          return handler.decodeCookie(row.cookie)
        } catch (thrown) {
          return thrown
        }
      })()
      t.ok(error instanceof SeshcookieError, String(error))
      t.equal((error as SeshcookieError).code, row.code)
      if (!carried.test(row.cookie)) return

      const req = requestOf(`${row.cookieName}=${row.cookie}`)
      t.equal(JSON.stringify(handler.read(req)), '{}')
      t.equal(handler.sessions.info(req), undefined)
      t.same(events, [{ type: 'rejected', reason: row.reason }])
    })
  }
})

/**
 * The published vectors: the committed files are what their script makes, and the second implementation agrees with
 * every row. How lib/ does with them stands at the end.
 *
 * UPDATE_VECTORS=1 writes the files anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { Refused, open, plaintext, seal } from './support/second-implementation.js'
import {
  invalidVectors, stringify, vectors, type InvalidVectors, type VectorKey, type Vectors,
} from './vectors/generate.js'

const validFile = new URL('vectors/v1.json', import.meta.url)
const invalidFile = new URL('vectors/v1-invalid.json', import.meta.url)

if (process.env['UPDATE_VECTORS']) {
  writeFileSync(validFile, stringify(await vectors()))
  writeFileSync(invalidFile, stringify(await invalidVectors()))
}

const valid = JSON.parse(readFileSync(validFile, 'utf8')) as Vectors
const invalid = JSON.parse(readFileSync(invalidFile, 'utf8')) as InvalidVectors
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex')

const keysOf = ({ encryptionKey, authenticationKey }: VectorKey) =>
  ({ encryption: bytes(encryptionKey), authentication: bytes(authenticationKey) })

t.test('the files are what their script makes', async t => {
  t.equal(readFileSync(validFile, 'utf8'), stringify(await vectors()))
  t.equal(readFileSync(invalidFile, 'utf8'), stringify(await invalidVectors()))
  t.match(readFileSync(validFile, 'latin1') + readFileSync(invalidFile, 'latin1'), /^[\n\x20-\x7e]*$/)
})

t.test('no two rows have one name or one cookie', async t => {
  for (const { cookies } of [valid, invalid]) {
    t.equal(new Set(cookies.map(({ name }) => name)).size, cookies.length)
  }
  t.equal(new Set(valid.cookies.map(({ cookie }) => cookie)).size, valid.cookies.length)
  t.ok(invalid.cookies.length >= 60, `${invalid.cookies.length} ways to be wrong`)
})

t.test('the second implementation', async t => {
  t.test('derives keys that serve one purpose each', async t => {
    const derived = Object.values(valid.keys).flatMap(key => [key.master, key.encryptionKey, key.authenticationKey])
    t.equal(new Set(derived).size, derived.length)
  })

  for (const row of valid.cookies) {
    t.test(`seals and opens: ${row.name}`, async t => {
      const keys = keysOf(valid.keys[row.key] as VectorKey)
      const scope = { name: row.cookieName, domain: row.cookieDomain, path: row.cookiePath }
      t.equal(await seal(keys, scope, bytes(row.iv), row.created, row.issued, row.json), row.cookie)
      t.equal(hex(plaintext(row.created, row.issued, new TextEncoder().encode(row.json))), row.plaintext)
      const opened = await open(keys, scope, row.cookie, row)
      t.equal(opened.created, row.created)
      t.equal(opened.issued, row.issued)
      t.same(opened.session, JSON.parse(row.json))
    })
  }

  for (const row of invalid.cookies) {
    t.test(`refuses: ${row.name}`, async t => {
      const keys = keysOf(invalid.keys[row.key] as VectorKey)
      const scope = { name: row.cookieName, domain: row.cookieDomain, path: row.cookiePath }
      const error = await open(keys, scope, row.cookie, row).then(() => undefined, (thrown: unknown) => thrown)
      t.ok(error instanceof Refused, String(error))
      t.equal((error as Refused).reason, row.reason)
    })
  }
})

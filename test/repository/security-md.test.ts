/** SECURITY.md's links lead somewhere, what it names is there, and the limits that it computes are right. */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { checkLinks } from '../support/links.js'
import { root } from '../support/root.js'

const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const page = read('SECURITY.md')

t.test('files and commands that it names are there', async (t) => {
  for (const [, file] of page.matchAll(/`((?:test|lib|\.ci)\/[\w./-]+)`/g)) {
    t.ok(file!.includes('NAME') || existsSync(new URL(file!, root)), file!)
  }
  const makefile = read('Makefile')
  for (const [, target] of page.matchAll(/`(?:FUZZ=\d+ )?make ([\w-]+)`/g)) {
    t.match(makefile, new RegExp(`^${target!.replace('NAME', '%')}:`, 'm'), target!)
  }
})

t.test('links lead somewhere', async (t) => {
  checkLinks(t, 'SECURITY.md')
})

t.test('it can be read: no long lines but in a table', async (t) => {
  t.strictSame(page.split('\n').filter((line) => line.length > 140 && !line.startsWith('| ')), [])
})

// 4096 characters are the longest value that opens (vectors.test.ts): base64url of version, IV, ciphertext and tag. The
// ciphertext is a multiple of 32 bytes, and holds 21 bytes before the JSON.
const longestCiphertext = Math.floor((4096 * 3 / 4 - 1 - 16 - 32) / 32) * 32

t.test('the limit of 2^40 cookies is computed again', async (t) => {
  const [q, l] = [2 ** 40, 192]
  t.ok(longestCiphertext / 16 <= l, 'blocks of the longest ciphertext')
  t.equal(Math.round(Math.log2(q * q * (2 * l - 1)) - 129), -40, 'two counter ranges overlap')
  t.equal(Math.round(2 * Math.log2(q * l) - 129), -34, 'AES is told from a random function')
  t.ok(q / (100 * 365.25 * 86_400) > 340, 'cookies a second for a hundred years')
})

t.test('what is cached of the largest cookie takes at most 10 kB', async (t) => {
  // A value in one byte a character, and its JSON in two.
  t.ok(4096 + 2 * (longestCiphertext - 21) <= 10 * 1024)
})

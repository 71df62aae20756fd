/** SECURITY.md's links lead somewhere, what it names is there, and the limits that it computes are right. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { associatedData, Codec, valueLength } from '../../lib/codec.js'
import { deriveKeys } from '../../lib/keys.js'
import { noLifetime } from '../../lib/lifetime.js'
import { checkLinks } from '../support/links.js'
import { root } from '../support/root.js'
import { key } from '../support/sessions.js'

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

/** A constant of lib/, whichever file it stands in. */
function constant(name: string): number {
  const found = readdirSync(new URL('lib/', root))
    .flatMap((file) => [...read(`lib/${file}`).matchAll(new RegExp(`const ${name} = ([\\d_]+)`, 'g'))])
  if (found.length !== 1) throw new Error(`${name} is ${found.length} times in lib/, not once`)
  return Number(found[0]![1]!.replaceAll('_', ''))
}

/** The most bytes of JSON that fit in a value. */
function longestJson(): number {
  const most = constant('maxValueLength')
  let bytes = 0
  while (valueLength(bytes + 1) <= most) bytes++
  return bytes
}

t.test('the limit of 2^40 cookies is computed again', async (t) => {
  const [q, l] = [2 ** 40, 192]
  t.ok((longestJson() + constant('headLength')) / 16 <= l, 'blocks of the longest ciphertext')
  t.equal(Math.round(Math.log2(q * q * (2 * l - 1)) - 129), -40, 'two counter ranges overlap')
  t.equal(Math.round(2 * Math.log2(q * l) - 129), -34, 'AES is told from a random function')
  t.ok(q / (100 * 365.25 * 86_400) > 340, 'cookies a second for a hundred years')
})

t.test('what is remembered of the largest cookie takes at most 10 kB', async (t) => {
  const bytes = longestJson()
  // A value in one byte a character, and its JSON in two.
  t.ok(constant('maxValueLength') + 2 * bytes <= 10 * 1024)
  const codec = new Codec(deriveKeys(key), associatedData('session', '', '/', false))
  t.equal(codec.seal('x'.repeat(bytes), { created: 1, issued: 1, lifetime: noLifetime }).length, valueLength(bytes))
})

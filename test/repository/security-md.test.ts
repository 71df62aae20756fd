/** SECURITY.md is held to what it says: its links lead somewhere, its numbers are the code's. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { associatedData, Codec, valueLength } from '../../lib/codec.js'
import { RequestSessions, SessionHandler } from '../../lib/index.js'
import { deriveKeys } from '../../lib/keys.js'
import { noLifetime } from '../../lib/lifetime.js'
import { checkLinks, root } from '../support/links.js'
import { key } from '../support/sessions.js'

const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const page = read('SECURITY.md')
const prose = page.replace(/\s+/g, ' ')

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

/** Whether a number stands in the page with its unit, whatever the sentence around them. */
const says = (t: Test, ...parts: (number | string)[]) => t.ok(prose.includes(parts.join(' ')), parts.join(' '))

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
  t.ok((longestJson() + 21) / 16 <= l, 'blocks of the longest ciphertext')
  const counters = Math.log2(q * q * (2 * l - 1)) - 129
  const permutation = 2 * Math.log2(q * l) - 129
  t.ok(counters < -32 && permutation < -32)
  says(t, '2^40 cookies')
  says(t, 'L =', l, 'blocks')
  says(t, `2^${Math.round(counters)}`)
  says(t, `2^${Math.round(permutation)}`)
  const rate = q / (100 * 365.25 * 86_400)
  says(t, Math.round(rate / 10) * 10, 'cookies a second')
})

t.test('the other limits are those of the code', async (t) => {
  says(t, constant('maxKeys'), 'keys')
  says(t, `**${constant('maxLineLength')} bytes**`)
  says(t, constant('minValueLength'), 'to', constant('maxValueLength'), 'characters')
  says(t, constant('clockSkew'), 'seconds')
  says(t, `\`remember\` cookies (${new SessionHandler(() => {}, key, new RequestSessions()).remember})`)
  says(t, constant('maxCandidates'), 'cookies')
  says(t, constant('minKeyLength'), 'random bytes')
  says(t, constant('padTo'), 'bytes')
  says(t, 'scrypt, N = 2^15, r = 8, p = 3')
  t.match(readdirSync(new URL('lib/', root)).map((file) => read(`lib/${file}`)).join(''), /N: 2 \*\* 15, r: 8, p: 3/)

  // A value in one byte a character, and its JSON in two.
  const bytes = longestJson()
  t.ok(4096 + 2 * bytes <= 10 * 1024)
  says(t, 10, 'kB each')
  const longest = new Codec(deriveKeys(key), associatedData('session', '', '/', false))
    .seal('x'.repeat(bytes), { created: 1, issued: 1, lifetime: noLifetime })
  t.equal(longest.length, valueLength(bytes))
})

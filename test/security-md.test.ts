/** SECURITY.md is held to what it says: its tests are there, its links lead somewhere, its numbers are the code's. */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { boundTo, Codec, valueLength } from '../lib/codec.js'
import { RequestSessions, SessionHandler } from '../lib/index.js'
import { deriveKeys } from '../lib/keys.js'
import { key } from './support/serve.js'

const root = new URL('..', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const page = read('SECURITY.md')
const prose = page.replace(/\s+/g, ' ')
const sections = new Map(page.split(/^## /m).slice(1).map((part) => [part.split('\n', 1)[0]!, part]))

/** Whether a string that begins with `title`, or goes on with it after a generated part, stands in the file. */
function hasTitle(file: string, title: string): boolean {
  const source = read(file).replaceAll("\\'", "'")
  return ["'", '"', '`', '} '].some((start) => source.includes(start + title))
}

t.test('every row of the table leads to a test', async (t) => {
  const rows = sections.get('Threats and tests')!.split('\n')
    .filter((line) => /^\| (?!threat )/.test(line)).map((line) => line.slice(2, -2).split(' | '))
  t.ok(rows.length >= 79, `${rows.length} threats`)
  t.equal(new Set(rows.map(([threat]) => threat)).size, rows.length, 'none twice')
  for (const [threat, done, tests, ...more] of rows) {
    t.ok(done !== undefined && done.length > 5 && more.length === 0, threat!)
    for (const test of tests!.split('<br>')) {
      const [, name, file, title] = /^\[([\w-]+)\]\((test\/\1\.test\.ts)\): (.+)$/.exec(test) ?? []
      t.ok(name !== undefined && existsSync(new URL(file!, root)) && hasTitle(file!, title!), `${threat}: ${test}`)
    }
  }
  t.notOk(hasTitle('test/cache.test.ts', 'nobody gets what is somebody else, if'), 'a title that is none is noticed')
})

t.test('files and commands that it names are there', async (t) => {
  for (const [, file] of page.matchAll(/`((?:test|lib|\.ci)\/[\w./-]+)`/g)) {
    t.ok(file!.includes('NAME') || existsSync(new URL(file!, root)), file!)
  }
  const makefile = read('Makefile')
  for (const [, target] of page.matchAll(/`(?:FUZZ=\d+ )?make ([\w-]+)`/g)) {
    t.match(makefile, new RegExp(`^${target}:`, 'm'), target!)
  }
})

t.test('links lead somewhere', async (t) => {
  const anchors = (text: string) => [...text.matchAll(/^#+ (.*)$/gm)]
    .map(([, heading]) => heading!.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-'))
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target!)
  t.ok(links.length > 80)
  for (const target of new Set(links)) {
    const [file, anchor] = target.split('#') as [string, string?]
    t.ok(file === '' || existsSync(new URL(file, root)), target)
    if (anchor !== undefined) t.ok(anchors(file === '' ? page : read(file)).includes(anchor), target)
  }
})

t.test('it can be read: no long lines but in the table', async (t) => {
  t.strictSame(page.split('\n').filter((line) => line.length > 140 && !line.startsWith('| ')), [])
})

t.test('what has to be said is said', async (t) => {
  t.strictSame([...sections.keys()], [
    'Reporting a vulnerability', 'What is promised', 'What is assumed', 'What is not a vulnerability',
    'Why this construction', 'Limits', 'Keys', 'How this is tested', 'Threats and tests',
    'Considered and not applicable',
  ])
  const words: [section: string, ...words: RegExp[]][] = [
    ['Reporting a vulnerability', /private/i, /newest version/],
    ['What is promised', /first four cookies/, /`__Host-`/],
    ['What is assumed', /cloned/, /clock/, /TLS/],
    ['What is not a vulnerability',
      /Replay/, /Cross-site request forgery/, /forward secrecy/, /last of two writes/i, /Theft/],
    ['Why this construction', /Encrypt-then-MAC/i, /ASVS/, /RFC 7518 §5\.2\.2\.1/, /Why not AES-GCM/],
    ['Limits', /NaN for null/, /without an event/, /Header space/],
    ['Keys', /never from the source/, /After a leak/],
    ['How this is tested', /FUZZ=/, /SEED=/, /make mutate/],
  ]
  for (const [section, ...wanted] of words) {
    for (const word of wanted) t.match(sections.get(section)!.replace(/\s+/g, ' '), word, section)
  }
})

t.test('the limit of 2^40 cookies is computed again', async (t) => {
  const [, cookies, blocks] = /\*\*2\^(\d+) cookies a key\.\*\* With q cookies of at most L = (\d+) blocks/.exec(prose)!
  const [q, l] = [2 ** Number(cookies), Number(blocks)]
  const counters = Math.log2(q * q * (2 * l - 1)) - 129
  const permutation = 2 * Math.log2(q * l) - 129
  t.match(prose, `for q = 2^${cookies} that is 2^${Math.round(counters)}.`)
  t.match(prose, `(qL)² / 2^129, 2^${Math.round(permutation)}.`)
  t.ok(counters < -32 && permutation < -32)

  // The longest ciphertext that fits in a value.
  let bytes = 0
  while (valueLength(bytes + 1) <= 4096) bytes++
  t.ok((bytes + 12) / 16 <= l, `${(bytes + 12) / 16} blocks`)

  const [, rate] = /2\^40 is (\d+) cookies a second for a hundred years/.exec(prose)!
  t.ok(Math.abs(q / (100 * 365.25 * 86_400) - Number(rate)) < 5)
})

t.test('the other limits are those of the code', async (t) => {
  const source = (file: string, name: string) =>
    Number(new RegExp(`const ${name} = ([\\d_]+)`).exec(read(`lib/${file}.ts`))?.[1]?.replaceAll('_', ''))
  const handler = new SessionHandler(() => {}, key, new RequestSessions())
  const said: [pattern: RegExp, ...values: number[]][] = [
    [/\*\*1 to (\d+) keys\*\*/, source('keys', 'maxKeys')],
    [/\*\*(\d+) bytes\*\* for the whole Set-Cookie line, (\d+) to (\d+) characters for the value/,
      source('set-cookie', 'maxLineLength'), source('codec', 'minValueLength'), source('codec', 'maxValueLength')],
    [/\*\*Clock skew\*\* of (\d+) seconds/, source('session-cookie', 'clockSkew')],
    [/of `remember` cookies \((\d+)\)/, handler.remember],
    [/At most (\d+) cookies are looked at/, source('cookie-header', 'maxCandidates')],
    [/as hard to guess as (\d+) random bytes/, source('keys', 'minKeyLength')],
    [/but the length, to the next (\d+) bytes/, source('codec', 'padTo')],
    [/At most (\d+) levels are stored/, source('session-json', 'maxDepth')],
    [/1 to (34 560 000), counted/, source('options', 'maxSeconds')],
  ]
  for (const [pattern, ...values] of said) {
    const found = pattern.exec(prose)
    t.strictSame(found?.slice(1).map((number) => Number(number.replaceAll(' ', ''))), values, String(pattern))
  }
  t.match(read('lib/keys.ts'), /N: 2 \*\* 15, r: 8, p: 3/)
  t.match(prose, /scrypt, N = 2\^15, r = 8, p = 3/)

  // A value in one byte a character, and its JSON in two.
  let bytes = 0
  while (valueLength(bytes + 1) <= 4096) bytes++
  const [, most] = /at most (\d+) kB each/.exec(prose)!
  t.ok(4096 + 2 * bytes <= Number(most) * 1024)
  const longest = new Codec(deriveKeys(key), boundTo('session', '', '/')).seal('x'.repeat(bytes), 1, 1)
  t.equal(longest.length, valueLength(bytes))
})

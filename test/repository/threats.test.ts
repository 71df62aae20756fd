/** test/THREATS.md and test/README.md are held to what they say: each row leads to what is there. */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { checkLinks } from '../support/links.js'
import { root } from '../support/root.js'
import { tablesOf } from '../support/tables.js'

const page = readFileSync(new URL('test/THREATS.md', root), 'utf8')

/** Whether a string that begins with `title`, or goes on with it after a generated part, stands in the file. */
function hasTitle(file: string, title: string): boolean {
  const source = readFileSync(new URL(`test/${file}`, root), 'utf8').replaceAll("\\'", "'")
  return ["'", '"', '`', '} '].some((start) => source.includes(start + title))
}

t.test('every row leads to a test', async (t) => {
  const rows = page.split('\n')
    .filter((line) => /^\| (?!threat )/.test(line)).map((line) => line.slice(2, -2).split(' | '))
  t.ok(rows.length >= 79, `${rows.length} threats`)
  t.equal(new Set(rows.map(([threat]) => threat)).size, rows.length, 'none twice')
  for (const [threat, done, tests, ...more] of rows) {
    t.ok(done !== undefined && done.length > 5 && more.length === 0, threat!)
    for (const test of tests!.split('<br>')) {
      // What nothing is done about stands in SECURITY.md, instead of a test. Links are checked below.
      if (/^\[SECURITY\.md\]\(\.\.\/SECURITY\.md#[\w-]+\)$/.test(test)) continue
      const [, file, title] = /^\[([\w/-]+)\]\(\1\.test\.ts\): (.+)$/.exec(test) ?? []
      t.ok(file !== undefined && hasTitle(`${file}.test.ts`, title!), `${threat}: ${test}`)
    }
  }
  t.notOk(hasTitle('stories/cache.test.ts', 'nobody gets what is somebody else, if'), 'a title that is none is noticed')
})

t.test('links lead somewhere', async (t) => {
  t.ok(checkLinks(t, 'test/THREATS.md') > 80)
  t.ok(checkLinks(t, 'test/README.md') > 12)
})

t.test('test/README.md has a row for each folder', async (t) => {
  const folders = readdirSync(new URL('test', root), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const rows = tablesOf('test/README.md')[0]!.rows.map(([where]) => where)
  for (const { name } of folders) t.ok(name === 'support' || rows.includes(`[${name}](${name})`), name)
})

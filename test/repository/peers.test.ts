/** What the pages say about another package holds for the version that they name, and that a lock file here pins. */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { root } from '../support/root.js'
import { tablesOf } from '../support/tables.js'

const guides = ['README.md', 'coming-from.md', 'testing.md'].map((page) => `example/frameworks/${page}`)
const pages = ['README.md', 'SECURITY.md', 'test/bench/README.md', 'test/compat/README.md', ...guides]
  .filter((page) => existsSync(new URL(page, root)))

interface Lock { packages: Record<string, { version?: string, dependencies?: Record<string, string> }> }

/** Each version of each package that the benchmark or the compatibility tests ask for by name. */
const pinned = new Map<string, Set<string>>()
for (const folder of ['test/bench', 'test/compat']) {
  const { packages } = JSON.parse(readFileSync(new URL(`${folder}/package-lock.json`, root), 'utf8')) as Lock
  for (const name of Object.keys(packages['']!.dependencies!)) {
    const { version } = packages[`node_modules/${name}`]!
    pinned.set(name, (pinned.get(name) ?? new Set()).add(version!))
  }
}

/** A page without the marks around code and links. */
const plain = (text: string) => text.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '')

/** The pinned package that a cell names, in full or without its scope. */
function packageIn(cell: string): string | undefined {
  const name = plain(cell).replace(/ \d+\.\d+\.\d+$/, '')
  return [...pinned.keys()].find((full) => full === name || full.endsWith(`/${name}`))
}

/** The versions that stand behind a package's name, each `1.2.3`. */
function versionsBehind(name: string, text: string): string[] {
  const short = name.replace(/^@[^/]*\//, '')
  const pattern = new RegExp(`(?<![\\w.-])${short.replaceAll('.', '\\.')} (\\d+\\.\\d+\\.\\d+)`, 'g')
  return [...plain(text).matchAll(pattern)].map(([, version]) => version!)
}

for (const page of pages) {
  const text = readFileSync(new URL(page, root), 'utf8')

  t.test(`${page}: a version behind a package's name is a pinned one`, async (t) => {
    for (const [name, versions] of pinned) {
      for (const version of versionsBehind(name, text)) t.ok(versions.has(version), `${name} ${version}`)
    }
  })

  t.test(`${page}: a table that compares us with others names packages whose version the page tells`, async (t) => {
    for (const { header, rows } of tablesOf(page)) {
      const axis = [header, rows.map(([first]) => first!)].find((cells) => cells.includes('this'))
      for (const cell of axis ?? []) {
        // What has a space in it is described, and not named: the floor, bare node:http.
        if (cell === '' || cell === 'this' || /\s(?!\d)/.test(plain(cell))) continue
        const name = packageIn(cell)
        t.ok(name !== undefined && versionsBehind(name, text).length > 0, cell)
      }
    }
  })
}

t.test('the rules notice what is wrong', async (t) => {
  t.equal(packageIn('no-such-package 1.0.0'), undefined)
  t.strictSame(versionsBehind('iron-session', '[`iron-session`](https://a.example) 9.0.1, my-iron-session 1.2.3'), ['9.0.1'])
})

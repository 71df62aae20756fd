// Run by `prepublishOnly`: what a published package has to say of itself, and only its owner can know.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = process.argv[2] ?? join(import.meta.dirname, '..', '..', '..')
const read = (file) => readFileSync(join(root, file), 'utf8')
const manifest = JSON.parse(read('package.json'))

const missing = ['repository', 'bugs', 'homepage'].filter((name) => {
  const value = manifest[name]?.url ?? manifest[name]
  return typeof value !== 'string' || value === ''
}).map((name) => `package.json has no "${name}"`)
const section = `[${manifest.version}]`
if (!read('CHANGELOG.md').includes(`\n## ${section}`)) missing.push(`CHANGELOG.md has no section ${section}`)
// Once it is installed, a link leads to what is packed, or to the repository by its whole address.
for (const page of ['README.md', 'SECURITY.md']) {
  const links = read(page).matchAll(/\]\((?!https:|#|(?:README|SECURITY|CHANGELOG)\.md)([^)]*)/g)
  for (const [, link] of links) missing.push(`${page} links to ${link}, which is not packed`)
}

if (missing.length > 0) {
  console.error(`Not published: ${missing.join('; ')}. CONTRIBUTING.md, "Releasing", says what goes there.`)
  process.exitCode = 1
}

// Run by `prepublishOnly`: what a published package has to say of itself, and only its owner can know.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = process.argv[2] ?? join(import.meta.dirname, '..', '..', '..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')

const missing = ['repository', 'bugs', 'homepage'].filter((name) => {
  const value = manifest[name]?.url ?? manifest[name]
  return typeof value !== 'string' || value === ''
}).map((name) => `package.json has no "${name}"`)
if (!changelog.includes(`\n## [${manifest.version}]`)) missing.push(`CHANGELOG.md has no section [${manifest.version}]`)

if (missing.length > 0) {
  console.error(`Not published: ${missing.join('; ')}. CONTRIBUTING.md, "Releasing", says what goes there.`)
  process.exitCode = 1
}

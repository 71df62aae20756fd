// Run by `prepack`, with what the root package has and nothing else: packs, installs that in an empty folder as a user
// would, and uses it there by import and require and from TypeScript. A package without its code never leaves.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const here = import.meta.dirname
const root = join(here, '..', '..', '..')
const modules = join(root, 'node_modules')
const folder = mkdtempSync(join(tmpdir(), 'seshcookie-http-'))
// What npm was called with reaches the npm that is called here, and must not.
const isInherited = ([name]) => /^npm_config_(?:dry_run|json)$/i.test(name)
const env = Object.fromEntries(Object.entries(process.env).filter((variable) => !isInherited(variable)))

const run = (command, args, cwd = folder) => execFileSync(command, args, { cwd, env, encoding: 'utf8' })
const offline = ['--ignore-scripts', '--offline', '--no-audit', '--no-fund', '--silent']

function expect(what, got, wanted) {
  if (got.trim() !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`)
}

try {
  const tarball = run('npm', ['pack', ...offline, '--pack-destination', folder], root).trim()
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  run('npm', ['install', ...offline, join(folder, tarball)])
  for (const name of ['use.mjs', 'use.cjs', 'consumer.ts']) cpSync(join(here, name), join(folder, name))
  expect('import', run(process.execPath, ['use.mjs']), 'ann, true')
  expect('require', run(process.execPath, ['use.cjs']), 'ann')
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      module: 'nodenext', target: 'es2022', strict: true, skipLibCheck: true, noEmit: true, rootDir: '.',
      types: ['node'], typeRoots: [join(modules, '@types')],
    },
    files: ['consumer.ts'],
  }))
  expect('types', run(process.execPath, [join(modules, 'typescript', 'bin', 'tsc'), '-p', '.']), '')
} catch (error) {
  console.error(`The packed library does not work: ${error.message}\n${error.stdout ?? ''}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}

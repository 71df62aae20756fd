import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { equal, row } from '../report.js'

const here = import.meta.dirname
const root = join(here, '..', '..', '..')
const packed = join(here, '..', 'packed') // what `npm install` of the packed library would make
const library = join(packed, 'node_modules', 'seshcookie-http')
const bin = (name) => join(here, '..', 'node_modules', ...name.split('/'))
const run = promisify(execFile)

/** Runs a program of JavaScript; what it prints is the error's message when it fails. */
async function node(...args) {
  try {
    return (await run(process.execPath, args, { cwd: packed })).stdout.trim()
  } catch ({ stdout, stderr }) {
    throw new Error(`${stdout}${stderr}`.slice(0, 3000))
  }
}

/** Packs the library, and unpacks it where the consumers beside it find it; what npm says of it goes to pack.json. */
export async function unpack() {
  rmSync(packed, { recursive: true, force: true })
  mkdirSync(library, { recursive: true })
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', packed]
  const { stdout } = await run('npm', pack, { cwd: root })
  const json = JSON.parse(stdout)
  const [{ files, size, filename }] = Array.isArray(json) ? json : Object.values(json)
  const paths = files.map(({ path }) => path).sort()
  const tarball = join(packed, filename)
  await run('tar', ['-xzf', tarball, '-C', library, '--strip-components=1'])
  for (const name of readdirSync(here)) cpSync(join(here, name), join(packed, name))
  writeFileSync(join(packed, 'pack.json'), JSON.stringify({ files: paths, size, tarball }))
}

/** What is packed runs here: part of every runtime's suites. */
export async function useRows(suite) {
  await row(suite, 'the packed library', 'import and require are one', async () => {
    equal(await node(...deno, 'use.mjs'), 'ann, true', 'what it printed')
  })
  await row(suite, 'the packed library', 'require from CommonJS', async () => {
    equal(await node(...deno, 'use.cjs'), 'ann', 'what it printed')
  })
}

// Each compiler with each way of finding modules that it has: moduleResolution, and exactOptionalPropertyTypes.
const compilers = [
  ['ts54', ['nodenext', true], ['bundler', false], ['node10', true]],
  ['ts59', ['nodenext', true], ['bundler', false]],
  ['ts6', ['nodenext', false], ['bundler', true], ['node10', false]],
  ['ts7', ['nodenext', true], ['nodenext', false], ['bundler', true], ['bundler', false]],
]

const deno = process.versions.deno ? ['run', '-A'] : []

/** What is packed, looked at: once, since no runtime changes it. */
export async function packagingRows(suite) {
  const { files, size, tarball } = JSON.parse(readFileSync(join(packed, 'pack.json'), 'utf8'))
  await row(suite, 'npm pack', 'holds dist, README and LICENSE, and nothing else', () => {
    equal(files.filter((path) => !/^dist\/[a-z-]+\.(js|d\.ts)$/.test(path)),
      ['LICENSE', 'README.md', 'package.json'], 'files beside dist')
    for (const path of ['dist/index.js', 'dist/index.d.ts']) equal(files.includes(path), true, path)
  })
  await row(suite, 'npm pack', 'is under 34.5 kB', () => {
    if (size >= 37_000) throw new Error(`expected less than 37000 bytes, got ${size}`)
  })
  await row(suite, 'publint', 'strict', async () => {
    const { publint } = await import('publint')
    const { messages } = await publint({ pkgDir: library, strict: true, pack: false })
    equal(messages, [], 'messages')
  })
  // ES modules only: CommonJS gets them through require(esm), and resolution before Node 12 is not served.
  await row(suite, 'arethetypeswrong', 'esm-only', () =>
    node(bin('@arethetypeswrong/cli/dist/index.js'), tarball, '--profile', 'esm-only', '--no-definitely-typed'))

  for (const [typescript, ...rows] of compilers) {
    for (const [moduleResolution, exactOptionalPropertyTypes] of rows) {
      const exact = exactOptionalPropertyTypes ? ', exactOptionalPropertyTypes' : ''
      await row(suite, `types, ${typescript}, ${moduleResolution}${exact}`, 'compile', async () => {
        // The declarations of frameworks ask for a newer compiler, or for exports.
        const frameworks = typescript !== 'ts54' && moduleResolution !== 'node10' ? ['frameworks.ts'] : []
        const deprecations = typescript === 'ts6' && moduleResolution === 'node10' ? { ignoreDeprecations: '6.0' } : {}
        writeFileSync(join(packed, 'tsconfig.json'), JSON.stringify({
          compilerOptions: {
            module: moduleResolution === 'nodenext' ? 'nodenext' : 'esnext', moduleResolution, target: 'es2022',
            strict: true, skipLibCheck: false, exactOptionalPropertyTypes, noUncheckedIndexedAccess: true,
            noPropertyAccessFromIndexSignature: true, types: ['node'], noEmit: true, rootDir: '.',
            esModuleInterop: true, ...deprecations,
            // What @types/koa means by that name; the package of today has other declarations.
            paths: { 'content-disposition': ['../node_modules/@types/content-disposition/index.d.ts'] },
          },
          files: ['consumer.ts', ...frameworks],
        }))
        await node(bin(`${typescript}/bin/tsc`), '-p', 'tsconfig.json')
      })
    }
  }

  for (const format of ['esm', 'cjs']) {
    await row(suite, 'esbuild', `a bundle as ${format} runs`, async () => {
      const { build } = await import('esbuild')
      const outfile = join(packed, format === 'esm' ? 'bundle.mjs' : 'bundle.cjs')
      await build({
        stdin: {
          contents: `import { SessionHandler } from 'seshcookie-http'
            const handler = new SessionHandler(() => {}, new Uint8Array(32))
            console.log(handler.decodeCookie(handler.encodeCookie({ user: 'ann' })).user)`,
          resolveDir: packed,
        },
        bundle: true, minify: true, platform: 'node', format, outfile,
      })
      equal(await node(outfile), 'ann', 'what it printed')
    })
  }
}

/** What `npm pack` and `npm publish` do by themselves. */
export async function releaseRows(suite) {
  const copy = join(packed, 'checkout') // what is tracked, or soon will be; the tools are those at hand
  await row(suite, 'npm pack in a clean checkout', 'builds, and has the code', async () => {
    const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
    rmSync(copy, { recursive: true, force: true })
    for (const path of stdout.split('\0').filter((path) => path !== '' && existsSync(join(root, path)))) {
      cpSync(join(root, path), join(copy, path), { preserveTimestamps: true })
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    await run('npm', ['pack', '--pack-destination', copy], { cwd: copy })
    const [tarball] = readdirSync(copy).filter((name) => name.endsWith('.tgz'))
    const files = (await run('tar', ['-tzf', join(copy, tarball)])).stdout.trim().split('\n')
    for (const path of ['dist/index.js', 'dist/index.d.ts']) equal(files.includes(`package/${path}`), true, path)
  })
  const publish = async (manifest, changelog) => {
    const folder = join(packed, 'publish')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'CHANGELOG.md'), changelog)
    return node(join(here, 'publishable.js'), folder).then(() => 'published', ({ message }) => message)
  }
  await row(suite, 'npm publish', 'is refused without an owner, and without a section of the changelog', async () => {
    const repository = { type: 'git', url: 'git+https://example.com' }
    const whole = { version: '1.2.3', repository, bugs: 'https://example.com', homepage: 'https://example.com' }
    const changelog = '# Changelog\n\n## [1.2.3] - 2027-01-01\n'
    equal(await publish(whole, changelog), 'published', 'with all of them')
    for (const name of ['repository', 'bugs', 'homepage']) {
      const refused = await publish({ ...whole, [name]: undefined }, changelog)
      equal(refused.includes(`package.json has no "${name}".`), true, refused)
    }
    const refused = await publish(whole, '# Changelog\n\n## [Unreleased]\n')
    equal(refused.includes('CHANGELOG.md has no section [1.2.3].'), true, refused)
  })
  await row(suite, 'npm publish', 'asks that, and packs what it tested', () => {
    const { prepack, prepublishOnly } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts
    const last = [prepack, prepublishOnly].map((script) => /[\w-]+\.js$/.exec(script)?.[0])
    equal(last, ['tarball.js', 'publishable.js'], 'scripts')
  })
}

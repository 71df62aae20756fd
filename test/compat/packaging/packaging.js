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

/** Packs the library, and unpacks it where the consumers beside it find it. */
export async function unpack() {
  rmSync(packed, { recursive: true, force: true })
  mkdirSync(library, { recursive: true })
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--pack-destination', packed], { cwd: root })
  await run('tar', ['-xzf', join(packed, stdout.trim()), '-C', library, '--strip-components=1'])
  for (const name of readdirSync(here)) cpSync(join(here, name), join(packed, name))
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

async function compile(typescript, files, options) {
  const common = { target: 'es2022', strict: true, skipLibCheck: false, noEmit: true, rootDir: '.' }
  writeFileSync(join(packed, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...common, ...options }, files }))
  await node(bin(`${typescript}/bin/tsc`), '-p', 'tsconfig.json')
}

/** What is packed, looked at: once, since no runtime changes it. */
export async function packagingRows(suite) {
  const [tarball] = readdirSync(packed).filter((name) => name.endsWith('.tgz'))
  await row(suite, 'publint', 'strict', async () => {
    const { publint } = await import('publint')
    const { messages } = await publint({ pkgDir: library, strict: true, pack: false })
    equal(messages, [], 'messages')
  })
  // ES modules only: CommonJS gets them through require(esm), and resolution before Node 12 is not served.
  await row(suite, 'arethetypeswrong', 'esm-only', () =>
    node(bin('@arethetypeswrong/cli/dist/index.js'), join(packed, tarball), '--profile', 'esm-only', '--no-definitely-typed'))

  for (const [typescript, ...rows] of compilers) {
    for (const [moduleResolution, exactOptionalPropertyTypes] of rows) {
      const exact = exactOptionalPropertyTypes ? ', exactOptionalPropertyTypes' : ''
      await row(suite, `types, ${typescript}, ${moduleResolution}${exact}`, 'compile', async () => {
        const deprecations = typescript === 'ts6' && moduleResolution === 'node10' ? { ignoreDeprecations: '6.0' } : {}
        await compile(typescript, ['consumer.ts'], {
          module: moduleResolution === 'nodenext' ? 'nodenext' : 'esnext', moduleResolution, types: ['node'],
          exactOptionalPropertyTypes, noUncheckedIndexedAccess: true, noPropertyAccessFromIndexSignature: true,
          esModuleInterop: true, ...deprecations,
        })
      })
    }
  }
  await row(suite, 'types, ts6', 'ask for those of Node', async () => {
    writeFileSync(join(packed, 'untyped.ts'), "import 'seshcookie-http'\n")
    const said = (types) => compile('ts6', ['untyped.ts'], { module: 'nodenext', types }).then(() => 'nothing', String)
    const [without, given] = [await said([]), await said(['node'])]
    equal([/TS2591|TS2307|TS2580/.test(without), given], [true, 'nothing'], without)
  })

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
  const publish = async (manifest, changelog, readme = '[a](SECURITY.md#b), [c](https://example.com), [d](#d)') => {
    const folder = join(packed, 'publish')
    mkdirSync(folder, { recursive: true })
    const files = { 'CHANGELOG.md': changelog, 'README.md': readme, 'SECURITY.md': '' }
    for (const [name, text] of Object.entries({ ...files, 'package.json': JSON.stringify(manifest) })) {
      writeFileSync(join(folder, name), text)
    }
    return node(join(here, 'publishable.js'), folder).then(() => 'published', ({ message }) => message)
  }
  await row(suite, 'npm publish', 'is refused without an owner, a section of the changelog, whole links', async () => {
    const repository = { type: 'git', url: 'git+https://example.com' }
    const whole = { version: '1.2.3', repository, bugs: 'https://example.com', homepage: 'https://example.com' }
    const changelog = '# Changelog\n\n## [1.2.3] - 2027-01-01\n'
    equal(await publish(whole, changelog), 'published', 'with all of them')
    for (const name of ['repository', 'bugs', 'homepage']) {
      const refused = await publish({ ...whole, [name]: undefined }, changelog)
      equal(refused.includes(`package.json has no "${name}".`), true, refused)
    }
    for (const [said, ...pages] of [
      ['CHANGELOG.md has no section [1.2.3].', '# Changelog\n\n## [Unreleased]\n'],
      ['README.md links to test/README.md, which is not packed.', changelog, '[tests](test/README.md)'],
    ]) {
      const refused = await publish(whole, ...pages)
      equal(refused.includes(said), true, refused)
    }
  })
  await row(suite, 'npm publish', 'asks that, and packs what it tested', () => {
    const { prepack, prepublishOnly } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts
    const last = [prepack, prepublishOnly].map((script) => /[\w-]+\.js$/.exec(script)?.[0])
    equal(last, ['tarball.js', 'publishable.js'], 'scripts')
  })
}

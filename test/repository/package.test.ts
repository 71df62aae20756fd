import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { root } from '../support/root.js'

const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const manifest = JSON.parse(read('package.json')) as Record<string, unknown> & Record<string, Record<string, unknown>>
const sources = readdirSync(new URL('lib', root)).filter((file) => file.endsWith('.ts')).toSorted()

interface Packed {
  size: number
  unpackedSize: number
  files: { path: string, size: number }[]
  bundled: unknown[]
}

// What npm would publish: nothing is written, nothing runs, and no registry is asked.
const [packed] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], {
  cwd: fileURLToPath(root),
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
})) as [Packed]

/** A declaration file, and all that it leads to. */
function declarationsFrom(path: string, found: string[] = []): string[] {
  if (found.includes(path)) return found
  found.push(path)
  for (const [, name] of read(path).matchAll(/\bfrom '\.\/(.*?)\.js'/g)) declarationsFrom(`dist/${name}.d.ts`, found)
  return found
}

t.test('what is packed', async (t) => {
  const paths = packed.files.map(({ path }) => path)

  t.test('is JavaScript, declarations, the pages for users, the licence and the manifest', async (t) => {
    const scripts = sources.map((file) => `dist/${file.replace(/\.ts$/, '.js')}`)
    const declarations = declarationsFrom('dist/index.d.ts')
    t.ok(declarations.includes('dist/types.d.ts'))
    const others = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json']
    t.strictSame(paths.toSorted(), [...others, ...scripts, ...declarations].toSorted())
  })

  t.test('is small', async (t) => {
    t.ok(packed.size < 42_000, `${packed.size} bytes packed`)
  })

  t.test('brings no other package along', async (t) => {
    t.strictSame(packed.bundled, [])
  })
})

t.test('the manifest', async (t) => {
  t.test('has three development dependencies, and no other', async (t) => {
    t.strictSame(Object.keys(manifest['devDependencies']!).toSorted(), ['@types/node', 'tap', 'typescript'])
    const others = Object.keys(manifest).filter((name) => /dependenc|overrides|workspaces|bundle/i.test(name))
    t.strictSame(others, ['devDependencies'])
  })

  t.test('runs nothing when it is installed', async (t) => {
    // Those with pre and post run where the package is made, and not where it is installed.
    t.strictSame(Object.keys(manifest['scripts']!).toSorted(), ['prepack', 'prepublishOnly', 'test'])
    t.notOk('gypfile' in manifest || 'bin' in manifest)
  })

  t.test('says what the library is', async (t) => {
    t.match(manifest, { name: 'seshcookie-http', type: 'module', license: 'MIT', engines: { node: '>=20.19' } })
    t.strictSame(manifest['exports'], {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json',
    })
    // For TypeScript's older moduleResolution, which does not know exports.
    t.match(manifest, { main: './dist/index.js', types: './dist/index.d.ts' })
    t.match(read('LICENSE'), /^MIT License\n/)
  })

  t.test('and its lock file agree, and nobody else has a part in what is installed with it', async (t) => {
    const lock = JSON.parse(read('package-lock.json')) as
      { packages: Record<string, { dev?: boolean, devOptional?: boolean, version?: string, resolved?: string }> }
    const { '': own, ...others } = lock.packages
    t.equal(own!.version, manifest['version'])
    t.strictSame(Object.entries(others).filter(([, { dev, devOptional }]) => !dev && !devOptional), [])
    t.strictSame(Object.values(others).filter(({ resolved }) => resolved !== undefined), [])
  })
})

/** Without comments. None of these files has `//` or a comment's start in a string or a regular expression. */
const code = (path: string) => read(path).replace(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')

const forbidden: [what: string, pattern: RegExp][] = [
  ['eval', /\beval\b/],
  ['new Function', /\bFunction\s*\(/],
  ['console', /\bconsole\b/],
  ['output of its own', /\bprocess\.(?:stdout|stderr|_rawDebug)\b/],
  ['an exit', /\bprocess\.(?:exit|abort|kill)\b/],
  ['the environment', /\bprocess\.env\b/],
  ['a dynamic import', /\bimport\s*\(/],
  ['require', /\brequire\b/],
  ['a timer', /\bset(?:Timeout|Interval|Immediate)\b/],
  ['weak randomness', /\bMath\.random\b/],
  ['a debugger statement', /\bdebugger\b/],
]

t.test('dist', async (t) => {
  const files = readdirSync(new URL('dist', root)).filter((file) => file.endsWith('.js')).toSorted()
  t.strictSame(files, sources.map((file) => file.replace(/\.ts$/, '.js')), 'is lib, built')

  for (const file of files) {
    t.test(`${file} imports its neighbours and four modules of Node`, async (t) => {
      const source = read(`dist/${file}`)
      const froms = [...source.matchAll(/\b(?:from|import)\s*\(?\s*(['"])(.*?)\1/g)].map((match) => match[2]!)
      const builtin = ['node:crypto', 'node:http', 'node:util', 'node:buffer']
      const allowed = new Set([...builtin, ...files.map((name) => `./${name}`)])
      t.strictSame(froms.filter((from) => !allowed.has(from)), [])
      t.ok([...source.matchAll(/^import\b/gm)].length <= froms.length, 'each import was looked at')
      t.notMatch(source, /\bgetBuiltinModule\b|\bprocess\.binding\b|\bcreateRequire\b/)
    })
  }

  t.test('exports the public names, and no more', async (t) => {
    const built = await import(new URL('dist/index.js', root).href) as Record<string, unknown>
    t.strictSame(Object.keys(built).toSorted(), [
      'ExpiredError', 'FormatError', 'HashError', 'LateChangeError', 'LenError', 'NoSessionError', 'RequestSessions',
      'Session', 'SessionHandler', 'SeshcookieError', 'SizeError', 'ValueError',
    ].toSorted())
  })
})

t.test('lib', async (t) => {
  for (const file of sources) {
    t.test(`${file} uses nothing it should not`, async (t) => {
      for (const [what, pattern] of forbidden) {
        // Both watch for late changes, and the second one only for NODE_DEBUG.
        if (what === 'a timer' && ['request-state.ts', 'debug.ts'].includes(file)) continue
        t.notMatch(code(`lib/${file}`), pattern, what)
      }
    })
  }

  const all = sources.map((file) => [file, code(`lib/${file}`)] as const)
  const uses = (pattern: RegExp) =>
    all.flatMap(([file, source]) => [...source.matchAll(pattern)].map(() => file))

  t.test('compares tags at one place, in constant time', async (t) => {
    t.strictSame(uses(/\btimingSafeEqual\s*\(/g), ['codec.ts'])
    t.strictSame(uses(/\btimingSafeEqual\b/g), ['codec.ts', 'codec.ts'], 'the import and the call')
    t.strictSame(uses(/\.(?:equals|compare|indexOf)\s*\([^)]*\b(?:tag|expected|mac|digest)\b/gi), [])
    t.strictSame(uses(/(?:\btag\b|tag\(.*\)|digest\(.*\))\s*[!=]==?/g), [])
    t.strictSame(uses(/[!=]==?\s*(?:this\.#)?(?:tag|digest)\b/g), [])
  })

  t.test('makes HMACs, ciphers and random bytes in the codec, and keys where keys are made', async (t) => {
    // Each call with the word that it begins with, where that is written out.
    const calls = all.flatMap(([file, source]) =>
      [...source.matchAll(/(?<![.\w])(?:create(?!Server)|random|scrypt|hkdf)\w+\((?:'[^']*')?/g)].map(([call]) => `${file}: ${call}`))
    t.strictSame([...new Set(calls)], [
      "codec.ts: createCipheriv('aes-256-ctr'",
      "codec.ts: createDecipheriv('aes-256-ctr'",
      'codec.ts: randomBytes(',
      "codec.ts: createHmac('sha256'",
      "keys.ts: hkdfSync('sha256'",
      'keys.ts: createSecretKey(',
      'keys.ts: scryptSync(',
    ])
    t.strictSame(uses(/\bcreateHash\b|\bsubtle\b|\bwebcrypto\b|['"](?:md5|sha1)['"]/gi), [])
    t.strictSame(sources.filter((file) => /ecb/i.test(read(`lib/${file}`))), [], 'and no block cipher by itself')
  })

  t.test('keeps its secrets in #private fields', async (t) => {
    t.strictSame(uses(/\bprivate\s+\w|\bprotected\s+\w|\bthis\._/g), [])
    t.strictSame(uses(/\benum\b|\bnamespace\b/g), [])
  })
})

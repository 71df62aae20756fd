import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { RequestSessions } from '../../lib/index.js'
import { checkLinks, root } from '../support/links.js'
import { ask, type Answer } from '../support/client.js'

const readme = readFileSync(new URL('README.md', root), 'utf8')

interface Block { heading: string, language: string, code: string }

const blocks: Block[] = readme.split(/^## /m).flatMap((section) => {
  const heading = section.split('\n', 1)[0]!
  return [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code]) => ({ heading, language: language!, code: code! }))
})

const key = 'the key of a test, at least 32 bytes long'
const folder = new URL('build/readme/', root) // within the package, so that it can be imported by its name
mkdirSync(folder, { recursive: true })

/** Runs a block as it stands, on a free port. */
async function run(t: Test, { heading, code }: Block): Promise<{ origin: string, exit: Promise<number> }> {
  const file = new URL(`${heading.replace(/\W+/g, '-')}.mjs`, folder)
  writeFileSync(file, code)
  const anyPort = new URL('../support/any-port.js', import.meta.url).href
  const child = spawn(process.execPath, ['--import', anyPort, file.pathname],
    { env: { ...process.env, SESSION_KEY: key }, stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = once(child, 'exit').then(([status]) => status as number)
  t.teardown(() => child.kill())
  const origin = await new Promise<string>((resolve, reject) => {
    let output = ''
    child.stderr.on('data', (chunk) => { output += chunk })
    child.stdout.on('data', (chunk) => {
      output += chunk
      const found = /listening on (\d+)/.exec(output)
      if (found) resolve(`http://127.0.0.1:${found[1]}`)
    })
    void exit.then((status) => reject(new Error(`ended with ${status} before it listened: ${output}`)))
  })
  return { origin, exit }
}

const cookieOf = (answer: Answer) => answer.all('set-cookie')[0]!.split(';')[0]!

/** What a reader would see, by heading. */
const checks: Record<string, (t: Test, block: Block) => Promise<void>> = {
  async Stacking(t, block) {
    const { origin } = await run(t, block)
    t.equal((await ask(origin, '/')).status, 403)
    const login = await ask(origin, '/login', {}, 'POST')
    t.equal(login.status, 303)
    t.equal((await ask(origin, '/', { cookie: cookieOf(login) })).body, 'hello gopher\n')
    t.equal(cookieOf(await ask(origin, '/logout', { cookie: cookieOf(login) }, 'POST')), 'session=')
  },
  async Options(t, block) {
    if (block.language === 'ts') {
      t.strictSame(compile(block.code), [])
      return
    }
    const { origin } = await run(t, block)
    t.match((await ask(origin, '/')).all('set-cookie')[0], /^__Host-session=[^;]+; Max-Age=86400; Path=\/; Secure; HttpOnly; SameSite=Lax$/)
  },
  async 'Log out everywhere'(t, block) {
    const { origin } = await run(t, block)
    const [one, other] = [cookieOf(await ask(origin, '/login', {}, 'POST')), cookieOf(await ask(origin, '/login', {}, 'POST'))]
    t.equal((await ask(origin, '/', { cookie: other })).body, 'gopher')
    t.equal(cookieOf(await ask(origin, '/logout-everywhere', { cookie: one }, 'POST')), 'session=')
    t.equal((await ask(origin, '/', { cookie: other })).body, 'nobody')
  },
  async 'Testing your own handlers'(t, block) {
    const { exit } = await run(t, block)
    t.equal(await exit, 0)
  },
}

/** The errors of a TypeScript block. */
function compile(code: string): string[] {
  const file = new URL('block.mts', folder).pathname
  writeFileSync(file, code)
  const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, strict: true, noEmit: true, types: ['node'] }
  return ts.getPreEmitDiagnostics(ts.createProgram([file], options))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

for (const [index, block] of blocks.entries()) {
  const { heading, language, code } = block
  // Blocks with frameworks are run where these are installed: in test/compat.
  const needs = [...code.matchAll(/from '([^']+)'/g)].map(([, name]) => name!).filter((name) => !/^node:|^seshcookie-http$/.test(name))
  if (language === 'sh' || needs.length > 0 || heading === 'A first example') continue
  t.test(`block ${index + 1}, ${heading}`, async (t) => {
    t.ok(checks[heading], 'something checks it')
    await checks[heading]?.(t, block)
  })
}

t.test('the first example is example/visited.ts', async (t) => {
  t.equal(blocks.find(({ heading }) => heading === 'A first example')?.code, readFileSync(new URL('example/visited.ts', root), 'utf8'))
})

t.test('the commands', async (t) => {
  const makefile = readFileSync(new URL('Makefile', root), 'utf8')
  const { name, version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  for (const { code, language } of blocks) {
    if (language !== 'sh') continue
    for (const [, target] of code.matchAll(/^make (\w+)/gm)) t.match(makefile, new RegExp(`^${target}:`, 'm'), `make ${target}`)
    for (const [, file] of code.matchAll(/npm install \S+\/(\S+\.tgz)/g)) t.equal(file, `${name}-${version}.tgz`)
    for (const [, script] of code.matchAll(/^node -p "(.*)"$/gm)) {
      t.match(spawnSync(process.execPath, ['-p', script!], { encoding: 'utf8' }).stdout, /^[\w-]{43}\n$/)
    }
  }
})

t.test('the options and their defaults', async (t) => {
  const section = readme.split(/^## Options$/m)[1]!.split(/^## /m)[0]!
  const rows = [...section.matchAll(/^\| `(\w+)` \| (\S+) \|/gm)].map(([, name, value]) => [name!, value!] as const)
  const sessions = new RequestSessions()
  const shown = (value: unknown) => value === undefined ? 'none' : typeof value === 'string' ? `\`'${value}'\`` : `\`${value}\``
  const names = Object.keys(Object.getOwnPropertyDescriptors(RequestSessions.prototype))
    .filter((name) => !['constructor', 'get', 'has', 'set', 'clear', 'info'].includes(name))
  t.strictSame(rows.map(([name]) => name), names)
  for (const [name, value] of rows) t.equal(value, shown(sessions[name as keyof RequestSessions]), name)
})

t.test('links lead somewhere', async (t) => {
  checkLinks(t, 'README.md')
})

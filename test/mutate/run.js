/**
 * Breaks lib/ in one way after another, in copies of the repository, and shows that the tests notice each:
 *
 *     node test/mutate/run.js [--list | --check] [--only NAME|FILE]
 *
 * A mutant is killed by a test that fails by an assertion, by an error that the library made or by a time-out. One
 * that is no program (see honest.js) is refused before any test runs; `--check` does only that. Prints a line for each
 * mutant, and closes with `N passed, N failed`; a survivor has failed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compile, createJudge, firstFailure } from './honest.js'
import { mutants } from './mutants.js'
import { blind, nearest } from './nearest.js'
import { refused } from './refused.js'

const { values: options } = parseArgs({
  options: { check: { type: 'boolean' }, list: { type: 'boolean' }, only: { type: 'string' } },
})
const root = fileURLToPath(new URL('../..', import.meta.url))
const workers = 2
const passing = new Map() // whether a test file passes on the library as it is
const timeout = 60_000 // milliseconds, for one test file; one that loops would hear no signal but SIGKILL

const chosen = mutants.filter(({ name, file }) => [undefined, name, file].includes(options.only))
if (chosen.length === 0) throw new Error(`no mutant is called ${options.only}`)
if (options.list) {
  for (const { name, file } of chosen) console.log(`${file.padEnd(18)} ${name}`)
} else {
  const wrong = await checkAll()
  for (const line of wrong) console.log(`not ok ${line}`)
  if (options.check || wrong.length > 0) {
    // Better no run than one whose figures count mutants that prove nothing.
    console.log(`${chosen.length + refused.length - wrong.length} passed, ${wrong.length} failed`)
    process.exitCode = wrong.length > 0 ? 1 : 0
  } else {
    await runAll()
  }
}

/** What is wrong with the mutants as such, and whether what has to be refused is. */
async function checkAll() {
  const judge = createJudge(root)
  const names = new Set()
  const wrong = []
  for (const mutant of [...chosen, ...refused]) {
    const { name, file, from, to, because } = mutant
    const complain = (what) => wrong.push(`${file}, ${name}: ${what}`)
    const source = existsSync(join(root, 'lib', file)) ? readFileSync(join(root, 'lib', file), 'utf8') : ''
    const found = source.split(from).length - 1
    if (names.has(`${file} ${name}`)) complain('two are called so')
    else if (found !== 1) complain(`its text is ${found} times in lib/${file}, not once`)
    else if (from === to) complain('changes nothing')
    else {
      const reason = await judge.judge(file, source.split(from).join(to))
      if (because === undefined && reason !== undefined) complain(reason)
      if (because !== undefined && !reason?.startsWith(because)) complain(`has to be refused: ${because}; got ${reason}`)
    }
    names.add(`${file} ${name}`)
  }
  judge.close()
  return wrong
}

async function runAll() {
  const { status } = spawnSync('make', ['compiled/done'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error('the tests cannot be compiled')
  const queue = [...chosen]
  const counts = { 'assertion': 0, 'error': 0, 'time-out': 0, 'survived': 0 }
  await Promise.all(Array.from({ length: Math.min(workers, queue.length) }, async () => {
    const copy = copyOfRepository()
    try {
      for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
        const { kind, text } = await killerOf(mutant, copy)
        counts[kind]++
        console.log(`${mutant.file.padEnd(18)} ${mutant.name}: ${kind === 'survived' ? 'SURVIVED' : `killed by ${text}`}`)
      }
    } finally {
      rmSync(copy, { recursive: true })
    }
  }))
  const { survived, ...kills } = counts
  const killed = chosen.length - survived
  console.log(`On ${new Date().toISOString().slice(0, 10)}, of the library as of ${commit()}, ${killed} of ${chosen.length} were ` +
    `noticed: ${Object.entries(kills).map(([kind, count]) => `${count} by an ${kind}`).join(', ').replace('an time', 'a time')}.`)
  console.log(`${killed} passed, ${survived} failed`)
  process.exitCode = survived > 0 || [...passing.values()].includes(false) ? 1 : 0
}

function commit() {
  const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout ?? ''
  const hash = git('rev-parse', '--short', 'HEAD').trim()
  if (hash === '') return 'no commit'
  return `commit ${hash}${git('status', '--porcelain', 'lib', 'test') === '' ? '' : ' with changes that are not committed'}`
}

/** All that the tests need, less what belongs to other commands. */
function copyOfRepository() {
  const copy = mkdtempSync(join(tmpdir(), 'seshcookie-mutate-'))
  const others = ['bench', 'browser', 'compat', 'mutate', 'replicas'].map((folder) => join(root, 'test', folder))
  for (const name of readdirSync(root)) {
    if (['.git', '.tap', 'node_modules'].includes(name)) continue
    cpSync(join(root, name), join(copy, name), { recursive: true, filter: (path) => !others.includes(path) })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** How a mutant is noticed: the nearest files first, then all others. */
async function killerOf(mutant, copy) {
  const file = join(copy, 'lib', mutant.file)
  const source = readFileSync(file, 'utf8')
  const write = (text) => {
    writeFileSync(file, text) // for the tests that read it
    writeFileSync(join(copy, 'compiled/lib', mutant.file.replace(/ts$/, 'js')), compile(mutant.file, text))
  }
  const all = readdirSync(join(copy, 'test'), { recursive: true })
    .filter((name) => name.endsWith('.test.ts') && !blind.includes(name)).sort()
  const own = `lib/${mutant.file.replace(/ts$/, 'test.ts')}`
  const near = [...mutant.tests ?? [], ...nearest[mutant.file] ?? [own]].filter((test) => all.includes(test))
  for (const test of new Set([...near, ...all])) {
    write(source.split(mutant.from).join(mutant.to))
    const failure = await failureOf(test, copy)
    write(source)
    if (failure !== undefined && await passesOtherwise(test, copy)) return { ...failure, text: `${test}: ${failure.text}` }
  }
  return { kind: 'survived' }
}

/** Whether a test file passes on the library as it is: one that fails then, too, kills nothing. */
async function passesOtherwise(test, copy) {
  if (!passing.has(test)) {
    const { code, failure } = await runTest(test, copy, true)
    passing.set(test, code === 0)
    if (code !== 0) console.log(`${test} FAILS WITHOUT A MUTANT: ${failure?.text ?? `ended with ${code}`}`)
  }
  return passing.get(test)
}

/** What fails first in a test file and proves something, or undefined. */
async function failureOf(test, copy) {
  const first = await runTest(test, copy, true)
  if (first.code === 0) return undefined
  if (first.failure !== undefined && first.failure.kind !== 'engine') return first.failure
  // The engine's own errors prove nothing, and may hide an assertion that would fail after them; a run that ended at
  // its first failure may have left it out of what it said.
  return (await runTest(test, copy, false)).failure
}

/** Runs a test file as `make test` does, to its first failure or to its end. */
async function runTest(test, copy, bail) {
  const env = { ...process.env, SEED: '1', TAP_BAIL: bail ? '1' : '0', TAP_TIMEOUT: timeout / 1000 }
  const stdio = ['ignore', 'pipe', 'ignore']
  const child = spawn(process.execPath, [join('compiled/test', test.replace(/ts$/, 'js'))],
    { cwd: copy, env, stdio, timeout, killSignal: 'SIGKILL' })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => { said += chunk })
  const [code, signal] = await once(child, 'close')
  if (code === 0) return { code }
  const failure = firstFailure(said, (kind) => bail || kind !== 'engine')
  if (failure !== undefined) return { code, failure }
  return { code, failure: signal === 'SIGKILL' ? { kind: 'time-out', text: `no end within ${timeout / 1000} s` } : undefined }
}

/**
 * Breaks lib/ in one way after another, in copies of the repository, and shows that the tests notice each:
 *
 *     node test/mutate/run.js [--list] [--only NAME|FILE]
 *
 * Prints a line for each mutant, and closes with `N passed, N failed`; a survivor has failed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { mutants } from './mutants.js'
import { blind, nearest } from './nearest.js'

const { values: options } = parseArgs({ options: { list: { type: 'boolean' }, only: { type: 'string' } } })
const root = fileURLToPath(new URL('../..', import.meta.url))
const workers = 2
const passing = new Map() // whether a test file passes on the library as it is
const timeout = 60_000 // milliseconds, for one test file; one that loops would hear no signal but SIGKILL

const chosen = mutants.filter(({ name, file }) => [undefined, name, file].includes(options.only))
if (chosen.length === 0) throw new Error(`no mutant is called ${options.only}`)
checkAll()
if (options.list) {
  for (const { name, file } of chosen) console.log(`${file.padEnd(18)} ${name}`)
} else {
  await runAll()
}

/** A mutant whose text is no longer there, or there twice, proves nothing: better no run than such a one. */
function checkAll() {
  const names = new Set()
  const wrong = mutants.flatMap(({ name, file, from, to }) => {
    const found = readFileSync(join(root, 'lib', file), 'utf8').split(from).length - 1
    if (names.has(name)) return `${name}: two are called so`
    names.add(name)
    if (found !== 1) return `${name}: its text is ${found} times in lib/${file}, not once`
    return from === to ? `${name}: changes nothing` : []
  })
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
}

async function runAll() {
  const queue = [...chosen]
  const counts = { passed: 0, failed: 0 }
  await Promise.all(Array.from({ length: Math.min(workers, queue.length) }, async () => {
    const copy = copyOfRepository()
    try {
      for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
        const killer = await killerOf(mutant, copy)
        counts[killer === undefined ? 'failed' : 'passed']++
        console.log(`${mutant.file.padEnd(18)} ${mutant.name}: ${killer === undefined ? 'SURVIVED' : `killed by ${killer}`}`)
      }
    } finally {
      rmSync(copy, { recursive: true })
    }
  }))
  console.log(`${counts.passed} passed, ${counts.failed} failed`)
  process.exitCode = counts.failed > 0 || [...passing.values()].includes(false) ? 1 : 0
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

/** The first test that fails on a mutant, or undefined: the nearest files first, then all others. */
async function killerOf(mutant, copy) {
  const file = join(copy, 'lib', mutant.file)
  const source = readFileSync(file, 'utf8')
  const near = [...mutant.tests ?? [], ...nearest[mutant.file]]
  const all = readdirSync(join(copy, 'test'), { recursive: true })
    .filter((name) => name.endsWith('.test.ts') && !blind.includes(name)).sort()
  for (const test of new Set([...near, ...all])) {
    writeFileSync(file, source.split(mutant.from).join(mutant.to))
    const failure = await failureOf(test, copy)
    writeFileSync(file, source)
    if (failure !== undefined && await passesOtherwise(test, copy)) return `${test}: ${failure}`
  }
  return undefined
}

/** Whether a test file passes on the library as it is: one that fails then, too, kills nothing. */
async function passesOtherwise(test, copy) {
  if (!passing.has(test)) {
    const failure = await failureOf(test, copy)
    passing.set(test, failure === undefined)
    if (failure !== undefined) console.log(`${test} FAILS WITHOUT A MUTANT: ${failure}`)
  }
  return passing.get(test)
}

/** What fails first in a test file, or undefined. Run as tap runs it, less the wait for tap itself. */
async function failureOf(test, copy) {
  const loader = pathToFileURL(join(root, 'node_modules/@tapjs/typescript/dist/esm/import.mjs')).href
  const env = { ...process.env, TS_NODE_TRANSPILE_ONLY: '1', TAP_BAIL: '1', TAP_TIMEOUT: timeout / 1000 }
  const stdio = ['ignore', 'pipe', 'ignore']
  const child = spawn(process.execPath, ['--import', loader, join('test', test)],
    { cwd: copy, env, stdio, timeout, killSignal: 'SIGKILL' })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => { said += chunk })
  const [code, signal] = await once(child, 'close')
  if (code === 0) return undefined
  if (signal !== null) return `no end within ${timeout / 1000} s`
  const [before, rest] = said.split(/^ *not ok \d+ - /m)
  if (rest === undefined) return `ended with ${code}`
  const subtest = /.*^ *# Subtest: (.*?)$/ms.exec(before)?.[1]
  const assertion = /.*/.exec(rest)[0].replace(/ # time=.*/, '')
  return subtest === undefined ? assertion : `${subtest}: ${assertion}`
}

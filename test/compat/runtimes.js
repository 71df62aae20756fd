// All suites on all runtimes: node runtimes.js [runtime …] [--suites=a,b]
// The runtime `here` is the Node that runs this; it is the only one where the others, for Linux on x64, don't run.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unpack } from './packaging/packaging.js'
import { suites } from './suites.js'

const folder = import.meta.dirname
const installed = (...path) => join(folder, 'runtimes', 'node_modules', ...path)

// Their versions are pinned in runtimes/package-lock.json.
const runtimes = {
  node20: [installed('node20', 'bin', 'node')],
  node22: [installed('node22', 'bin', 'node')],
  node24: [installed('node24', 'bin', 'node')],
  node26: [installed('node26', 'bin', 'node')],
  bun: [installed('bun', 'bin', 'bun')],
  deno: [installed('deno', 'deno'), 'run', '-A'],
  here: [process.execPath],
}

const limit = 300_000 // milliseconds, after which a suite that hangs is ended

// Deno 2.9 breaks in one run of some twenty, in an assertion of its own HTTP/2. It is started again then, which is
// printed, with whether its rows had all run; what breaks each time fails, whatever its rows said, and so does any
// other runtime that breaks once.
const crashes = ['SIGABRT', 'SIGSEGV']
const starts = { deno: 3 }
const temporary = mkdtempSync(join(tmpdir(), 'compat-'))
const environment = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1', FORCE_COLOR: undefined }

const args = process.argv.slice(2)
const named = args.filter((arg) => !arg.startsWith('--'))
const others = process.platform === 'linux' && process.arch === 'x64'
const wanted = named.length > 0 ? named : Object.keys(runtimes).filter((name) => (name !== 'here') === others)
const only = args.find((arg) => arg.startsWith('--suites='))?.slice('--suites='.length).split(',')
const names = only ?? Object.keys(suites)

if (wanted.some((name) => name !== 'here')) prepare('npm', ['ci', '--ignore-scripts'], join(folder, 'runtimes'))
if (names.includes('next')) prepare(join(folder, 'node_modules', '.bin', 'next'), ['build', 'frameworks/next'], folder)
await unpack()

// What is packed is looked at once, and the pages' blocks are run once: what they use, other suites run everywhere.
const once = ['guides', 'testing', 'packaging', 'release']
const jobs = wanted.flatMap((runtime) => names.filter((suite) => !once.includes(suite))
  .map((suite) => ({ runtime, suite })))
jobs.push(...once.filter((suite) => names.includes(suite)).map((suite) => ({ runtime: 'here', suite })))
const waiting = [...jobs]
// Two at a time; what one prints stays together.
await Promise.all([1, 2].map(async () => {
  for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await run(job)
}))
rmSync(temporary, { recursive: true })
report()

function prepare(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env: environment })
  if (status === 0) return
  console.log(`${stdout}${stderr}\n${command} ${args.join(' ')} failed`)
  process.exit(1)
}

async function run(job) {
  job.seconds = 0
  const most = starts[job.runtime] ?? 1
  for (let start = 1; start <= most; start++) {
    const { signal, complete } = await runOnce(job)
    if (!crashes.includes(signal)) break
    const when = complete ? 'after its last row' : 'before its last row'
    console.log(`${job.runtime}, ${job.suite}: the runtime broke ${when} (${signal}), start ${start} of at most ${most}`)
  }
  if (job.results.failures.length > 0) console.log(`${job.runtime}, ${job.suite}\n${job.output}`)
}

/** Runs a suite, and gives the signal that ended it, and whether it had written the results of all rows by then. */
function runOnce(job) {
  const results = join(temporary, `${job.runtime}-${job.suite}.json`)
  const [command, ...first] = runtimes[job.runtime]
  const started = performance.now()
  rmSync(results, { force: true })
  return new Promise((resolve) => {
    const options = { cwd: folder, env: environment, timeout: limit, killSignal: 'SIGKILL' }
    const child = spawn(command, [...first, 'main.js', job.suite, `--results=${results}`], options)
    job.output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => { job.output += part })
    child.on('error', (error) => { job.output += error })
    child.on('close', (code, signal) => {
      job.seconds += (performance.now() - started) / 1000
      const id = `${job.suite} › the suite › ends by itself`
      const ending = signal ?? `exit code ${code}`
      const written = resultsIn(results)
      if (written !== undefined) {
        job.results = written
        const { failures } = written
        const wanted = failures.length === 0 ? 0 : 1 // as report.js exits
        if (code !== wanted) failures.push({ id, message: `expected exit code ${wanted} after the last row, got ${ending}` })
      } else {
        job.results = { passed: 0, expected: 0, failures: [{ id, message: `expected results, got ${ending}` }] }
      }
      resolve({ signal, complete: written !== undefined })
    })
  })
}

/** What a suite wrote when its last row had run, or undefined. */
function resultsIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** One line a runtime, one column a suite: rows that pass, those that fail as expected.js says, those that fail. */
function report() {
  const columns = [...new Set(jobs.map(({ suite }) => suite))]
  const cell = (job) => {
    if (job === undefined) return ''
    const { passed, expected, failures } = job.results
    return `${passed}${expected > 0 ? ` (+${expected})` : ''}${failures.length > 0 ? ` !${failures.length}` : ''}`
  }
  const table = [['', ...columns, 'seconds']]
  for (const runtime of new Set(jobs.map((job) => job.runtime))) {
    const mine = jobs.filter((job) => job.runtime === runtime)
    const seconds = mine.reduce((sum, job) => sum + job.seconds, 0)
    table.push([runtime, ...columns.map((suite) => cell(mine.find((job) => job.suite === suite))), seconds.toFixed(0)])
  }
  const widths = table[0].map((_, i) => Math.max(...table.map((line) => line[i].length)))
  for (const line of table) console.log(line.map((text, i) => text.padEnd(widths[i])).join('  ').trimEnd())
  console.log('rows that pass (+ those that fail as expected.js says, with the reason) ! those that fail\n')
  for (const { runtime, results } of jobs) {
    for (const { id, message } of results.failures) {
      console.log(`not ok ${runtime} › ${id}\n    ${message.split('\n')[0]}`)
    }
  }
  const sum = (count) => jobs.reduce((total, { results }) => total + count(results), 0)
  const failed = sum(({ failures }) => failures.length)
  console.log(`${sum(({ passed, expected }) => passed + expected)} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

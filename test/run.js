/**
 * Runs test files that `make` compiled, and closes with `N passed, N failed`:
 *
 *     node test/run.js [--coverage] test/lib/codec.test.ts ...
 *
 * tap's own runner gives each file a process with a compiler and a record of what it loads, and parses again what the
 * tests say. That takes longer than most of the files.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

const { values: { coverage }, positionals: files } = parseArgs({
  options: { coverage: { type: 'boolean' } }, allowPositionals: true,
})
if (files.length === 0) throw new Error('no test file is named')
const folder = '.tap/coverage' // where tap looks for it
const covered = new RegExp('/compiled/(lib|example)/[^/]+$')
// The tests of lib/ and example/ have to reach all of both. The one of the types runs a compiler, and would be slow.
const covering = /^test\/(lib(?!\/types\.)|examples\/)/
rmSync(folder, { recursive: true, force: true })

// The files of a folder share a process, since to start one takes longer than most of them. But those of the examples
// change what all of a process shares, and of the others one measures its memory, one runs a compiler, and one tells
// by its time-out.
const placeOf = (file) => /\/examples\/|\/(memory|types|header-fields)\./.test(file) ? file : dirname(file)
// What takes longest comes first, so that nothing runs alone at the end.
const long = /\/(lib|attacks|auth-program\.test\.ts)$/
const waiting = [...new Set(files.map(placeOf))].sort((a, b) => Number(long.test(b)) - Number(long.test(a)))

let passed = 0
let failed = 0
const job = async () => {
  for (let place = waiting.shift(); place !== undefined; place = waiting.shift()) await run(place)
}
await Promise.all(Array.from({ length: availableParallelism() + 1 }, job)) // one more, since some wait
if (coverage && failed === 0 && !isCovered()) failed++
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1

/** Runs the files of one process, counts, and prints what tap says about the tests that failed. */
async function run(place) {
  const names = files.filter((file) => placeOf(file) === place)
  const compiled = names.map((name) => `compiled/${name.replace(/ts$/, 'js')}`)
  const started = names.length > 1 ? ['compiled/test/support/several.js', place] : compiled
  const most = 60 + 60 * names.length // seconds, until tap ends it
  const env = { ...process.env, TEST_FILES: compiled.join(' '), TAP_TIMEOUT: String(most) }
  if (coverage && covering.test(place)) env.NODE_V8_COVERAGE = folder
  const child = spawn(process.execPath, ['--enable-source-maps', ...started],
    { env, stdio: ['ignore', 'pipe', 'inherit'], timeout: 1000 * (most + 30), killSignal: 'SIGKILL' })
  const closed = once(child, 'close')

  const start = performance.now()
  const said = []
  let kept = 0 // how many lines of it are about no test that passed
  let total
  for await (const line of createInterface(child.stdout)) {
    said.push(line)
    if (line.startsWith('ok ')) said.length = kept
    // The second is the end of what tap says about the first.
    else if (line.startsWith('not ok ') || line === '  ...') kept = said.length
    else total = /^# \{ total: \d+(?:, pass: (\d+))?(?:, fail: (\d+))?/.exec(line) ?? total
  }
  const [code, signal] = await closed
  const [, passes = 0, failures = 0] = total ?? []
  const isWell = total !== undefined && Number(failures) === 0 && code === 0
  passed += Number(passes)
  failed += isWell ? 0 : Math.max(1, Number(failures))
  if (!isWell) console.log([...said, `ended with ${signal ?? code}`].join('\n'))
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${isWell ? 'ok' : 'not ok'} - ${names.length > 1 ? `${place}, ${names.length} files` : names[0]}, ${seconds} s`)
}

/** Prints what no test reached, if anything; false then. */
function isCovered() {
  for (const name of readdirSync(folder)) {
    const path = `${folder}/${name}`
    const { result, 'source-map-cache': maps, ...rest } = JSON.parse(readFileSync(path, 'utf8'))
    const kept = Object.entries(maps).filter(([url]) => covered.test(url))
    writeFileSync(path, JSON.stringify({
      ...rest, 'result': result.filter(({ url }) => covered.test(url)), 'source-map-cache': Object.fromEntries(kept),
    }))
  }
  return spawnSync('node_modules/.bin/tap', ['report', '--no-show-full-coverage'], { stdio: 'inherit' }).status === 0
}

/**
 * Runs test files that `make` compiled, each in a process of its own, two at a time:
 *
 *     node test/run.js [--coverage] test/lib/codec.test.ts ...
 *
 * tap's own runner starts each process with a compiler and a register of what it loads. That takes longer than most of
 * the files.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import t from 'tap'
import Reporter from './reporter.js'

const { values: { coverage }, positionals: files } = parseArgs({
  options: { coverage: { type: 'boolean' } }, allowPositionals: true,
})
const folder = '.tap/coverage' // where tap looks for it
const covered = new RegExp('/compiled/(lib|example)/[^/]+$')
// The tests of lib/ and example/ have to reach all of both. The one of the types runs a compiler, and would be slow.
const covering = /^test\/(lib\/(?!types\.)|examples\/)/
// Those that take longest come first, so that none of them runs alone at the end.
const long = /\/(vectors|types|package|header-fields|injection|memory|fuzz|auth|auth-program|readme)\.test\.ts$/
files.sort((a, b) => Number(long.test(b)) - Number(long.test(a)))
rmSync(folder, { recursive: true, force: true })

t.pipe(new Reporter(coverage ? isCovered : () => true)).pipe(process.stdout)
t.setTimeout(0)
t.jobs = 2
t.plan(files.length)
for (const name of files) {
  const compiled = `compiled/${name.replace(/ts$/, 'js')}`
  const env = { ...process.env, TAP_TIMEOUT: '120', ...coverage && covering.test(name) && { NODE_V8_COVERAGE: folder } }
  t.spawn(process.execPath, ['--enable-source-maps', compiled], { name, env, buffered: files.length > 1 })
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

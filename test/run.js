/**
 * Runs test files that `make` compiled:
 *
 *     node test/run.js [--coverage] test/lib/codec.test.ts ...
 *
 * tap's own runner starts a process with a compiler and a register of what it loads for each file. That takes longer
 * than most of the files.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import t from 'tap'
import Reporter from './reporter.js'

const { values: { coverage }, positionals: files } = parseArgs({
  options: { coverage: { type: 'boolean' } }, allowPositionals: true,
})
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
const places = [...new Set(files.map(placeOf))].sort((a, b) => Number(long.test(b)) - Number(long.test(a)))

t.pipe(new Reporter(coverage ? isCovered : () => true)).pipe(process.stdout)
t.setTimeout(0)
t.jobs = availableParallelism() + 1 // since some wait
t.plan(places.length)
for (const place of places) {
  const names = files.filter((file) => placeOf(file) === place)
  const name = names.length > 1 ? `${place}, ${names.length} files` : names[0]
  const compiled = names.map((name) => `compiled/${name.replace(/ts$/, 'js')}`)
  if (names.length > 1) compiled.unshift('compiled/test/support/several.js')
  const env = {
    ...process.env,
    TAP_TIMEOUT: `${60 + 60 * names.length}`,
    ...coverage && covering.test(place) && { NODE_V8_COVERAGE: folder },
  }
  t.spawn(process.execPath, ['--enable-source-maps', ...compiled], { name, env, buffered: files.length > 1 })
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

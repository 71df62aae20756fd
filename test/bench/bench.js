import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { codec } from './codec.js'
import { disturbed, goals } from './goals.js'
import { limits, memory } from './limits.js'
import { writeReadme } from './readme.js'
import { fastify, http, peers } from './servers.js'
import { sizesAndStore } from './sizes.js'
import { text } from './table.js'

const help = `node bench.js [options] [part ...]      (README.md says what each part measures)

  codec      a cookie sealed and opened                        15 s
  http       whole servers on node:http                        90 s, or as --seconds says
  fastify    the same on Fastify, beside @fastify/secure-session    the same
  peers      other libraries on node:http                           the same
  sizes      by size and number of keys, beside Redis               the same
  limits     refusing, starting, the package                   15 s
  memory     the heap after a million requests                 100 s
All of them by default.

  --against FOLDER   another build of the library (a dist folder) beside this one: codec, http, fastify
  --no-sockets       http: requests without sockets; less noise, but not what a server costs
  --only TEXT        only what has this in its name (and what that is compared with); several: all of them
  --seconds N        for each part with servers; more seconds are more processes of each
  --quick            short: to see that it works, not to believe
  --json FILE        write all figures there
  --readme           put the tables into README.md (one needs codec, http, fastify and peers)
  --strict           exit with 1 when a goal is missed

Is a change worth it? Keep a build of what was before (cp -R dist /tmp/before), make build, and
  node bench.js http --against /tmp/before --only written --only 134
Profiles of every server: node --cpu-prof --cpu-prof-dir=FOLDER bench.js http --only 134 --seconds 1`

const { values: options, positionals } = parseArgs({
  options: {
    'against': { type: 'string' },
    'only': { type: 'string', multiple: true, default: [] },
    'seconds': { type: 'string' },
    'no-sockets': { type: 'boolean', default: false },
    'quick': { type: 'boolean', default: false },
    'json': { type: 'string' },
    'readme': { type: 'boolean', default: false },
    'strict': { type: 'boolean', default: false },
    'help': { type: 'boolean', short: 'h', default: false },
  },
  allowPositionals: true,
})

const parts = { codec, http, fastify, peers, sizes: sizesAndStore, limits, memory }
const comparing = ['codec', 'http', 'fastify'] // parts that take another build

function commit() {
  const git = (...args) => execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
  try {
    const changed = git('status', '--porcelain', '--', '../../lib') !== ''
    return git('rev-parse', '--short=10', 'HEAD') + (changed ? ', lib changed since' : '')
  } catch {
    return 'unknown'
  }
}

async function run(names) {
  const { quick, only, against } = options
  const seconds = Number(options.seconds ?? (quick ? 10 : 90))
  const sockets = !options['no-sockets']
  const say = (progress) => process.stderr.write(`${progress}\n`)
  const report = {
    date: new Date().toISOString(),
    node: process.versions.node,
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    commit: commit(),
    quick,
    only,
    against,
    parts: {},
  }
  const save = () => writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)
  if (options.json !== undefined) {
    mkdirSync(dirname(options.json), { recursive: true })
    save() // whether it can be, before the minutes are spent
  }
  console.log(`Node.js ${report.node}, ${report.cpu}, ${report.date.slice(0, 10)}, commit ${report.commit}`)
  console.log('median (smallest..largest)\n')
  for (const name of names) {
    try {
      const { results, tables } = await parts[name]({ quick, only, against, seconds, sockets, say })
      report.parts[name] = { ...results, tables }
      for (const table of tables) console.log(text(table))
    } catch (error) {
      console.error(`Part ${name} failed: ${error.stack}\n`)
      process.exitCode = 1
    }
  }
  report.disturbed = disturbed(report.parts)
  if (report.disturbed) {
    console.log('Other processes kept the machine busy, or bare servers differed by half: do not believe the shares.\n')
  }
  const { table, missed } = goals(report.parts)
  if (against === undefined && sockets && table.rows.length > 0) console.log(text(table))
  if (options.json !== undefined) save()
  if (options.readme) writeReadme(report, say)
  if (options.strict && missed > 0) process.exitCode = 1
}

if (options.readme && (options.against !== undefined || options.only.length > 0 || options['no-sockets'])) {
  console.error('--readme is for whole runs: without --against, --only and --no-sockets')
  process.exit(2)
}
const unknown = positionals.filter((name) => !Object.hasOwn(parts, name))
if (options.help || unknown.length > 0) {
  console.log(help)
  if (unknown.length > 0) process.exitCode = 2
} else {
  const chosen = options.against === undefined ? Object.keys(parts) : comparing
  await run(positionals.length > 0 ? positionals : chosen)
}

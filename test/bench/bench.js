import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { codec } from './codec.js'
import { disturbed, goals } from './goals.js'
import { instructions } from './instructions.js'
import { scaling } from './scaling.js'
import { listener } from './listener.js'
import { readme } from './readme.js'
import { server } from './server.js'
import { markdown, text } from './table.js'

const help = `node bench.js [options] [part ...]     parts: codec, listener, server, scaling; all of these by default
                                       and instructions, which needs valgrind
  --quick            few and short rounds: to see that it works, not to believe
  --rounds N         default: 9
  --million          part scaling: also the heap after a million requests (a minute or two)
  --only TEXT        codec and server: only what is bare, or has this in its name
  --against FOLDER   measure another build of the library beside this one
  --markdown         print the tables as Markdown
  --readme           print the short tables of the README at the end, as Markdown
  --json FILE        write all figures there
  --check            say which goals hold
  --strict           with --check: exit with 1 when one does not

Profiles of every server: node --cpu-prof --cpu-prof-dir=FOLDER bench.js server --quick --only ours`

const { values: options, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    million: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    against: { type: 'string' },
    markdown: { type: 'boolean', default: false },
    readme: { type: 'boolean', default: false },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
  allowPositionals: true,
})

const parts = { codec, listener, server, scaling, instructions }
const usualParts = Object.keys(parts).filter((name) => name !== 'instructions')

function commit() {
  const cwd = import.meta.dirname
  const git = (...args) => execFileSync('git', args, { cwd, encoding: 'utf8' }).trim()
  try {
    const changed = git('status', '--porcelain', '--', '../../lib') !== ''
    return git('rev-parse', '--short=10', 'HEAD') + (changed ? ', lib changed since' : '')
  } catch {
    return 'unknown'
  }
}

async function run(names) {
  const { quick, million, only, against } = options
  const rounds = Number(options.rounds ?? (quick ? 3 : 9))
  const say = (progress) => process.stderr.write(`${progress}\n`)
  const report = {
    options: { quick, million, only, comparedWithAnotherBuild: against !== undefined },
    date: new Date().toISOString(),
    node: process.versions.node,
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    commit: commit(),
    rounds,
    parts: {},
  }
  console.log(`Node.js ${report.node}, ${report.cpu}, ${report.date.slice(0, 10)}, commit ${report.commit}`)
  console.log(`${rounds} rounds: median (smallest..largest)\n`)
  for (const name of names) {
    const { results, tables } = await parts[name]({ rounds, quick, million, only, against, say })
    report.parts[name] = results
    for (const table of tables) console.log(options.markdown ? markdown(table) : text(table))
  }
  report.disturbed = disturbed(report.parts)
  if (report.disturbed) {
    console.log('Other processes kept the machine busy: believe what is by the least, and no requests/s.\n')
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)
  if (options.readme) console.log(readme(report))
  if (!options.check) return
  const { table, missed } = goals(report.parts)
  console.log(options.markdown ? markdown(table) : text(table))
  if (options.strict && missed > 0) process.exitCode = 1
}

const unknown = positionals.filter((name) => !Object.hasOwn(parts, name))
if (options.help || unknown.length > 0) {
  console.log(help)
  if (unknown.length > 0) process.exitCode = 2
} else {
  await run(positionals.length > 0 ? positionals : usualParts)
}

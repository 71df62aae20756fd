import { execFile } from 'node:child_process'
import { devNull } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fillerFor, httpSpecs } from './servers.js'
import { number } from './table.js'

/*
 * The requests of `http --no-sockets` in instructions of the processor instead of time, as valgrind counts them: all
 * that the process does, compiled code, garbage and OpenSSL included, but not the kernel. They are the same to about a
 * fiftieth, whatever else the machine does. An instruction that waits for memory counts as one: what is quicker is for
 * the other parts to say.
 */

const execute = promisify(execFile)
// In two processes: the difference is without the start, and without compiling, which goes on for 30 000 requests.
const requests = [40_000, 80_000]
const atOnce = 2

/** Instructions of a process that answers so many requests. */
async function countIn(spec, count) {
  const serve = fileURLToPath(new URL('serve.js', import.meta.url))
  const { stderr } = await execute('valgrind', [
    '--tool=cachegrind', '--cache-sim=no', `--cachegrind-out-file=${devNull}`, '--smc-check=all-non-file',
    process.execPath, '--single-threaded', serve, JSON.stringify(spec), String(count), fillerFor(spec),
  ]).catch((error) => {
    throw error.code === 'ENOENT' ? new Error('part instructions needs valgrind, which is not installed') : error
  })
  return Number(/refs: +([\d,]+)/.exec(stderr)[1].replaceAll(',', ''))
}

export async function instructions({ only, say }) {
  const specs = httpSpecs().filter(({ name, kind, bytes }) =>
    bytes === 134 && (kind === 'bare' || only.every((text) => name.includes(text))))
  const results = specs.map(({ name }) => ({ name }))
  const waiting = [...specs.keys()]
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
      const [few, many] = [await countIn(specs[index], requests[0]), await countIn(specs[index], requests[1])]
      results[index].instructions = Math.round((many - few) / (requests[1] - requests[0]))
      say(`instructions: ${results[index].name}`)
    }
  }))
  const [bare] = results
  const rows = results.map(({ name, instructions }) =>
    [name, number(instructions, 0), number(instructions - bare.instructions, 0)])
  return { results, tables: [{ title: 'Instructions a request', columns: ['', 'all', 'more than bare'], rows }] }
}

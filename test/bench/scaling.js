import { byOthers, bySize, refused } from './scaling/cost.js'
import { hits } from './scaling/hits.js'
import { inFlight, million } from './scaling/memory.js'
import { processes } from './scaling/processes.js'
import { size, start } from './scaling/start.js'

/*
 * Part 3: what grows with what.
 */

const parts = { bySize, byOthers, refused, hits, start, size, inFlight, processes, million }

export async function scaling({ rounds, quick, million: toTheMillion, say }) {
  const options = { rounds, quick, say, milliseconds: quick ? 10 : 30 }
  const results = {}
  const tables = []
  for (const [name, measure] of Object.entries(parts)) {
    if (name === 'million' && !toTheMillion) continue
    say(`scaling: ${name}`)
    const part = await measure(options)
    results[name] = part.results
    tables.push(...part.tables)
  }
  return { results, tables }
}

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/*
 * Timing within one process, and figures. Contender after contender, round after round, so that what else the machine
 * does meets all alike. A figure is the median of the rounds, with the smallest and the largest; a ratio is taken
 * within each round.
 */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** @returns {{ median: number, min: number, max: number }} */
export const figure = (values) =>
  ({ median: median(values), min: Math.min(...values), max: Math.max(...values) })

export const ratios = (values, base) => values.map((value, round) => value / base[round])

/** The ratio of the least of each: what else the machine does only adds, so on a busy one this is the truer. */
export const leastRatio = (values, base) => Math.min(...values) / Math.min(...base)

/** The ratio of two contenders, round by round. */
export const ratio = (values, base) => figure(ratios(values, base))

/**
 * How far off the median of so few values may be: 90 of 100 medians of as many values, drawn again from these at
 * random, lie between the two (the bootstrap of Efron).
 */
export function interval(values) {
  const drawn = Array.from({ length: 2000 }, () =>
    median(values.map(() => values[Math.floor(Math.random() * values.length)]))).sort((a, b) => a - b)
  return { median: median(values), min: drawn[100], max: drawn[1899] }
}

/** In another order each round: what a neighbour leaves behind must not always fall to the same one. */
export function shuffled(cases) {
  return cases.map((entry) => [Math.random(), entry]).sort(([a], [b]) => a - b).map(([, entry]) => entry)
}

setFlagsFromString('--expose-gc')
export const collectGarbage = runInNewContext('gc')

let sink // what a loop made last, so that no compiler leaves the loop out

/** Nanoseconds since some time before: of the clock, and of processor time, all threads, so that garbage counts. */
function now() {
  const { user, system } = process.cpuUsage()
  return { elapsed: Number(process.hrtime.bigint()), cpu: (user + system) * 1000 }
}

async function time(run, count, awaited) {
  const from = now()
  if (awaited) for (let i = 0; i < count; i++) sink = await run(i)
  else for (let i = 0; i < count; i++) sink = run(i)
  const to = now()
  return { elapsed: (to.elapsed - from.elapsed) / count, cpu: (to.cpu - from.cpu) / count }
}

const warmUp = 100 // milliseconds a case, for the compiler

/** How many calls take about `milliseconds`. */
async function calibrate(run, milliseconds, awaited) {
  for (let count = 16; ; count *= 2) {
    const { elapsed, cpu } = await time(run, count, awaited)
    const took = awaited ? elapsed : cpu
    if (took * count > milliseconds * 1e6 / 4) return Math.max(4, Math.round(milliseconds * 1e6 / took))
  }
}

/**
 * Times calls: microseconds a call, one value a round, `elapsed` and `cpu`, by the case's name. `cpu` is processor
 * time, which other processes disturb less; of what waits for other threads `elapsed` is more. A case is a function,
 * or `{ run, awaited: true }` for one whose promises are awaited one by one. Nothing collects garbage in between: the
 * calls after that would be dearer, some by a half.
 */
export async function timed(cases, { rounds, milliseconds }) {
  const prepared = []
  for (const [name, entry] of Object.entries(cases)) {
    const { run, awaited = false } = typeof entry === 'function' ? { run: entry } : entry
    await calibrate(run, warmUp, awaited)
    prepared.push({ name, run, awaited, count: await calibrate(run, milliseconds, awaited), elapsed: [], cpu: [] })
  }
  for (let round = 0; round < rounds; round++) {
    for (const { run, awaited, count, elapsed, cpu } of shuffled(prepared)) {
      const took = await time(run, count, awaited)
      elapsed.push(took.elapsed / 1000)
      cpu.push(took.cpu / 1000)
    }
  }
  return Object.fromEntries(prepared.map(({ name, elapsed, cpu }) => [name, { elapsed, cpu }]))
}

/** What the last timed call returned. */
export const last = () => sink

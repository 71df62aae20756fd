import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/*
 * Timing: contender after contender, round after round, so that what else the machine does meets all alike. A figure
 * is the median of the rounds, with the smallest and the largest; a ratio is taken within each round.
 */

/** @typedef {{ median: number, min: number, max: number }} Figure */

/** @returns {Figure} */
export function figure(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  return { median, min: sorted[0], max: sorted[sorted.length - 1] }
}

/** The ratios of two contenders, round by round. */
export function ratio(values, base) {
  return figure(values.map((value, round) => value / base[round]))
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

/** In another order each round: what a neighbour leaves behind must not always fall to the same one. */
export function shuffled(cases) {
  return cases.map((entry) => [Math.random(), entry]).sort(([a], [b]) => a - b).map(([, entry]) => entry)
}

/**
 * Times calls: nanoseconds a call, one value a round, `elapsed` and `cpu`, by the case's name. `cpu` is processor
 * time, which other processes disturb less; of what waits for other threads `elapsed` is more. A case is a function,
 * or `{ run, awaited: true }` for one whose promises are awaited one by one. Nothing collects garbage in between: the
 * calls after that would be dearer, some by a half.
 */
export async function nanoseconds(cases, { rounds, milliseconds }) {
  const timed = []
  for (const [name, entry] of Object.entries(cases)) {
    const { run, awaited = false } = typeof entry === 'function' ? { run: entry } : entry
    await calibrate(run, warmUp, awaited)
    timed.push({ name, run, awaited, count: await calibrate(run, milliseconds, awaited), elapsed: [], cpu: [] })
  }
  for (let round = 0; round < rounds; round++) {
    for (const { run, awaited, count, elapsed, cpu } of shuffled(timed)) {
      const took = await time(run, count, awaited)
      elapsed.push(took.elapsed)
      cpu.push(took.cpu)
    }
  }
  return Object.fromEntries(timed.map(({ name, elapsed, cpu }) => [name, { elapsed, cpu }]))
}

/** What the last timed call returned. */
export const last = () => sink

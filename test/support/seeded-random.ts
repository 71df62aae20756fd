/**
 * Random choices that can be made again: `SEED=n` repeats a run, `FUZZ=n` makes it n times as long. `make test-slow`
 * makes it 10 times as long.
 */
import type { Test } from 'tap'
import { volume } from './volume.js'

export type Random = {
  /** A whole number, 0 to `limit` - 1. */
  below(limit: number): number
  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T
  bytes(length: number): Uint8Array
}

/** How many times as long as usual a random test is to run. */
export const fuzz = Math.max(1, Number(process.env['FUZZ'] ?? volume(1, 10)))

/** Prints its seed, so that a failure can be had again. */
export function seededRandom(t: Test): Random {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32))
  t.comment(`SEED=${seed}`)
  let state = seed >>> 0
  // splitmix32
  const next = () => {
    state = state + 0x9e3779b9 | 0
    let mixed = state ^ state >>> 16
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ mixed >>> 15) >>> 0
  }
  const below = (limit: number) => next() % limit
  return {
    below,
    pick: (from) => from[below(from.length)] as (typeof from)[number],
    bytes: (length) => Uint8Array.from({ length }, () => next() & 255),
  }
}

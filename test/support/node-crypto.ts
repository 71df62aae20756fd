/**
 * Other functions in the place of those of node:crypto, for lib/ too, which imports them by name.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

type Name = 'createCipheriv' | 'createDecipheriv' | 'createHmac' | 'randomFillSync' | 'timingSafeEqual'
type AnyFunction = (...args: never[]) => unknown

/** Puts `functions` in the places of node:crypto's own; what it returns puts these back. */
export function replaceCrypto(functions: Partial<Record<Name, AnyFunction>>): () => void {
  const originals = Object.fromEntries(Object.keys(functions).map((name) => [name, crypto[name as Name]]))
  const put = (all: object) => {
    Object.assign(crypto, all)
    syncBuiltinESMExports()
  }
  put(functions)
  return () => { put(originals) }
}

/** Has a function throw, as one does without randomness, or where the provider of OpenSSL is broken. */
export function breakCrypto(name: Name): () => void {
  return replaceCrypto({ [name]: () => { throw new Error(`no ${name}`) } })
}

/** Runs `work` with another source of randomness. */
export function withRandom<T>(fill: (buffer: Buffer) => void, work: () => T): T {
  const undo = replaceCrypto({
    randomFillSync: (buffer: Buffer) => {
      fill(buffer)
      return buffer
    },
  })
  try {
    return work()
  } finally {
    undo()
  }
}

/** Counts the calls of these functions, which work as they do otherwise, until `undo` is called. */
export function countCrypto<N extends Name>(...names: N[]): { calls: Record<N, number>, undo: () => void } {
  const calls = Object.fromEntries(names.map((name) => [name, 0])) as Record<N, number>
  const counted = (name: N): [N, AnyFunction] => {
    const original = crypto[name] as AnyFunction
    return [name, (...args) => {
      calls[name]++
      return original(...args)
    }]
  }
  return { calls, undo: replaceCrypto(Object.fromEntries(names.map(counted))) }
}

/** How often a function is called while `work` runs. */
export function callsOf(name: Name, work: () => void): number {
  const { calls, undo } = countCrypto(name)
  try {
    work()
  } finally {
    undo()
  }
  return calls[name]
}

/**
 * Other functions in the place of those of node:crypto, for lib/ too, which imports them by name.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

type CryptoName = 'createCipheriv' | 'createDecipheriv' | 'createHmac' | 'randomBytes' | 'timingSafeEqual'
type AnyFunction = (...args: never[]) => unknown

/** Puts `functions` in the places of node:crypto's own; what it returns puts these back. */
export function replaceCrypto(functions: Partial<Record<CryptoName, AnyFunction>>): () => void {
  const originals = Object.fromEntries(Object.keys(functions).map((name) => [name, crypto[name as CryptoName]]))
  const put = (all: object) => {
    Object.assign(crypto, all)
    syncBuiltinESMExports()
  }
  put(functions)
  return () => { put(originals) }
}

/** Has a function throw, as one does without randomness, or where the provider of OpenSSL is broken. */
export function breakCrypto(name: CryptoName): () => void {
  return replaceCrypto({ [name]: () => { throw new Error(`no ${name}`) } })
}

function during<T>(undo: () => void, work: () => T): T {
  try {
    return work()
  } finally {
    undo()
  }
}

/** Runs `work` with another source of randomness. */
export function withRandom<T>(randomBytes: (length: number) => Buffer, work: () => T): T {
  return during(replaceCrypto({ randomBytes }), work)
}

/** How many tags are made, how many compared in constant time, and how often is encrypted and decrypted. */
export interface Cost {
  hmacs: number
  comparisons: number
  encryptions: number
  decryptions: number
}

/** Counts the calls of node:crypto, which work as they do otherwise, until `undo` is called. */
export function countCrypto(): { cost: Cost, undo: () => void } {
  const cost = { hmacs: 0, comparisons: 0, encryptions: 0, decryptions: 0 }
  const counted = (name: CryptoName, count: keyof Cost): AnyFunction => {
    const original = crypto[name] as AnyFunction
    return (...args) => {
      cost[count]++
      return original(...args)
    }
  }
  const undo = replaceCrypto({
    createHmac: counted('createHmac', 'hmacs'),
    timingSafeEqual: counted('timingSafeEqual', 'comparisons'),
    createCipheriv: counted('createCipheriv', 'encryptions'),
    createDecipheriv: counted('createDecipheriv', 'decryptions'),
  })
  return { cost, undo }
}

export function costOf(work: () => void): Cost {
  const { cost, undo } = countCrypto()
  during(undo, work)
  return cost
}

/** How many tags `work` makes: none for a cookie that is cached, or not looked at. */
export function tagsOf(work: () => void): number {
  return costOf(work).hmacs
}

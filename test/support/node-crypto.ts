/**
 * Other functions in the place of those of node:crypto, for lib/ too, which imports them by name.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

type Name = 'createCipheriv' | 'createDecipheriv' | 'createHmac' | 'hash' | 'randomFillSync' | 'timingSafeEqual'
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

/**
 * What `work` costs: tags, each of which is two hashes (RFC 2104), keystreams, each of which is one update of the one
 * cipher object that each key has, comparisons in constant time, and objects that were made for one message alone.
 */
export interface Cost {
  tags: number
  keystreams: number
  comparisons: number
  objects: number
}

export function costOf(work: () => void): Cost {
  const prototype = Object.getPrototypeOf(crypto.createCipheriv('aes-256-ecb', Buffer.alloc(32), null)) as crypto.Cipher
  const { calls, undo } = countCrypto('createCipheriv', 'createDecipheriv', 'createHmac', 'hash', 'timingSafeEqual')
  const update = prototype.update as AnyFunction
  let keystreams = 0
  prototype.update = function (this: unknown, ...args: never[]) {
    keystreams++
    return Reflect.apply(update, this, args) as never
  } as typeof prototype.update
  try {
    work()
  } finally {
    prototype.update = update as typeof prototype.update
    undo()
  }
  const { createCipheriv, createDecipheriv, createHmac, hash, timingSafeEqual } = calls
  const objects = createCipheriv + createDecipheriv + createHmac
  return { tags: hash / 2, keystreams, comparisons: timingSafeEqual, objects }
}

/** How many tags `work` makes: none for a cookie that is remembered, or not looked at. */
export function tagsOf(work: () => void): number {
  return costOf(work).tags
}

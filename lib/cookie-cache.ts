import type { Contents } from './codec.js'

// Characters at the end of a value: over 40 bits of its tag, so that nobody guesses their way to the comparison of a
// whole value, which ends where two differ. As a number, since V8 would hash and compare a string.
const keyLength = 8

/** One cookie's contents. */
interface Entry {
  key: number
  contents: Contents
  /** Found since the hand last passed. */
  used: boolean
}

/** A number for a value. Of two cookies with the same one only the first is kept. */
function keyOf(value: string): number {
  let key = 0
  for (let at = value.length - keyLength; at < value.length; at++) key = 64 * key + value.charCodeAt(at)
  return key
}

/**
 * The contents of cookies whose tag is known to match, found again by the whole value: at most `limit` of them, with
 * some 10 kB each at worst (the value, and text of two bytes a character). When it is full, a hand goes round (the
 * clock algorithm) and spares once each cookie that was found since it last passed: cookies that never come back do
 * not push out those that do.
 */
export class CookieCache {
  readonly #limit: number
  readonly #entries = new Map<number, Entry>()
  readonly #clock: Entry[] = []
  #hand = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get(value: string): Contents | undefined {
    const entry = this.#entries.get(keyOf(value))
    if (entry?.contents.value !== value) return undefined
    entry.used = true
    return entry.contents
  }

  add(contents: Contents): void {
    if (this.#limit === 0) return
    const key = keyOf(contents.value)
    if (this.#entries.has(key)) return
    this.#entries.set(key, this.#take({ key, contents, used: false }))
  }

  /** Puts an entry where the hand finds one that is not used. */
  #take(entry: Entry): Entry {
    if (this.#clock.length < this.#limit) {
      this.#clock.push(entry)
      return entry
    }
    for (;;) {
      const old = this.#clock[this.#hand]!
      const at = this.#hand
      this.#hand = (this.#hand + 1) % this.#limit
      if (!old.used) {
        this.#entries.delete(old.key)
        this.#clock[at] = entry
        return entry
      }
      old.used = false
    }
  }
}

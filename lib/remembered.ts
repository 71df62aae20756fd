import type { Contents } from './codec.js'

interface Entry {
  readonly value: string
  readonly contents: Contents
  /** Found since the hand last passed. */
  used: boolean
}

// Characters at the end of a value: the last 24 bytes of its tag, as good as random. Hashing the whole value would
// take longer the longer it is; comparing it once does not matter.
const keyLength = 32

/**
 * The contents of cookies whose tag is known to match, found again by the whole value: at most `limit` of them, with
 * some 10 kB each at worst (the value, and text of two bytes a character). When it is full, a hand goes round (the clock algorithm) and
 * spares once each cookie that was found since it last passed: cookies that never come back do not push out those
 * that do.
 */
export class Remembered {
  readonly #limit: number
  readonly #entries = new Map<string, Entry>()
  readonly #clock: string[] = []
  #hand = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get(value: string): Contents | undefined {
    const entry = this.#entries.get(value.slice(-keyLength))
    if (entry === undefined || entry.value !== value) return undefined
    entry.used = true
    return entry.contents
  }

  add(value: string, contents: Contents): void {
    const key = value.slice(-keyLength)
    if (this.#limit === 0 || this.#entries.has(key)) return
    this.#clock[this.#freePlace()] = key
    this.#entries.set(key, { value, contents, used: false })
  }

  #freePlace(): number {
    if (this.#clock.length < this.#limit) return this.#clock.length
    for (;;) {
      const place = this.#hand
      this.#hand = (place + 1) % this.#limit
      const key = this.#clock[place]!
      const entry = this.#entries.get(key)!
      if (!entry.used) {
        this.#entries.delete(key)
        return place
      }
      entry.used = false
    }
  }
}

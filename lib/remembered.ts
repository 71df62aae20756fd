import type { Contents } from './codec.js'

const none = Buffer.alloc(0)

// Characters at the end of a value: over 40 bits of its tag, so that nobody guesses their way to the comparison of a
// whole value, which ends where two differ. As a number, since V8 would hash and compare a string.
const keyLength = 8

/**
 * Where one cookie's contents are kept. Those of a cookie that was sealed lie there as bytes until it has come back
 * twice. Where each request writes, it comes back once at most, and strings that live on until the hand finds them cost
 * the garbage collector a tenth of what it takes to write a session.
 */
class Place {
  key = 0
  /** Found since the hand last passed. */
  used = false
  #value: string | undefined
  #contents: Contents | undefined
  #bytes = none // the value, then the text in UTF-8
  #valueLength = 0
  #length = 0
  #created = 0
  #issued = 0

  keep(key: number, value: string, contents: Contents): void {
    this.key = key
    this.#hold(value, contents)
  }

  keepSealed(key: number, value: string, { text, created, issued }: Contents): void {
    this.key = key
    this.#value = this.#contents = undefined
    const most = 2 * value.length // as the text in UTF-8 is shorter than the value it is in
    if (this.#bytes.length < most) this.#bytes = Buffer.allocUnsafeSlow(most)
    this.#valueLength = this.#bytes.write(value, 'latin1')
    this.#length = this.#valueLength + this.#bytes.write(text, this.#valueLength)
    this.#created = created
    this.#issued = issued
  }

  find(value: string): Contents | undefined {
    const kept = this.#value ?? this.#bytes.toString('latin1', 0, this.#valueLength)
    if (kept !== value) return undefined
    const contents = this.#contents ?? {
      text: this.#bytes.toString('utf8', this.#valueLength, this.#length),
      ours: true,
      created: this.#created,
      issued: this.#issued,
      keyIndex: 0,
    }
    // Not the value that was asked for, which may be a part of a whole Cookie header.
    if (this.used && this.#contents === undefined) this.#hold(kept, contents)
    this.used = true
    return contents
  }

  #hold(value: string, contents: Contents): void {
    this.#value = value
    this.#contents = contents
    this.#bytes = none
  }
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
export class Remembered {
  readonly #limit: number
  readonly #places = new Map<number, Place>()
  readonly #clock: Place[] = []
  #hand = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get(value: string): Contents | undefined {
    return this.#places.get(keyOf(value))?.find(value)
  }

  /** Keeps what was opened, or what was `sealed`, which is with the first key. */
  add(value: string, contents: Contents, sealed: boolean = false): void {
    if (this.#limit === 0) return
    const key = keyOf(value)
    if (this.#places.has(key)) return
    const place = this.#freePlace()
    if (sealed) place.keepSealed(key, value, contents)
    else place.keep(key, value, contents)
    this.#places.set(key, place)
  }

  #freePlace(): Place {
    if (this.#clock.length < this.#limit) {
      const place = new Place()
      this.#clock.push(place)
      return place
    }
    for (;;) {
      const place = this.#clock[this.#hand]!
      this.#hand = (this.#hand + 1) % this.#limit
      if (!place.used) {
        this.#places.delete(place.key)
        return place
      }
      place.used = false
    }
  }
}

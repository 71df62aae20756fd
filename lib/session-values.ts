import { misuse, SizeError, ValueError } from './errors.js'
import { isIdentifier, quoted } from './quoted.js'
import { arrayStart, end, isPlainValue, maxDepth, objectStart, type Tokens } from './session-tokens.js'
import { maxLineLength } from './set-cookie.js'

const maxValues = 4096 // elements and properties, counted once per occurrence; more fit into no cookie
const maxCharacters = 4096 // of strings and names; more fit into no cookie
const maxCounted = 65_536 // bytes that are counted to find the largest keys of a session that is too large

type Flaw = [path: string, found: string]

/** What is found where a session is too large. */
const tooLarge = 'too large'

/** What can be stored in the place of what was found. */
const cures: readonly [found: RegExp, cure: string][] = [
  [/ Date$/, 'its getTime() or toISOString()'],
  [/ (Buffer|Uint8Array)$/, "Buffer.from(it).toString('base64url')"],
  [/ (Map|Set|\w+\d\w*Array)$/, 'Array.from(it)'],
  [/ URL$/, 'its href'],
  [/ RegExp$/, 'its source'],
  [/ \w*Error$/, 'its message'],
  [/ bigint$/, 'its toString()'],
]

/** That a session cannot be looked at. */
export function unreadableError(): ValueError {
  return valueError('session', 'not readable: a getter or proxy in it threw')
}

export function valueError(path: string, found: string): ValueError {
  const cure = cures.find(([pattern]) => pattern.test(found))?.[1]
  return new ValueError(`${path} is ${found}${cure === undefined ? '' : `: store ${cure}`}`, { path, found })
}

/**
 * Looks at all values of a session, which are to be those that JSON carries, and counts them as it goes: what has too
 * many of them, or too long ones, is refused after some 4096 of them, however large it is. Returns its tokens.
 * @throws ValueError with the path to a value that JSON would drop or change, or that cannot be looked at
 * @throws SizeError with the path to where counting stopped
 */
export function checkValues(session: object): Tokens {
  const look = new Look()
  let flaw: Flaw | undefined
  try {
    flaw = look.flawIn(session)
  } catch {
    throw unreadableError()
  }
  if (flaw === undefined) return look.tokens
  const path = `session${flaw[0]}`
  if (flaw[1] !== tooLarge) throw valueError(path, flaw[1])
  throw sizeError(look.bytes, largestKeys(session), `counted up to ${path}, so all of it may take more`)
}

/**
 * That a Set-Cookie line would be too long.
 * @param largest the largest top-level keys with the bytes that they take
 * @param how what else there is to say of the counting
 */
export function sizeError(bytes: number, largest: SizeError['largest'], how?: string): SizeError {
  const listed = largest.map(({ key, bytes }) => `${key} (${bytes})`).join(', ')
  return new SizeError(
    `the Set-Cookie line would be ${bytes} bytes, at most ${maxLineLength} are allowed` +
    `${how === undefined ? '' : ` (${how})`}; largest keys, in bytes: ${listed}`,
    { bytes, limit: maxLineLength, largest })
}

/** The three largest top-level keys, with the bytes that they take: at least, where they cannot be stored. */
export function largestKeys(session: object): SizeError['largest'] {
  const counted: { key: string, bytes: number }[] = []
  let left = maxCounted
  for (const key of Object.keys(session)) {
    const look = new Look()
    let bytes: number | undefined
    try {
      const alone = { [key]: session[key as keyof typeof session] as unknown }
      if (look.flawIn(alone) === undefined) bytes = Buffer.byteLength(JSON.stringify(alone)) - '{}'.length
    } catch {
      // a getter or proxy behind the place where counting stopped
    }
    counted.push({ key: quoted(key), bytes: bytes ?? look.bytes })
    left -= look.bytes
    if (left < 0) break
  }
  return counted.toSorted((a, b) => b.bytes - a.bytes).slice(0, 3)
}

/** One look at a session. Paths are built on the way back, so that they cost nothing where nothing is wrong. */
class Look {
  readonly tokens: unknown[] = []
  readonly #parents: object[] = []
  #values = 0
  #characters = 0

  /** How many bytes what was counted takes at least: a value and the comma or bracket after it take two. */
  get bytes(): number {
    return 2 * this.#values + this.#characters
  }

  flawIn(value: object): Flaw | undefined {
    const parents = this.#parents
    if (parents.includes(value)) return ['', 'a cycle']
    if (parents.length === maxDepth) return ['', `nested more than ${maxDepth} deep`]
    if (!isPlainValue(value)) return ['', `an instance of ${className(value)}`]
    parents.push(value)
    const flaw = Array.isArray(value) ? this.#flawInArray(value) : this.#flawInObject(value)
    this.tokens.push(end)
    parents.pop()
    return flaw ?? symbolIn(value)
  }

  #flawOf(value: unknown): Flaw | undefined {
    if (++this.#values > maxValues) return ['', tooLarge]
    if (typeof value === 'object' && value !== null) return this.flawIn(value)
    this.tokens.push(value)
    switch (typeof value) {
      case 'string': return this.#isTooLong(value) ? ['', tooLarge] : undefined
      case 'number': return Number.isFinite(value) ? undefined : ['', String(value)]
      case 'boolean': case 'object': return undefined // the only object left is null
      case 'undefined': return ['', 'undefined']
      default: return ['', `a ${typeof value}`]
    }
  }

  #flawInArray(array: unknown[]): Flaw | undefined {
    this.tokens.push(arrayStart)
    for (let index = 0; index < array.length; index++) {
      const flaw: Flaw | undefined = index in array ? this.#flawOf(array[index]) : ['', 'a hole']
      if (flaw !== undefined) return [`[${index}]${flaw[0]}`, flaw[1]]
    }
    const names = Object.keys(array)
    return names.length === array.length ? undefined : [pathTo(names[array.length]!), 'a property of an array']
  }

  #flawInObject(object: object): Flaw | undefined {
    this.tokens.push(objectStart)
    for (const name of Object.keys(object)) {
      const flaw = this.#flawAt(name, object[name as keyof typeof object] as unknown)
      if (flaw !== undefined) return [pathTo(name) + flaw[0], flaw[1]]
    }
    return undefined
  }

  #flawAt(name: string, value: unknown): Flaw | undefined {
    if (name === '__proto__') return ['', 'a key that changes prototypes']
    if (this.#isTooLong(name)) return ['', tooLarge]
    if (value === undefined) return undefined // JSON has no such property
    this.tokens.push(name)
    return this.#flawOf(value)
  }

  #isTooLong(text: string): boolean {
    this.#characters += text.length
    return this.#characters > maxCharacters
  }
}

/**
 * A deep copy of a session, also of one that is too large: it may be made smaller before it is stored.
 * @throws ValueError as {@link checkValues} does
 */
export function copyOfValues(data: object): object {
  try {
    checkValues(data)
  } catch (error) {
    if (!(error instanceof SizeError)) throw error
  }
  const copies = new Map<object, unknown>() // what is met again is not copied again, however often that may be
  const copyOf = (value: unknown): unknown => {
    // What has no copy stays what it is, so that it is refused when the session is stored, and not stored as another.
    if (value === null || typeof value !== 'object' || !isPlainValue(value)) return value
    if (!copies.has(value)) {
      copies.set(value, Array.isArray(value)
        ? value.map(copyOf)
        : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copyOf(inner)])))
    }
    return copies.get(value)
  }
  try {
    return Object.setPrototypeOf(copyOf(data), null) as object
  } catch {
    throw unreadableError() // a getter that throws when it is read again, or what is nested deeper than the stack
  }
}

/** @throws TypeError for what is no plain object */
export function checkPlain(value: unknown, name: string): asserts value is object {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || !isPlainValue(value)) {
    throw misuse(TypeError, name, 'a plain object', value)
  }
}

/** JSON leaves out what a symbol names, without a word. */
function symbolIn(value: object): Flaw | undefined {
  for (const symbol of Object.getOwnPropertySymbols(value)) {
    if (!Object.prototype.propertyIsEnumerable.call(value, symbol)) continue
    return [`[Symbol(${quoted(symbol.description ?? '')})]`, 'a symbol as a key']
  }
  return undefined
}

/** The name in the code, and not what an instance says; a getter or a static member may have any `name`. */
function className(value: object): string {
  try {
    const { constructor } = Object.getPrototypeOf(value) as { constructor: unknown }
    const name: unknown = typeof constructor === 'function' ? constructor.name : ''
    if (typeof name === 'string' && name !== '') return quoted(name)
  } catch {
    // a getter that throws
  }
  return 'a class'
}

function pathTo(name: string): string {
  const shown = quoted(name)
  return isIdentifier(shown) ? `.${shown}` : `[${shown}]`
}

import { misuse, ValueError } from './errors.js'

const maxDepth = 64 // levels of objects and arrays, the session's own included

/** The session that a JSON text holds, with a null prototype, or undefined where it holds none. */
export function parseSession(text: string): object | undefined {
  let session: unknown
  try {
    session = JSON.parse(text)
    // Only a text with one of these in it can have a key `__proto__`, which would change a prototype when copied.
    if (text.includes('__proto__') || text.includes('\\u')) {
      JSON.parse(text, (key, value: unknown) => {
        if (key === '__proto__') session = undefined
        return value
      })
    }
  } catch {
    return undefined
  }
  if (session === null || typeof session !== 'object' || Array.isArray(session)) return undefined
  return Object.setPrototypeOf(session, null) as object
}

/** The JSON text of a session, or undefined where it has none. Nothing is checked. */
export function sessionText(session: object): string | undefined {
  try {
    return JSON.stringify(session)
  } catch {
    return undefined
  }
}

/**
 * `text`, the JSON text of a session, if JSON carries all its values.
 * @throws ValueError with the path to one that it does not
 */
export function checkedText(session: object, text: string | undefined): string {
  let flaw: Flaw | undefined
  try {
    flaw = findFlaw(session, [])
  } catch {
    // not readable
  }
  if (text !== undefined && flaw === undefined) return text
  const [path, found] = flaw ?? ['', 'not readable: a getter or proxy in it threw']
  throw new ValueError(`session${path} is ${found}`)
}

type Flaw = [path: string, found: string]

/** Node.js 22 and later have raw JSON: objects that JSON.stringify writes as the text that they hold. */
type RawJSON = typeof JSON & { isRawJSON?(value: unknown): boolean }

/** The first value that JSON would drop or change. The path is built on the way back, so that none costs nothing. */
function findFlaw(value: unknown, parents: object[]): Flaw | undefined {
  switch (typeof value) {
    case 'string': case 'boolean': return undefined
    case 'number': return Number.isFinite(value) ? undefined : ['', String(value)]
    case 'undefined': return ['', 'undefined']
    case 'object': return value === null ? undefined : findFlawIn(value, parents)
    default: return ['', `a ${typeof value}`]
  }
}

function findFlawIn(value: object, parents: object[]): Flaw | undefined {
  if (parents.includes(value)) return ['', 'a cycle']
  if (parents.length === maxDepth) return ['', `nested more than ${maxDepth} deep`]
  const isArray = Array.isArray(value)
  // Array.prototype is plain, that of a subclass is not.
  if (!isPlain(isArray ? Object.getPrototypeOf(value) as object : value)) return ['', `an instance of ${className(value)}`]
  if ((JSON as RawJSON).isRawJSON?.(value)) return ['', 'raw JSON']
  // JSON.stringify would call it, and store what it returns.
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return ['.toJSON', 'a function']
  parents.push(value)
  const flaw = isArray ? findFlawInArray(value, parents) : findFlawInObject(value, parents)
  parents.pop()
  return flaw
}

function findFlawInArray(array: unknown[], parents: object[]): Flaw | undefined {
  for (let index = 0; index < array.length; index++) {
    const flaw: Flaw | undefined = index in array ? findFlaw(array[index], parents) : ['', 'a hole']
    if (flaw !== undefined) return [`[${index}]${flaw[0]}`, flaw[1]]
  }
  const [extra] = Object.keys(array).slice(array.length)
  return extra === undefined ? undefined : [pathTo(extra), 'a property of an array']
}

function findFlawInObject(object: object, parents: object[]): Flaw | undefined {
  for (const key of Object.keys(object)) {
    const value = object[key as keyof typeof object] as unknown
    const absent = value === undefined || typeof value === 'function' || typeof value === 'symbol'
    const flaw: Flaw | undefined = key === '__proto__' ? ['', 'a key that changes prototypes']
      : absent ? undefined : findFlaw(value, parents)
    if (flaw !== undefined) return [pathTo(key) + flaw[0], flaw[1]]
  }
  return undefined
}

/** @throws TypeError for what is no plain object */
export function checkPlain(value: unknown, name: string): asserts value is object {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || !isPlain(value)) {
    throw misuse(TypeError, name, 'a plain object', value)
  }
}

/** An object literal, of this realm or another, or one without a prototype. */
function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
}

/** The name in the code, and not what an instance says. */
function className(value: object): string {
  const { constructor } = Object.getPrototypeOf(value) as { constructor: unknown }
  return typeof constructor === 'function' ? constructor.name : 'a class'
}

function pathTo(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

/** The names at the top level whose values differ between a JSON text and a session. */
export function changedKeys(text: string, session: object): string[] {
  const before = JSON.parse(text) as Record<string, unknown>
  const after = session as Record<string, unknown>
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  const asText = (object: Record<string, unknown>, key: string) => sessionText({
    get value() { return Object.hasOwn(object, key) ? object[key] : undefined }, // one that throws is caught there
  })
  return [...keys].filter((key) => asText(before, key) !== asText(after, key))
}

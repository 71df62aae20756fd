/**
 * A session as a flat list: for an object {@link objectStart}, its names and values in turn, and {@link end}; for an
 * array {@link arrayStart}, its values, and the end. Two sessions have the same list if and only if they have the same
 * JSON text. To make a list and compare it takes less than half the time that a text takes.
 */
export type Tokens = readonly unknown[]

export const objectStart: unique symbol = Symbol('{')
export const arrayStart: unique symbol = Symbol('[')
export const end: unique symbol = Symbol('end')

export const maxDepth = 64 // levels of objects and arrays, the session's own included

/** Whether it is an object literal, of any realm, an object without a prototype, or an array of no subclass. */
export function isPlainValue(value: object): boolean {
  const literal = Array.isArray(value) ? Object.getPrototypeOf(value) as object : value // Array.prototype is one
  const prototype: object | null = Object.getPrototypeOf(literal)
  return prototype === null || prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
}

/**
 * Hands out the tokens of a value one by one, as long as they are taken, and says whether all were. What is nested too
 * deep, of a class (in JSON a Map is an empty object, whatever is in it) or called `__proto__` ends it.
 */
function areTaken(value: unknown, take: (token: unknown) => boolean, depth = 1): boolean {
  if (value === null || typeof value !== 'object') return take(value)
  if (depth > maxDepth || !isPlainValue(value)) return false
  if (Array.isArray(value)) {
    if (!take(arrayStart)) return false
    for (let index = 0; index < value.length; index++) if (!areTaken(value[index], take, depth + 1)) return false
  } else {
    if (!take(objectStart)) return false
    for (const name of Object.keys(value)) {
      if (name === '__proto__' || !take(name)) return false
      if (!areTaken(value[name as keyof typeof value], take, depth + 1)) return false
    }
  }
  return take(end)
}

/** The tokens of a session that came from JSON.parse; undefined for one that could not be stored again. */
export function tokensOf(session: object): Tokens | undefined {
  const tokens: unknown[] = []
  // JSON.parse makes an infinity of a number that is out of range.
  const isStorable = areTaken(session, (token) => tokens.push(token) > 0 && token !== Infinity && token !== -Infinity)
  return isStorable ? tokens : undefined
}

/** Whether a session, whatever it has become, still has these tokens. */
export function hasTokens(session: unknown, tokens: Tokens): boolean {
  let at = 0
  return areTaken(session, (token) => tokens[at++] === token)
}

/** The lengths need not be compared, since no list is the beginning of another. */
export function areSame(tokens: Tokens, others: Tokens): boolean {
  return tokens.every((token, index) => token === others[index])
}

import { hasTokens, type Tokens } from './session-tokens.js'
import { checkValues, unreadableError, valueError } from './session-values.js'

/**
 * The JSON text of a session.
 * @throws ValueError, SizeError as {@link checkValues} does
 */
export function stringifySession(session: object): string {
  return stringifyChecked(session, checkValues(session))
}

/**
 * The JSON text of a session whose values were looked at, which is proved to hold these values and no others.
 * @throws ValueError where it does not: a getter, a `toJSON` or raw JSON may make something else of them
 */
export function stringifyChecked(session: object, tokens: Tokens): string {
  try {
    const text = JSON.stringify(session)
    if (hasTokens(JSON.parse(text), tokens)) return text
  } catch {
    throw unreadableError()
  }
  throw valueError('session', 'not the same when it is read twice, or a toJSON changes it')
}

/** The session that a JSON text holds, with a null prototype, or undefined where it holds none. */
export function parseSession(text: string): object | undefined {
  let session: unknown
  try {
    session = JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error // the stack is used up: that says nothing about the text
  }
  if (session === null || typeof session !== 'object' || Array.isArray(session)) return undefined
  return Object.setPrototypeOf(session, null) as object
}

/** The JSON text of a session, or undefined where it cannot be stored. */
export function textOf(session: object): string | undefined {
  try {
    return stringifySession(session)
  } catch {
    return undefined
  }
}

const maxChangedKeys = 64 // that are told; a session may have grown without a bound

/** The first names at the top level whose values differ between a JSON text and a session. */
export function changedKeys(text: string, session: object): string[] {
  const before = JSON.parse(text) as Record<string, unknown>
  const after = session as Record<string, unknown>
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  const valueText = (object: Record<string, unknown>, key: string) => textOf({
    get value() { return Object.hasOwn(object, key) ? object[key] : undefined }, // one that throws is caught there
  })
  const changed: string[] = []
  for (const key of keys) {
    if (valueText(before, key) !== valueText(after, key)) changed.push(key)
    if (changed.length === maxChangedKeys) break
  }
  return changed
}

const maxLength = 64 // characters of a name that are worth reading in a message

/** What shows nothing, or moves what stands around it: controls, formats, and what is private or unassigned. */
const hidden = /[\p{C}\p{Zl}\p{Zp}]/gu

/**
 * A name that somebody else chose, as it may stand in a message or a log: an identifier as it is, anything else as a
 * JSON string with all that is hidden escaped. So no name can forge a line or turn text around.
 */
export function quoted(name: string): string {
  const start = name.slice(0, maxLength)
  if (isIdentifier(start)) return start
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(start).replace(hidden, (character) => character.replace(/[^]/g, escaped)) // a pair becomes two
}

/** Whether a name can follow a dot (ECMA-262 §12.7) and hides nothing, as one with a joiner in it does. */
export function isIdentifier(name: string): boolean {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) && name.search(hidden) === -1
}

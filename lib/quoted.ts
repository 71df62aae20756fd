const maxLength = 64 // characters of a name that are worth reading in a message

/**
 * A name that somebody else chose, as it may stand in a message or a log: an identifier as it is, anything else as a
 * JSON string. So a line break or an escape sequence in it cannot forge a line or move a terminal's cursor. JSON leaves
 * DEL and 0x80 to 0x9f alone, which are control characters too.
 */
export function quoted(name: string): string {
  const start = name.slice(0, maxLength)
  if (isIdentifier(start)) return start
  return JSON.stringify(start).replace(/[\x7f-\x9f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
}

/** Whether a name can follow a dot (ECMA-262 §12.7). */
export function isIdentifier(name: string): boolean {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
}

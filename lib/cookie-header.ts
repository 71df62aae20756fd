/** The most different values of one name that are looked at; bounds the work for a header full of forged cookies. */
export const maxCandidates = 4

const semicolon = 0x3b

/** The end of a run of spaces and tabs that starts at `at` and goes by `step`, no further than `end`. */
function skip(header: string, at: number, step: 1 | -1, end: number): number {
  for (; at !== end; at += step) {
    const code = header.charCodeAt(at)
    if (code !== 0x20 && code !== 0x09) break
  }
  return at
}

/** A part of a header without the spaces and tabs around it. A regular expression would take quadratic time for it. */
export function trimmed(text: string): string {
  const start = skip(text, 0, 1, text.length)
  return text.slice(start, skip(text, text.length - 1, -1, start - 1) + 1)
}

/**
 * The different values sent under `name`, in their order, and at most one more of them than are looked at.
 *
 * A pair is what stands between semicolons, less the white space around it; its name is what stands before the first
 * `=`, and must be ours byte for byte. Nothing is unquoted or decoded, so no other name can be turned into ours.
 * This is stricter than RFC 6265bis §5.6, which browsers apply to what they are sent: none of them sends more.
 */
export function cookieValues(header: unknown, name: string): string[] {
  const values: string[] = []
  if (typeof header !== 'string') return values
  const wanted = `${name}=`
  let at = header.indexOf(wanted)
  while (at !== -1 && values.length <= maxCandidates) {
    const before = skip(header, at - 1, -1, -1)
    const start = at + wanted.length
    if (before === -1 || header.charCodeAt(before) === semicolon) {
      const next = header.indexOf(';', start)
      const end = next === -1 ? header.length : next
      const value = header.slice(start, skip(header, end - 1, -1, start - 1) + 1)
      if (!values.includes(value)) values.push(value)
      at = header.indexOf(wanted, end)
    } else {
      at = header.indexOf(wanted, start)
    }
  }
  return values
}

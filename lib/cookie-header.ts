const maxCandidates = 4 // bounds the work for a header full of forged cookies

/** Skips spaces and tabs, the only white space of a Cookie header, from `at` by `step` until `end`. */
function skip(header: string, at: number, step: 1 | -1, end: number): number {
  for (; at !== end; at += step) {
    const code = header.charCodeAt(at)
    if (code !== 0x20 && code !== 0x09) break
  }
  return at
}

/**
 * The values sent under `name`, in their order: the first four, and no more.
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
  while (at !== -1 && values.length < maxCandidates) {
    const before = skip(header, at - 1, -1, -1)
    const start = at + wanted.length
    if (before === -1 || header.charCodeAt(before) === 0x3b) {
      const semicolon = header.indexOf(';', start)
      const end = semicolon === -1 ? header.length : semicolon
      values.push(header.slice(start, skip(header, end - 1, -1, start - 1) + 1))
      at = header.indexOf(wanted, end)
    } else {
      at = header.indexOf(wanted, start)
    }
  }
  return values
}

/**
 * A Set-Cookie line as a browser reads it: RFC 6265bis section 5.6, draft 22, before any storing.
 */
export type ParsedSetCookie = {
  name: string
  value: string
  /** In the line's order, names in lower case, doubles and unknown ones included, ones of over 1024 octets left out. */
  attributes: [name: string, value: string][]
}

const nameAndValueLimit = 4096 // octets, section 5.6 step 5
const attributeLimit = 1024 // octets, section 5.6, step 6 of the attributes

/** All control characters but HTAB: a line with one of them is ignored (step 1). */
const control = /[\u0000-\u0008\u000a-\u001f\u007f]/

/** Space and tab, section 2.2; String.prototype.trim takes far more. */
const trim = (text: string) => text.replace(/^[ \t]+|[ \t]+$/g, '')

/** Node hands header fields out as Latin-1: one character, one octet. */
const octets = (text: string) => Buffer.byteLength(text, 'latin1')

/** `undefined` where a browser ignores the whole line. */
export function parseSetCookie(line: string): ParsedSetCookie | undefined {
  if (control.test(line)) return undefined
  const [pair = '', ...rest] = line.split(';')
  const equals = pair.indexOf('=')
  const name = trim(equals === -1 ? '' : pair.slice(0, equals))
  const value = trim(pair.slice(equals + 1))
  if (name === '' && value === '') return undefined
  if (octets(name) + octets(value) > nameAndValueLimit) return undefined

  const attributes: [string, string][] = []
  for (const av of rest) {
    const at = av.indexOf('=')
    const avName = trim(at === -1 ? av : av.slice(0, at)).toLowerCase()
    const avValue = at === -1 ? '' : trim(av.slice(at + 1))
    if (octets(avValue) <= attributeLimit) attributes.push([avName, avValue])
  }
  return { name, value, attributes }
}

/** The attribute that counts when a name is there twice: the last one. */
export function lastAttribute({ attributes }: ParsedSetCookie, name: string): string | undefined {
  return attributes.findLast(([attribute]) => attribute === name)?.[1]
}

/** What a cookie is bound to, and what its name demands: the rules that a browser applies without a word. */

/** RFC 9110 §5.6.2: `token = 1*tchar`. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(value)
}

/**
 * RFC 6265bis §4.1.1: `path-value = *av-octet`, any octet but controls and `;`. Here it starts with `/`, since the
 * browser would put its own path in its place (§5.6.4), has at most 1024 octets, since a longer one is ignored (§5.6),
 * and none of the characters that no URL's path has once a browser has parsed it, since it would match no request.
 */
export function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 1024 && /^\/[!$-:=@-[\]_a-z~]*$/.test(value)
}

/**
 * RFC 6265bis §4.1.1: `domain-value = <subdomain>`, RFC 1034 §3.5 as changed by RFC 1123 §2.1; no leading dot.
 * Underscores are no part of these, but of names that are in use and that browsers keep.
 */
export function isDomain(value: unknown): value is string {
  const label = /^\w(?:[\w-]{0,61}\w)?$/
  return typeof value === 'string' && value.length <= 253 && value.split('.').every((part) => label.test(part))
}

/**
 * The conditions of name prefixes, which a browser matches without regard to case (RFC 6265bis §4.1.3, §5.7; the
 * `__Http-` ones are of its successor).
 * @throws TypeError for a cookie that a browser would drop without a word
 */
export function checkPrefix(
  name: string, path: string,
  { secure, httpOnly, domain }: { secure: boolean | 'auto', httpOnly: boolean, domain: string | undefined },
): void {
  const prefix = /^__(?:host-http|host|http|secure)-/i.exec(name)?.[0].toLowerCase()
  if (prefix === undefined) return
  const refuse = (option: string, wanted: string) => {
    throw new TypeError(`"${option}" expected ${wanted}, since the cookie's name starts with ${prefix}`)
  }
  if (secure !== true) refuse('secure', 'true')
  if (prefix.includes('http') && !httpOnly) refuse('httpOnly', 'true')
  if (prefix.startsWith('__host')) {
    if (domain !== undefined) refuse('domain', 'none')
    if (path !== '/') refuse('cookiePath', "'/'")
  }
}

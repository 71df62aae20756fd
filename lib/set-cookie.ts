import type { Settings } from './options.js'

/**
 * The whole value of a Set-Cookie header, in bytes: the smallest limit found in browsers (some count the attributes
 * too), a little below the 4096 octets for name and value of RFC 6265bis §5.7.
 */
export const maxLineLength = 4093

/*
 * A Set-Cookie line, RFC 6265bis §4.1.1:
 *
 *     name=value [; Max-Age=seconds [; Expires=date]] ; Path=path [; Domain=domain] [; Secure] [; HttpOnly] ; SameSite=… [; Partitioned]
 */

/** Makes the browser keep the cookie for so many seconds; without it, until it closes. */
export function keepFor(seconds: number): string {
  return `; Max-Age=${seconds}`
}

/** Makes the browser forget the cookie at once; Expires is for those that don't know Max-Age. */
export const forget = '; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'

/** The attributes that are the same whenever the cookie is set or expired. */
export function cookieAttributes(path: string, settings: Settings, secure: boolean): string {
  const { domain, httpOnly, sameSite, partitioned } = settings
  return `; Path=${path}` +
    (domain === undefined ? '' : `; Domain=${domain}`) +
    (secure ? '; Secure' : '') +
    (httpOnly ? '; HttpOnly' : '') +
    `; SameSite=${sameSite[0]!.toUpperCase()}${sameSite.slice(1)}` +
    (partitioned ? '; Partitioned' : '')
}

/** RFC 9110 §5.6.2: `token = 1*tchar`. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(value)
}

/**
 * RFC 6265bis §4.1.1: `path-value = *av-octet`, any octet but controls and `;`. Here it starts with `/` and does not
 * end in a space, since the browser would put its own path or a trimmed one (§5.6) in its place, and has at most
 * 1024 octets, since a longer one is ignored.
 */
export function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 1024 && /^\/(?:[ -:<-~]*[!-:<-~])?$/.test(value)
}

/** RFC 6265bis §4.1.1: `domain-value = <subdomain>`, RFC 1034 §3.5 as changed by RFC 1123 §2.1; no leading dot. */
export function isDomain(value: unknown): value is string {
  const label = /^[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?$/
  return typeof value === 'string' && value.length <= 253 && value.split('.').every((part) => label.test(part))
}

/**
 * The conditions of name prefixes, which a browser matches without regard to case (RFC 6265bis §4.1.3, §5.7; the
 * `__Http-` ones are of its successor).
 * @throws TypeError for a cookie that a browser would drop without a word
 */
export function checkPrefix(name: string, path: string, { secure, httpOnly, domain }: Settings): void {
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

/** The name in a Set-Cookie line that somebody else wrote, as a browser reads it (RFC 6265bis §5.6). */
export function nameInLine(line: unknown): string {
  const [pair] = String(line).split(';', 1) as [string]
  return pair.slice(0, Math.max(0, pair.indexOf('='))).replace(/^[ \t]+|[ \t]+$/g, '')
}

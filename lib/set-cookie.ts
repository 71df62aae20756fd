import { trimmed } from './cookie-header.js'

/**
 * The whole value of a Set-Cookie header, in bytes: the smallest limit found in browsers (some count the attributes
 * too), a little below the 4096 octets for name and value of RFC 6265bis §5.7.
 */
export const maxLineLength = 4093

/*
 * A Set-Cookie line, RFC 6265bis §4.1.1:
 *
 *     name=value [; Max-Age=seconds; Expires=date] ; Path=path [; Domain=domain]
 *       [; Secure] [; HttpOnly] ; SameSite=… [; Partitioned]
 */

/** What a cookie's attributes are made from. */
export interface Attributes {
  readonly httpOnly: boolean
  readonly sameSite: 'strict' | 'lax' | 'none'
  readonly domain: string | undefined
  readonly partitioned: boolean
}

/**
 * Makes the browser keep the cookie until a time in Unix seconds, which is some seconds from now; without it, until it
 * closes. Max-Age counts where a client knows it. Others know Expires alone, and some take a cookie without Expires for
 * one of RFC 2965, and send it quoted. The date is an IMF-fixdate (RFC 9110 §5.6.7).
 */
export function keepUntil(end: number, seconds: number): string {
  return `; Max-Age=${seconds}; Expires=${new Date(end * 1000).toUTCString()}`
}

/** Makes the browser forget the cookie at once. */
export const forget = '; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'

/** The attributes that are the same whenever the cookie is set or expired. */
export function cookieAttributes(path: string, attributes: Attributes, secure: boolean): string {
  const { domain, httpOnly, sameSite, partitioned } = attributes
  return `; Path=${path}` +
    (domain === undefined ? '' : `; Domain=${domain}`) +
    (secure ? '; Secure' : '') +
    (httpOnly ? '; HttpOnly' : '') +
    `; SameSite=${sameSite[0]!.toUpperCase()}${sameSite.slice(1)}` +
    (partitioned ? '; Partitioned' : '')
}

/**
 * Whether two Set-Cookie lines set one cookie, as a browser compares them when it gets both in answer to a request for
 * `url` (RFC 6265bis §5.7): by name, domain, path and partition.
 */
export function setSameCookie(line: string, other: string, url: string | undefined): boolean {
  if (nameIn(line) !== nameIn(other)) return false
  const [a, b] = [scopeIn(line, url), scopeIn(other, url)]
  return a.domain === b.domain && a.path === b.path && a.partitioned === b.partitioned
}

function nameIn(line: string): string {
  const [pair] = line.split(';', 1) as [string]
  return trimmed(pair.slice(0, Math.max(0, pair.indexOf('='))))
}

/**
 * RFC 6265bis §5.6: the last attribute of a name counts; §5.6.3: a leading dot does not; §5.6.4: an empty or relative
 * Path means the default path.
 */
function scopeIn(line: string, url: string | undefined): { domain: string, path: string, partitioned: boolean } {
  const scope = { domain: '', path: '', partitioned: false }
  for (const attribute of line.split(';').slice(1)) {
    const equals = attribute.indexOf('=')
    const name = trimmed(equals === -1 ? attribute : attribute.slice(0, equals)).toLowerCase()
    const value = equals === -1 ? '' : trimmed(attribute.slice(equals + 1))
    if (name === 'domain') scope.domain = value.replace(/^\./, '').toLowerCase()
    if (name === 'path') scope.path = value.startsWith('/') ? value : ''
    if (name === 'partitioned') scope.partitioned = true
  }
  if (scope.path === '') scope.path = defaultPath(url)
  return scope
}

/** RFC 6265bis §5.1.4: the path of the request up to its last slash. */
function defaultPath(url: string = '/'): string {
  const [path] = url.split(/[?#]/, 1) as [string]
  return path.startsWith('/') ? path.slice(0, path.lastIndexOf('/')) || '/' : '/'
}

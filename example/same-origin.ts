import type { IncomingMessage } from 'node:http'

/**
 * Whether a request was made by a page of this very origin, or by no page at all. The cookie is `SameSite=Lax`, which
 * keeps other sites' forms from using a session; this keeps them from starting or ending one, siblings included.
 */
export function sameOrigin({ headers }: IncomingMessage): boolean {
  // Fetch Metadata: a page cannot choose this header. `none` is a person at the address bar.
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'

  // Older browsers, and plain HTTP that is not on localhost. Hosts alone are compared: TLS may end at a proxy.
  const { origin, host } = headers
  if (origin !== undefined) return URL.canParse(origin) && new URL(origin).host === host

  return true // no browser: all of them send Origin with a POST (RFC 6454 §7)
}

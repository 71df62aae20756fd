/**
 * A browser's cookie store after RFC 6265bis, draft 22: storing (section 5.7), expiry (5.5) and sending (5.8). It plays
 * the browser in the stories, with a clock that the test moves. It keeps partitions apart, as CHIPS has it. Two
 * things it does not have: JavaScript's view of the cookies, and a list of public suffixes (a domain of one label is
 * one, and a site is the last two labels).
 */
import { lastAttribute, parseSetCookie, type ParsedSetCookie } from './set-cookie-parser.js'

export type StoredCookie = {
  name: string
  value: string
  domain: string
  path: string
  hostOnly: boolean
  secure: boolean
  httpOnly: boolean
  sameSite: 'Strict' | 'Lax' | 'None' | 'Default'
  /** The site whose pages a partitioned cookie is for (CHIPS); undefined for a cookie that is not partitioned. */
  partition: string | undefined
  persistent: boolean
  createdAt: number
  expiresAt: number
  order: number // settles ties between cookies of one millisecond
}

/** How a request came about; without any of it, somebody typed the address. */
export type RequestKind = {
  method?: string
  /** The page that caused the request. */
  from?: string
  /** Whether the answer replaces the page in the tab. */
  topLevel?: boolean
}

const mostOfSite = 180 // cookies, in Chromium
const longestLife = 400 * 24 * 3600 * 1000 // milliseconds, section 5.5

export class BrowserJar {
  readonly #now: () => number
  #cookies: StoredCookie[] = []
  #order = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Every cookie that has not expired. */
  get cookies(): readonly StoredCookie[] {
    this.#cookies = this.#cookies.filter((cookie) => cookie.expiresAt > this.#now())
    return this.#cookies
  }

  /** Takes a response's Set-Cookie lines; tells which of them a browser would have stored or used to delete. */
  receive(url: string, lines: readonly string[], kind: RequestKind = {}): boolean[] {
    return lines.map((line) => {
      const parsed = parseSetCookie(line)
      const cookie = parsed && this.#accept(new URL(url), parsed, kind)
      if (!cookie) return false
      const old = this.cookies.find((other) => sameIdentity(other, cookie))
      if (old) cookie.createdAt = old.createdAt
      if (old) cookie.order = old.order
      this.#cookies = [...this.#cookies.filter((other) => other !== old), cookie]
      this.#evict(registrable(cookie.domain))
      return true
    })
  }

  /** The Cookie field of a request (section 5.8.3), or `undefined` for none. */
  header(url: string, kind: RequestKind = {}): string | undefined {
    const { hostname, pathname, protocol } = new URL(url)
    const matching = this.cookies.filter((cookie) =>
      (cookie.hostOnly ? hostname === cookie.domain : domainMatches(hostname, cookie.domain)) &&
      pathMatches(pathname, cookie.path) &&
      (cookie.partition === undefined || cookie.partition === topLevelSite(url, kind)) &&
      (!cookie.secure || protocol === 'https:') &&
      (cookie.sameSite === 'None' || sameSite(url, kind) || cookie.sameSite !== 'Strict' && safeNavigation(kind)))
    matching.sort((a, b) =>
      b.path.length - a.path.length || a.createdAt - b.createdAt || a.order - b.order)
    return matching.length === 0
      ? undefined
      : matching.map(({ name, value }) => name === '' ? value : `${name}=${value}`).join('; ')
  }

  /** The browser is closed: section 5.7's "the current session is over". */
  close(): void {
    this.#cookies = this.#cookies.filter((cookie) => cookie.persistent)
  }

  /** The end of section 5.7: where a site has too many, the oldest that is not Secure goes first. */
  #evict(site: string): void {
    const held = this.#cookies.filter(({ domain }) => registrable(domain) === site)
    const [first] = held.toSorted((a, b) => Number(a.secure) - Number(b.secure) || a.order - b.order)
    if (held.length > mostOfSite) this.#cookies = this.#cookies.filter((one) => one !== first)
  }

  /** Section 5.7, in its order. */
  #accept(url: URL, parsed: ParsedSetCookie, kind: RequestKind): StoredCookie | undefined {
    const now = this.#now()
    const { hostname, pathname, protocol } = url
    const { name, value } = parsed
    const has = (attribute: string) => lastAttribute(parsed, attribute) !== undefined
    const secureConnection = protocol === 'https:'
    const expiry = expiryOf(parsed, now)

    let domain = (lastAttribute(parsed, 'domain') ?? '').replace(/^\./, '').toLowerCase()
    if (/[^\u0000-\u007f]/.test(domain)) return undefined
    if (domain !== '' && !domain.includes('.')) {
      if (domain !== hostname) return undefined
      domain = ''
    }
    if (domain !== '' && !domainMatches(hostname, domain)) return undefined

    const path = lastAttribute(parsed, 'path')
    const cookie: StoredCookie = {
      name,
      value,
      domain: domain === '' ? hostname : domain,
      path: path?.startsWith('/') ? path : defaultPath(pathname),
      hostOnly: domain === '',
      secure: has('secure'),
      httpOnly: has('httponly'),
      sameSite: sameSiteOf(lastAttribute(parsed, 'samesite')),
      partition: has('partitioned') ? topLevelSite(url.href, kind) : undefined,
      persistent: expiry !== undefined,
      createdAt: now,
      expiresAt: expiry ?? Infinity,
      order: this.#order++,
    }
    if (cookie.secure && !secureConnection) return undefined
    if (!cookie.secure && !secureConnection && this.cookies.some((old) => leavesAlone(old, cookie))) return undefined
    if (cookie.sameSite !== 'None' && !sameSite(url.href, kind) && !kind.topLevel) return undefined
    if (cookie.sameSite === 'None' && !cookie.secure) return undefined
    if (cookie.partition !== undefined && !cookie.secure) return undefined // CHIPS, section 2.3
    return prefixAllows(cookie, path !== undefined) ? cookie : undefined
  }
}

/**
 * Step 6: Max-Age counts before Expires; section 5.5 cuts both to 400 days. Of a date's many spellings (section 5.1.1)
 * this knows those that Date.parse does.
 */
function expiryOf(parsed: ParsedSetCookie, now: number): number | undefined {
  const [, maxAge] = parsed.attributes.findLast(([name, value]) => name === 'max-age' && /^-?\d+$/.test(value)) ?? []
  if (maxAge !== undefined) {
    return Number(maxAge) <= 0 ? -Infinity : Math.min(now + Number(maxAge) * 1000, now + longestLife)
  }
  const date = Date.parse(lastAttribute(parsed, 'expires') ?? '')
  return Number.isNaN(date) ? undefined : Math.min(date, now + longestLife)
}

/** Section 5.1.3, for names; an IP address has no parent domains. */
function domainMatches(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`) && !/^[\d.]+$|^\[/.test(host)
}

/** Section 5.1.4. */
function pathMatches(requestPath: string, path: string): boolean {
  return requestPath === path ||
    requestPath.startsWith(path) && (path.endsWith('/') || requestPath[path.length] === '/')
}

function defaultPath(requestPath: string): string {
  return requestPath.slice(0, Math.max(1, requestPath.lastIndexOf('/')))
}

function sameSiteOf(value = ''): StoredCookie['sameSite'] {
  return (['Strict', 'Lax', 'None'] as const).find((known) => known.toLowerCase() === value.toLowerCase()) ?? 'Default'
}

function sameSite(url: string, { from }: RequestKind): boolean {
  return from === undefined || site(from) === site(url)
}

/** The site in the address bar once the answer is there, which is what partitions go by (CHIPS, section 2.1). */
function topLevelSite(url: string, { from = url, topLevel = false }: RequestKind): string {
  return site(topLevel ? url : from)
}

function site(url: string): string {
  const { hostname, protocol } = new URL(url)
  return `${protocol}//${registrable(hostname)}`
}

function registrable(host: string): string {
  return host.split('.').slice(-2).join('.')
}

function safeNavigation({ method = 'GET', topLevel = false }: RequestKind): boolean {
  return topLevel && ['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(method)
}

function sameIdentity(a: StoredCookie, b: StoredCookie): boolean {
  return a.name === b.name && a.domain === b.domain && a.hostOnly === b.hostOnly && a.path === b.path &&
    a.partition === b.partition
}

/** Step 16: plain HTTP does not overlay a Secure cookie. */
function leavesAlone(old: StoredCookie, fresh: StoredCookie): boolean {
  return old.secure && old.name === fresh.name && pathMatches(fresh.path, old.path) &&
    (domainMatches(old.domain, fresh.domain) || domainMatches(fresh.domain, old.domain))
}

/** Steps 20 to 22, and the two prefixes that draft-ietf-httpbis-layered-cookies adds. All compare in any case. */
function prefixAllows(cookie: StoredCookie, pathGiven: boolean): boolean {
  const { name, value, secure, httpOnly } = cookie
  const starts = (text: string, prefix: string) => text.toLowerCase().startsWith(prefix)
  const oneHost = secure && cookie.hostOnly && pathGiven && cookie.path === '/'
  if (starts(name, '__secure-') && !secure) return false
  if (starts(name, '__host-') && !oneHost) return false
  if (starts(name, '__http-') && !(secure && httpOnly)) return false
  if (starts(name, '__host-http-') && !httpOnly) return false
  return name !== '' || !['__secure-', '__host-', '__http-'].some((prefix) => starts(value, prefix))
}

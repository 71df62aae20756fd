/**
 * What `NODE_DEBUG=seshcookie` prints: a line for each request that asks for its session, with what came, what was
 * written, and what a browser will do with it. Names, lengths and reasons, never values. Off, it costs a look at one
 * boolean.
 */
import { debuglog } from 'node:util'
import { cookieValues } from './cookie-header.js'
import type { SessionEvent } from './events.js'
import { inWords } from './lifetime.js'
import type { Opened, Refused } from './opening.js'
import { quoted } from './quoted.js'
import { forwardedHost, isForwardedTls, isTls, labelOf, ownHeader, pathOf } from './request.js'
import type { SessionCookie } from './session-cookie.js'
import type { AnyRequest } from './types.js'

const log = debuglog('seshcookie')

export const isDebugging: boolean = log.enabled === true

const maxNames = 20 // of cookies that are listed
const pairAfterComma = /,\s*[!#$%&'*+.^`|~\w-]+=/ // no comma alone: an application's own cookie may hold some
const ownMachine = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/ // hosts

const causes = {
  length: 'its length is none of ours; usually another application on this host uses the name, or the value was cut',
  format: 'it is not spelled as ours are; usually another application on this host uses the name',
  tag: 'its tag does not match; usually it was sealed with another key (the same text as bytes is another one), such ' +
    'as one made at each start, or under another name, domain, path or "partitioned", or by another application on ' +
    'this host',
  ambiguous: 'two different ones open, or more than four came; usually one was set under another path or domain',
  invalid: '"validate" refused it',
}

const hints = {
  maxAge: 'which counts from the beginning of the session',
  idleTimeout: 'which counts from when the cookie was last sent',
  future: 'so a clock is wrong',
}

const joined = 'something joined the cookies by commas instead of semicolons'

/** What became of the cookies of a request. */
type Read = Opened | Refused | undefined

/** A session that was read where there is no response to save it on. */
export function reportRead(req: AnyRequest, cookie: SessionCookie, read: Read): void {
  log('%s: %s; not attached to a response, so changes are not saved', labelOf(req), came(req, cookie, read))
}

/** The head of a response to a request that asked for its session has left. */
export function reportHead(
  req: AnyRequest, cookie: SessionCookie, read: Read, decision: Written, hasYielded: boolean,
): void {
  const effects = decision.line === undefined ? [] : consequences(req, cookie, decision.line)
  const wrote = hasYielded
    ? 'renewed nothing, since the application wrote a line of its own for this cookie'
    : written(decision)
  log('%s: %s', labelOf(req), [came(req, cookie, read), wrote, ...effects].join('; '))
}

/** A change came too late. */
export function reportLate(req: AnyRequest, error: Error): void {
  log('%s: %s', labelOf(req), error.message)
}

/** Which cookies came, and why ours did or did not open. */
function came(req: AnyRequest, cookie: SessionCookie, read: Read): string {
  const header = String(ownHeader(req, 'cookie'))
  // A pair without "=" is a value without a name (RFC 6265bis §5.6).
  const pairs = header.split(';').filter((pair) => pair.includes('='))
  const names = [...new Set(pairs.map((pair) => pair.split('=', 1)[0]!.trim()).filter((name) => name !== ''))]
  const listed = names.slice(0, maxNames).map((name) => name === cookie.name ? name : quoted(name))
  const list = names.length === 0 ? 'no cookies came' : `cookies: ${listed.join(', ')}`
  if (read !== undefined) {
    return 'session' in read
      ? `${list}; ${cookie.name} opened with key ${read.contents.keyIndex}`
      : `${list}; ${cookie.name} did not open: ${whyRefused(read, cookie, header)}`
  }
  if (names.includes(cookie.name)) return `${list}; ${cookie.name} was not looked at, since the session was cleared`
  return `${list}; no ${cookie.name} came${whyNone(req, cookie, header)}`
}

function whyRefused({ reason, expiry }: Refused, { name }: SessionCookie, header: string): string {
  if (expiry !== undefined) {
    return `it is ${inWords(expiry)}, ${hints[expiry.reason]}`
  }
  const isMisspelt = reason === 'length' || reason === 'format'
  if (isMisspelt && cookieValues(header, name).some((value) => pairAfterComma.test(value))) return joined
  return causes[reason as keyof typeof causes]
}

function whyNone(req: AnyRequest, { name, settings: { sameSite } }: SessionCookie, header: string): string {
  if (header.split(',').some((part) => part.trimStart().startsWith(`${name}=`))) return `: ${joined}`
  const site = ownHeader(req, 'sec-fetch-site')
  const isFetch = ownHeader(req, 'sec-fetch-mode') === 'cors'
  const isPage = ownHeader(req, 'sec-fetch-dest') === 'document'
  // RFC 6265bis §5.6.7.1: Lax lets a link of another site through.
  if (site === 'cross-site' && (sameSite === 'strict' || sameSite === 'lax' && !(isPage && req.method === 'GET'))) {
    const too = isFetch ? ' (even with SameSite=None, fetch needs credentials: "include")' : ''
    const instead = isPage ? '; what is stored now takes the place of the session that the browser has' : ''
    return `: the ${req.method} comes from another site, and the cookie is SameSite=${sameSite}${too}${instead}`
  }
  // Node's own fetch says no site, and has no cookies.
  return isFetch && (site === 'same-site' || site === 'cross-site')
    ? ': the page that asked is of another origin, and has to fetch with credentials: "include"'
    : ''
}

/** What was written, and why. */
interface Written {
  readonly line?: string
  readonly event?: SessionEvent
  readonly failed?: boolean
}

function written({ line, event, failed }: Written): string {
  if (event?.type === 'failed') return `wrote nothing${failed ? ' and answered 500' : ''}, since ${event.error.message}`
  if (line === undefined) return 'wrote nothing, since the session is as it came'
  const [start, length] = [line.indexOf('=') + 1, line.indexOf(';') - line.indexOf('=') - 1]
  const masked = `${line.slice(0, start)}${length === 0 ? '' : `(${length} characters)`}${line.slice(start + length)}`
  return `wrote ${masked}${event?.type === 'saved' && event.renewed ? ', to renew it' : ''}`
}

/** What a browser will do with a line, as far as the request tells. */
function* consequences(req: AnyRequest, { name, path, settings }: SessionCookie, line: string): Generator<string> {
  const { domain, secure, sameSite } = settings
  const host = hostOf(req)
  const isSecure = line.includes('; Secure')
  if (isSecure && !isTls(req) && !isForwardedTls(req)) {
    const prefix = name.startsWith('__') ? ', as its prefix demands' : ''
    yield `a browser drops it, unless a proxy ends TLS: it is Secure${prefix}, and the request came over plain HTTP ` +
      '(most take it from localhost)'
  }
  const isOutside = domain !== undefined && !isCovered(host, domain.toLowerCase())
  if (isOutside) {
    const unless = forwardedHost(req) === undefined ? ', unless a proxy rewrote Host' : ''
    yield `a browser drops it: Domain=${domain} does not cover the host ${quoted(host)}${unless}`
  } else if (!isSecure && isForwardedTls(req)) {
    yield 'it is not Secure, although the browser uses TLS: set "secure" to true'
  } else if (!isSecure && secure === 'auto' && mayHoldSecure(req, name, host)) {
    yield 'a browser that has a Secure cookie of this name, from https, drops it'
  }
  if (!isWithin(pathOf(req), path)) yield `a browser does not send it to this URL, which is not below Path=${path}`
  if (ownHeader(req, 'sec-fetch-site') === 'cross-site' && ownHeader(req, 'sec-fetch-dest') !== 'document' &&
    sameSite !== 'none') {
    yield 'a browser drops it: the request comes from a page of another site'
  }
}

/** RFC 6265bis §5.1.3. A name without a dot, such as `com`, covers no other: it is a public suffix (§5.7). */
function isCovered(host: string, domain: string): boolean {
  return host === domain || domain.includes('.') && host.endsWith(`.${domain}`)
}

/** The host that the browser asked for, as far as the request tells, without its port. */
function hostOf(req: AnyRequest): string {
  const host = forwardedHost(req) ?? ownHeader(req, 'host') ?? ownHeader(req, ':authority')
  return String(host).replace(/:\d+$/, '').toLowerCase()
}

/**
 * Whether the browser may hold a Secure cookie of a name, to a request over plain HTTP: not if it sent one of that
 * name, which is not Secure then. From its own machine most take it all the same.
 */
function mayHoldSecure(req: AnyRequest, name: string, host: string): boolean {
  return !ownMachine.test(host) && cookieValues(ownHeader(req, 'cookie'), name).length === 0
}

/** RFC 6265bis §5.1.4. */
function isWithin(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`)
}

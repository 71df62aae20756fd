/**
 * What `NODE_DEBUG=seshcookie` prints: a line for each request that asks for its session, with what came, what was
 * written, and what a browser will do with it. Names, lengths and reasons, never values. Nothing else imports from here
 * but the state of a request, which looks at one boolean.
 */
import { debuglog } from 'node:util'
import { cookieValues } from './cookie-header.js'
import type { SessionEvent } from './events.js'
import { quoted } from './quoted.js'
import type { SessionCookie } from './session-cookie.js'
import { textOf } from './session-json.js'
import { askedUrl, forwardedHost, isForwardedTls, isTls, ownHeader } from './transport.js'
import type { AnyRequest } from './types.js'

const log = debuglog('seshcookie')

export const isDebugging: boolean = log.enabled === true

const maxNames = 20 // of cookies that are listed
const maxPath = 256 // characters of a path that are shown
const maxWatched = 1000 // sessions that are looked at for late changes
const lookEvery = 100 // milliseconds
const pairAfterComma = /,\s*[!#$%&'*+.^`|~\w-]+=/ // no comma alone: an application's own cookie may hold some
const ownMachine = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/ // hosts

const causes = {
  length: 'its length is none of ours; usually another application on this host uses the name, or the value was cut',
  format: 'it is not spelled as ours are; usually another application on this host uses the name',
  tag: 'its tag does not match; usually it was sealed with another key, or under another name, domain, path or ' +
    '"partitioned", or by another application on this host',
  expired: 'it is past "maxAge" or "idleTimeout", or from the future; usually it is old, else a clock is wrong',
  ambiguous: 'two different ones open, or more than four came; usually one was set under another path or domain',
  invalid: '"validate" refused it',
} as const

const joined = 'something joined the cookies by commas instead of semicolons'

/** A session that was read where there is no response to save it on. */
export function reportRead(req: AnyRequest, cookie: SessionCookie, opened: SessionEvent | undefined): void {
  log('%s: %s; not attached to a response, so changes are not saved', labelOf(req), came(req, cookie, opened))
}

/** The head of a response to a request that asked for its session has left. */
export function reportHead(
  req: AnyRequest, cookie: SessionCookie, opened: SessionEvent | undefined,
  { line, event }: { line: string | undefined, event: SessionEvent | undefined },
): void {
  const effects = line === undefined ? [] : consequences(req, cookie, line)
  const parts = [came(req, cookie, opened), written(line, event), ...effects]
  log('%s: %s', labelOf(req), parts.join('; '))
}

/** A change came too late. */
export function reportLate(req: AnyRequest, error: Error): void {
  log('%s: %s', labelOf(req), error.message)
}

const watched = new Set<{ label: string, session: WeakRef<object>, text: string }>()
let timer: NodeJS.Timeout | undefined

/** Looks at the session of a response that is over from time to time, as long as somebody holds it. */
export function watchForLateChanges(req: AnyRequest, session: object, text: string): void {
  const [oldest] = watched
  if (watched.size === maxWatched && oldest !== undefined) watched.delete(oldest)
  watched.add({ label: labelOf(req), session: new WeakRef(session), text })
  if (timer !== undefined) return
  timer = setInterval(lookForLateChanges, lookEvery).unref()
  process.once('exit', lookForLateChanges)
}

function lookForLateChanges(): void {
  for (const entry of watched) {
    const session = entry.session.deref()
    const isChanged = session !== undefined && textOf(session) !== entry.text
    if (isChanged) log('%s: the session was changed after the response was over, and the change is lost', entry.label)
    if (isChanged || session === undefined) watched.delete(entry)
  }
}

function labelOf(req: AnyRequest): string {
  return `${req.method} ${pathOf(req).slice(0, maxPath).replace(/[^!-~]/g, '?')}`
}

function pathOf(req: AnyRequest): string {
  return String(askedUrl(req)).split(/[?#]/, 1)[0]!
}

/** Which cookies came, and why ours did or did not open. */
function came(req: AnyRequest, cookie: SessionCookie, opened: SessionEvent | undefined): string {
  const header = String(ownHeader(req, 'cookie') ?? '')
  // A pair without "=" is a value without a name (RFC 6265bis §5.6).
  const pairs = header.split(';').filter((pair) => pair.includes('='))
  const names = [...new Set(pairs.map((pair) => pair.split('=', 1)[0]!.trim()).filter((name) => name !== ''))]
  const listed = names.slice(0, maxNames).map((name) => name === cookie.name ? name : quoted(name))
  const list = names.length === 0 ? 'no cookies came' : `cookies: ${listed.join(', ')}`
  if (opened?.type === 'opened') return `${list}; ${cookie.name} opened with key ${opened.keyIndex}`
  if (opened?.type === 'rejected') {
    return `${list}; ${cookie.name} did not open: ${whyRejected(opened.reason, cookie, header)}`
  }
  if (names.includes(cookie.name)) return `${list}; ${cookie.name} was not looked at, since the session was cleared`
  return `${list}; no ${cookie.name} came${whyNone(req, cookie, header)}`
}

function whyRejected(reason: keyof typeof causes, { name }: SessionCookie, header: string): string {
  const isMisspelt = reason === 'length' || reason === 'format'
  return isMisspelt && cookieValues(header, name).some((value) => pairAfterComma.test(value)) ? joined : causes[reason]
}

function whyNone(req: AnyRequest, { name, settings: { sameSite } }: SessionCookie, header: string): string {
  if (header.split(',').some((part) => part.trimStart().startsWith(`${name}=`))) return `: ${joined}`
  const site = ownHeader(req, 'sec-fetch-site')
  const isFetch = ownHeader(req, 'sec-fetch-mode') === 'cors'
  // RFC 6265bis §5.6.7.1: Lax lets a link of another site through.
  const isLink = req.method === 'GET' && ownHeader(req, 'sec-fetch-dest') === 'document'
  if (site === 'cross-site' && (sameSite === 'strict' || sameSite === 'lax' && !isLink)) {
    const too = isFetch ? ' (even with SameSite=None, fetch needs credentials: "include")' : ''
    return `: the request comes from another site, and the cookie is SameSite=${sameSite}${too}`
  }
  return isFetch && site !== 'same-origin'
    ? ': the page that asked is of another origin, and has to fetch with credentials: "include"'
    : ''
}

function written(line: string | undefined, event: SessionEvent | undefined): string {
  if (event?.type === 'failed') return `wrote nothing and answered 500, since ${event.error.message}`
  if (line === undefined) return 'wrote nothing, since the session is as it came'
  const [start, length] = [line.indexOf('=') + 1, line.indexOf(';') - line.indexOf('=') - 1]
  const masked = `${line.slice(0, start)}${length === 0 ? '' : `(${length} characters)`}${line.slice(start + length)}`
  return `wrote ${masked}${event?.type === 'saved' && event.renewed ? ', to renew it' : ''}`
}

/** What a browser will do with a line, as far as the request tells. */
function* consequences(req: AnyRequest, cookie: SessionCookie, line: string): Generator<string> {
  const { domain, secure } = cookie.settings
  const host = hostOf(req)
  const isSecure = line.includes('; Secure')
  const isOverTls = isTls(req) || isForwardedTls(req)
  if (isSecure && !isOverTls) {
    const prefix = cookie.name.startsWith('__') ? ', as its prefix demands' : ''
    yield `a browser drops it: it is Secure${prefix}, and the request came over plain HTTP ` +
      '(most take it from localhost)'
  }
  if (!isSecure && isForwardedTls(req)) yield 'it is not Secure, although the browser uses TLS: set "secure" to true'
  else if (!isSecure && secure === 'auto' && mayHoldSecure(req, cookie.name, host)) {
    yield 'a browser that has a Secure cookie of this name, from https, drops it'
  }
  if (domain !== undefined && host !== domain.toLowerCase() && !host.endsWith(`.${domain.toLowerCase()}`)) {
    const unless = forwardedHost(req) === undefined ? ', unless a proxy rewrote Host' : ''
    yield `a browser drops it: Domain=${domain} does not cover the host ${quoted(host)}${unless}`
  }
  if (!isWithin(pathOf(req), cookie.path)) {
    yield `a browser does not send it to this URL, which is not below Path=${cookie.path}`
  }
  if (ownHeader(req, 'sec-fetch-site') === 'cross-site' && ownHeader(req, 'sec-fetch-dest') !== 'document' &&
    cookie.settings.sameSite !== 'none') {
    yield 'a browser drops it: the request comes from a page of another site'
  }
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

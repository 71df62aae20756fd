import type { AnyRequest } from './types.js'

type Stream = { session?: { alpnProtocol?: string } } | undefined

/** Whether the request's socket is TLS. */
export function isTls(req: AnyRequest): boolean {
  const socket = req.socket as object | undefined
  if (!('encrypted' in Object.prototype)) return (socket as { encrypted?: boolean } | undefined)?.encrypted === true
  // Object.prototype was polluted. HTTP/2 shows its socket through a proxy without own properties, and its session has
  // asked an inherited `encrypted` too; but over TLS alone the protocol was negotiated, and is not called h2c.
  return socket !== undefined && Object.hasOwn(socket, 'encrypted')
    ? (socket as { encrypted?: boolean }).encrypted === true
    : (req as { stream?: Stream }).stream?.session?.alpnProtocol === 'h2' && req.httpVersionMajor >= 2
}

/** Whether a proxy says that the browser uses TLS, in Forwarded (RFC 7239 §5.4) or in X-Forwarded-Proto. */
export function isForwardedTls(req: AnyRequest): boolean {
  return /proto="?https/i.test(String(ownHeader(req, 'forwarded'))) ||
    /https/i.test(String(ownHeader(req, 'x-forwarded-proto')))
}

/** The host that the browser asked for, where a proxy tells it (RFC 7239 §5.3): Host may name the proxy's own. */
export function forwardedHost(req: AnyRequest): string | undefined {
  const standard = /(?:^|[;,])[ \t]*host="?([^";,]+)/i.exec(String(ownHeader(req, 'forwarded')))
  const first = standard ?? /^([^,]+)/.exec(String(ownHeader(req, 'x-forwarded-host') ?? ''))
  return first?.[1]!.trim()
}

/**
 * The URL that the browser asked for, where Express, Connect or polka keep it, and otherwise `url`: a router takes its
 * own part off that.
 */
export function askedUrl(req: AnyRequest, url: string | undefined = req.url): string | undefined {
  if (!Object.hasOwn(req, 'originalUrl')) return url
  const { originalUrl } = req as { originalUrl?: unknown }
  return typeof originalUrl === 'string' && originalUrl !== '' ? originalUrl : url
}

const maxPath = 256 // characters of a path that are shown

/** Method and path of a request, without the query, as they may stand in a log. */
export function labelOf(req: AnyRequest): string {
  return `${req.method} ${pathOf(req).slice(0, maxPath)}`.replace(/[^ -~]/g, '?')
}

/** The path that the browser asked for. */
export function pathOf(req: AnyRequest): string {
  return String(askedUrl(req)).split(/[?#]/, 1)[0]!
}

/** A header of the request's own: anything on Object.prototype would pass for everybody's. */
export function ownHeader(req: AnyRequest, name: string): string | string[] | undefined {
  return Object.hasOwn(req.headers, name) ? req.headers[name] : undefined
}

/** The property in which a framework's request or context holds that of node:http, or undefined where it does not. */
export function heldIn(req: unknown): 'req' | 'raw' | undefined {
  if (req === null || typeof req !== 'object' || 'httpVersionMajor' in req) return undefined
  return (['req', 'raw'] as const).find((name) =>
    typeof (req as Record<string, { headers?: unknown } | null | undefined>)[name]?.headers === 'object')
}

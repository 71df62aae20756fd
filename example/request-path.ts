import type { IncomingMessage } from 'node:http'

/**
 * The path of a request, as it was sent: nothing decoded, no `..` resolved. AuthHandler and FileServer both ask here,
 * so that they never disagree on what a request is for.
 */
export function requestPath(req: IncomingMessage): string {
  // RFC 9112 §3.2.2: a server accepts the absolute form too, `GET http://host/path`.
  const target = (req.url as string).replace(/^https?:\/\/[^/?]*/i, '')
  return target.split('?', 1)[0] || '/'
}

import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

/** A request with this Cookie header and the response to it, without a server. Over TLS if `encrypted`. */
export function requestAndResponse(cookie?: string, encrypted = false): { req: IncomingMessage, res: ServerResponse } {
  const req = new IncomingMessage(Object.assign(new Socket(), { encrypted }))
  if (cookie !== undefined) req.headers.cookie = cookie
  return { req, res: new ServerResponse(req) }
}

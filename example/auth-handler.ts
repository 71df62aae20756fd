import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { RequestSessions } from 'seshcookie-http'
import { FormError, readForm } from './form.js'
import { loginPage, securityHeaders, sendError, sendPage } from './pages.js'
import { requestPath } from './request-path.js'
import { sameOrigin } from './same-origin.js'
import { BusyError, checkUser } from './users.js'

/** What the cookie can hold: who is logged in, or what the login page has to say, once, after a wrong try. */
type Visit = { user: string; message: string; name: string }

export const Session = new RequestSessions<Visit>()

/** Stands between the session handler and another one, which only those reach who are logged in. */
export class AuthHandler {
  readonly #next: RequestListener
  readonly #check: typeof checkUser

  constructor(next: RequestListener, check: typeof checkUser = checkUser) {
    this.#next = next
    this.#check = check
  }

  readonly listener = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    try {
      res.setHeaders(securityHeaders)
      await this.#answer(req, res)
    } catch (error) {
      if (res.headersSent || res.destroyed) return void res.destroy()
      if (error instanceof FormError) return sendError(res, error.status)
      if (error instanceof BusyError) {
        res.setHeader('Retry-After', error.retryAfter)
        return sendError(res, 503)
      }
      console.error(error)
      sendError(res, 500)
    }
  }

  #answer(req: IncomingMessage, res: ServerResponse): unknown {
    const path = requestPath(req)
    const { method } = req
    if (path === '/login') {
      if (method === 'GET' || method === 'HEAD') return this.#showForm(req, res)
      if (method === 'POST') return this.#logIn(req, res)
      return refuseMethod(res, 'GET, HEAD, POST')
    }
    if (path === '/logout') {
      // Never by GET: a link, an image or a browser that reads ahead would log people out.
      return method === 'POST' ? this.#logOut(req, res) : refuseMethod(res, 'POST')
    }
    if (Session.get(req).user !== undefined) return this.#next(req, res)

    // A picture or a stylesheet that gets a login page instead is a riddle; it gets a plain no. RFC 9110 §15.5.4
    const destination = req.headers['sec-fetch-dest'] ?? 'document'
    return destination === 'document' ? redirect(res, '/login') : sendError(res, 403)
  }

  #showForm(req: IncomingMessage, res: ServerResponse): void {
    const session = Session.get(req)
    const { user, message, name } = session
    if (user !== undefined) return redirect(res, '/')
    if (req.method === 'GET') { // a HEAD shows nothing, so it must not use the message up
      delete session.message
      delete session.name
    }
    sendPage(res, 200, loginPage(message, name))
  }

  async #logIn(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (!sameOrigin(req)) return sendError(res, 403)
    const gone = new AbortController()
    res.once('close', () => gone.abort())
    const form = await readForm(req)
    const name = form.get('name') ?? ''
    const password = form.get('password') ?? ''

    const isUser = await this.#check(name, password, gone.signal)
    Session.clear(req) // a new session: nothing that was in the old one, planted or not, comes along
    if (isUser) Session.set(req, { user: name })
    else Session.set(req, { message: 'The name or the password is wrong.', name: name.slice(0, 64) })
    redirect(res, isUser ? '/' : '/login')
  }

  #logOut(req: IncomingMessage, res: ServerResponse): void {
    if (!sameOrigin(req)) return sendError(res, 403)
    Session.clear(req)
    redirect(res, '/login')
  }
}

function redirect(res: ServerResponse, location: string): void {
  res.writeHead(303, { 'Location': location, 'Cache-Control': 'no-store', 'Content-Length': 0 }).end()
}

function refuseMethod(res: ServerResponse, allow: string): void {
  res.setHeader('Allow', allow)
  sendError(res, 405)
}

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Key, RequestSessions, SessionHandler } from 'seshcookie-http'
import { FormError, readForm } from '../form.js'
import { sameOrigin } from '../same-origin.js'
import { type Listed, listLogins, noteLogin } from './logins.js'
import { loginPage, loginsPage, sorryPage, visitPage } from './page.js'
import type { Revocations } from './revocations.js'
import { type Login, now, oneSession } from './revoked.js'

/** What the cookie holds. No machine keeps any of it. */
export type Visit = { login: Login; note: string; views: number; answered: Record<string, number> }

/** When Redis is away: accept what is not known to be revoked, or no session that is older than the silence. */
export type Policy = 'go on' | 'refuse'

const lifetime = 86_400 // seconds
const mostSilence = 1_000 // milliseconds without a sign of life before `refuse` refuses

/** The site, as one of its machines serves it. A cookie `__Host-…` is one that only this very host can have set. */
export function site(
  keys: readonly Key[], machine: string, revocations: Revocations, policy: Policy = 'go on',
): RequestListener {
  const unsure = new WeakMap<IncomingMessage, Login>() // requests whose session `refuse` refused
  const silent = (): boolean => Date.now() - revocations.heardAll > mostSilence

  const sessions = new RequestSessions<Visit>({
    secure: true, // TLS ends at the proxy, and this process sees plain HTTP
    maxAge: lifetime,
    validate({ login }, { createdAt }, req) {
      if (login === undefined || revocations.known.has(login)) return false
      if (policy === 'go on' || !silent() || createdAt.getTime() > revocations.heardAll) return true
      unsure.set(req as IncomingMessage, login)
      return false
    },
  })
  return new SessionHandler(listener, keys, sessions, { cookieName: '__Host-session' }).listener

  async function listener(req: IncomingMessage, res: ServerResponse): Promise<void> {
    // No script runs here, and no other site shows this in a frame.
    res.setHeader('Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
    res.setHeader('Cache-Control', 'no-store')
    try {
      await answer(req, res)
    } catch (error) {
      if (res.headersSent || res.destroyed) return void res.destroy()
      if (!(error instanceof FormError)) console.error(error)
      res.writeHead(error instanceof FormError ? error.status : 500).end()
    }
  }

  function answer(req: IncomingMessage, res: ServerResponse): unknown {
    if (req.method === 'POST' && !sameOrigin(req)) return res.writeHead(403).end()
    const { login } = sessions.get(req)
    switch (`${req.method === 'HEAD' ? 'GET' : req.method} ${req.url}`) {
      case 'GET /health': return health(res)
      case 'POST /login': return logIn(req, res)
      case 'POST /logout': return logOut(req, res, login ?? unsure.get(req))
    }
    // An empty session written now would replace the one that may be good once Redis is back.
    if (unsure.has(req)) return sorry(res, 'Whether you are still logged in cannot be looked up. Try again soon.')
    if (login === undefined) return req.url === '/' ? send(res, 200, loginPage()) : res.writeHead(404).end()
    switch (`${req.method === 'HEAD' ? 'GET' : req.method} ${req.url}`) {
      case 'GET /': return view(req, res)
      case 'POST /': return change(req, res)
      case 'GET /logins': return showLogins(res, login)
      case 'POST /logout-other': return logOutOther(req, res, login)
      case 'POST /logout-everywhere': return logOutEverywhere(req, res, login)
      default: return res.writeHead(404).end()
    }
  }

  /** Counts, so each answer carries a new cookie: one that got lost or mixed up would show in the next number. */
  function view(req: IncomingMessage, res: ServerResponse): void {
    const session = sessions.get(req)
    session.views = (session.views ?? 0) + 1
    session.answered ??= {}
    session.answered[machine] = (session.answered[machine] ?? 0) + 1
    if (req.headers.accept !== 'application/json') return send(res, 200, visitPage(session as Visit, machine))
    res.setHeader('Content-Type', 'application/json')
    res.end(JSON.stringify({ ...session, process: process.pid }))
  }

  async function change(req: IncomingMessage, res: ServerResponse): Promise<void> {
    sessions.get(req).note = (await readForm(req)).get('note') ?? ''
    seeOther(res, '/')
  }

  /** Whoever says so is let in: how a password is checked is in ../auth-handler.ts. */
  async function logIn(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const user = (await readForm(req)).get('name')?.slice(0, 64) || 'somebody'
    sessions.clear(req) // a new session: nothing of an old one comes along
    const id = randomBytes(16).toString('base64url')
    const login = { id, user, number: await revocations.numberOf(user), until: now() + lifetime }
    sessions.get(req).login = login
    const browser = (req.headers['user-agent'] ?? 'unknown').slice(0, 200)
    try {
      await noteLogin(revocations.redis, { ...login, since: now(), browser })
    } catch {} // the list lacks it
    seeOther(res, '/')
  }

  async function logOut(req: IncomingMessage, res: ServerResponse, login: Login | undefined): Promise<void> {
    sessions.clear(req) // whatever comes next, this browser forgets its cookie
    if (!login) return seeOther(res, '/')
    try {
      await revocations.revoke(oneSession(login.id), login.until)
      seeOther(res, '/')
    } catch {
      sorry(res, 'You are logged out in this browser. The other machines could not be told yet: until they are, a copy ' +
        'of your cookie that somebody else made would still be accepted.')
    }
  }

  async function logOutEverywhere(req: IncomingMessage, res: ServerResponse, { user }: Login): Promise<void> {
    sessions.clear(req)
    try {
      await revocations.revokeAll(user, lifetime)
      seeOther(res, '/')
    } catch {
      sorry(res, 'You are logged out in this browser. The other machines could not be told yet: until they are, your ' +
        'other browsers stay logged in.')
    }
  }

  async function logOutOther(req: IncomingMessage, res: ServerResponse, { user }: Login): Promise<void> {
    const id = (await readForm(req)).get('id')
    try {
      // Nobody revokes an id that is not their own, or that never was one.
      const other = (await listLogins(revocations.redis, user)).find((login) => login.id === id)
      if (!other) return void res.writeHead(404).end()
      await revocations.revoke(oneSession(other.id), other.until)
      seeOther(res, '/logins')
    } catch {
      sorry(res, 'That browser may still be logged in: the other machines could not be told. Try again soon.')
    }
  }

  async function showLogins(res: ServerResponse, login: Login): Promise<void> {
    let all: Listed[]
    try {
      all = await listLogins(revocations.redis, login.user)
    } catch {
      return sorry(res, 'The list of your browsers cannot be read. Try again soon.')
    }
    send(res, 200, loginsPage(all.filter((each) => !revocations.known.has(each)), login.id))
  }

  /** For a load balancer: a machine that refuses everybody has to be left alone, one that goes on has not. */
  function health(res: ServerResponse): void {
    const away = silent()
    res.writeHead(away && policy === 'refuse' ? 503 : 200, { 'Content-Type': 'application/json' })
    res.end(JSON.stringify({
      redis: away ? 'away' : 'there', heardAll: new Date(revocations.heardAll), revoked: revocations.known.size,
      policy, machine, process: process.pid,
    }))
  }
}

function send(res: ServerResponse, status: number, html: string): void {
  res.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' }).end(html)
}

function sorry(res: ServerResponse, text: string): void {
  res.setHeader('Retry-After', 5)
  send(res, 503, sorryPage(text))
}

function seeOther(res: ServerResponse, location: string): void {
  res.writeHead(303, { Location: location }).end()
}

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Key, RequestSessions, SessionHandler } from 'seshcookie-http'
import { FormError, readForm } from '../form.js'
import { sameOrigin } from '../same-origin.js'
import { visitPage } from './page.js'

/** What the cookie holds. No machine keeps any of it. */
export type Visit = { name: string; note: string; views: number; answered: Record<string, number> }

/** TLS ends at the proxy, and this process sees plain HTTP: whether the cookie is Secure has to be said. */
const sessions = new RequestSessions<Visit>({ secure: true })

/** The site, as one of its machines serves it. A cookie `__Host-…` is one that only this very host can have set. */
export function site(keys: readonly Key[], machine: string): RequestListener {
  return new SessionHandler((req, res) => answer(req, res, machine), keys, sessions, {
    cookieName: '__Host-session',
  }).listener
}

async function answer(req: IncomingMessage, res: ServerResponse, machine: string): Promise<void> {
  try {
    if (req.url === '/' && (req.method === 'GET' || req.method === 'HEAD')) return view(req, res, machine)
    if (req.url === '/' && req.method === 'POST') return await change(req, res)
    if (req.url === '/forget' && req.method === 'POST') return forget(req, res)
    res.writeHead(404).end()
  } catch (error) {
    res.writeHead(error instanceof FormError ? error.status : 500).end()
  }
}

/** Counts, so each answer carries a new cookie: one that got lost or mixed up would show in the next number. */
function view(req: IncomingMessage, res: ServerResponse, machine: string): void {
  const session = sessions.get(req)
  session.views = (session.views ?? 0) + 1
  session.answered ??= {}
  session.answered[machine] = (session.answered[machine] ?? 0) + 1

  const asJson = req.headers.accept === 'application/json'
  // No script runs here, and no other site shows this in a frame.
  res.setHeader('Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
  res.setHeader('Content-Type', asJson ? 'application/json' : 'text/html; charset=utf-8')
  res.end(asJson ? JSON.stringify(session) : visitPage(session, machine))
}

async function change(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (!sameOrigin(req)) return void res.writeHead(403).end()
  const form = await readForm(req)
  const session = sessions.get(req)
  for (const field of ['name', 'note'] as const) {
    const value = form.get(field)
    if (value !== null) session[field] = value
  }
  res.writeHead(303, { Location: '/' }).end()
}

function forget(req: IncomingMessage, res: ServerResponse): void {
  if (!sameOrigin(req)) return void res.writeHead(403).end()
  sessions.clear(req)
  res.writeHead(303, { Location: '/' }).end()
}

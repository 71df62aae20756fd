import { usual } from './session.js'

/*
 * What the application does, the same in every server: /login puts the session there, / reads it (or counts the visit
 * in it), /look only reads it. The answer tells what the session held, in a length that never changes.
 */

let visits = 1000 + process.pid % 9000 // no two processes of a cluster count alike

export function visit(session, url, writes = false) {
  if (url === '/login') Object.assign(session, usual)
  else if (writes && url === '/') session.visits = visits = visits === 9999 ? 1000 : visits + 1
  return `${session.user} ${session.visits}`
}

/** Whether a visit changes the session. */
export function changes(url, writes) {
  return url === '/login' || (writes && url === '/')
}

/** The answer of a server that has no session. */
visit.constant = `${usual.user} ${usual.visits}`

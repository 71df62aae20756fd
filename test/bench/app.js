/*
 * What every contender does alike: the session that it holds, and the application that uses it.
 */

const smallest = { n: 10000 } // 11 bytes of JSON

/** What an application keeps of a user who is logged in: 134 bytes of JSON. */
const usual = {
  user: 'ada@example.org',
  n: 10000,
  roles: ['author', 'editor'],
  theme: 'dark',
  csrf: 'Vn3kq0ZyT1mB7sXePq8dLw2hTxQ',
  seen: 1767225600,
}

/** A session of exactly so many bytes of JSON: 11, 134, or more, filled with a list and a note for the rest. */
export function sessionOf(bytes) {
  if (bytes === 11) return smallest
  if (bytes === 134) return usual
  const session = { ...usual, orders: [], note: '' }
  const length = () => JSON.stringify(session).length
  if (bytes < length()) throw new RangeError(`"bytes" expected 11, 134 or at least ${length()}, got ${bytes}`)
  for (let id = 100; length() <= bytes; id++) {
    session.orders.push({ id, title: `article number ${id}`, price: id + 0.5 })
  }
  session.orders.pop()
  session.note = 'n'.repeat(bytes - length())
  return session
}

const answer = ({ user, n }) => `${user} ${n}`.padEnd(`${usual.user} ${usual.n}`.length)

/** The answer that tells what such a session holds. */
export const answerFor = (bytes) => answer(sessionOf(bytes))

/**
 * The application: /login fills the session, / reads it (`use: 'read'`) or counts in it (`use: 'written'`), /look only
 * reads it. The answer tells what the session held, and its length never changes.
 */
export function application({ use, bytes }) {
  const filled = sessionOf(bytes)
  let n = filled.n
  return (session, url) => {
    if (url === '/login') Object.assign(session, filled)
    else if (use === 'written' && url === '/') session.n = n = n === 99999 ? 10000 : n + 1
    return answer(session)
  }
}

/** Whether the application changes the session. */
export function changes({ use }, url) {
  return url === '/login' || (use === 'written' && url === '/')
}

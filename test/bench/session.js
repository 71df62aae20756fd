/*
 * What is in the session: the same object for every contender.
 */

const smallest = { u: 'ada' } // 11 bytes of JSON

/** What an application keeps of a user who is logged in: 134 bytes of JSON. */
export const usual = {
  user: 'ada@example.org',
  visits: 1000,
  roles: ['author', 'editor'],
  theme: 'dark',
  csrf: 'Vn3kq0ZyT1mB7sXePq8dLw2',
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

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

// The four users of the demonstration, with the salt and the scrypt hash of their passwords: teapot, lantern, pelican
// and marigold.
const users = new Map([
  ['user1', 'Feh88N8q3A5FzCqQ794LCA.DbxeZdnZdQEM3tjtWzWkK1hSPQN4g8cGare3dBTG0T8'],
  ['user2', '253Ljjos1vFRHVj4vYgMXQ.1giK6FZJEShlw1eEIvmFPJpjVOcFpqy5RGafJ7Glf_w'],
  ['user3', '9jg9mK29ZYJkZ76TAGSn9w.QH0ng_Ln0V_DNYfCQISQ7dqz0OjUIUqxAWZ6-5kW44w'],
  ['user4', '6XunxL72hDUXFzNMnGR_Aw.i-1Ykfjrz-7mLyes-IQegFQyymB8xhoYbpWqNspdSKQ'],
])

// A name that nobody has is checked against a hash that no password has, so that it costs as much as a real one.
const nobody = `${randomBytes(16).toString('base64url')}.${randomBytes(32).toString('base64url')}`

// One of the OWASP cheat sheet's settings for passwords: 32 MiB and some tenths of a second for each try.
const cost = { N: 2 ** 15, r: 8, p: 3, maxmem: 2 ** 26 }
const scryptAsync = promisify<string, Buffer, number, typeof cost, Buffer>(scrypt)

// One at a time: however many try to log in, the other threads of node's pool stay free to read files.
// A site that is open to the world also limits how often one name, and one address, may try.
let turn: Promise<unknown> = Promise.resolve()
const longestQueue = 20 // tries that wait, for some seconds in all; more are told to come back
let queued = 0

/** Why no password is checked now. */
export class BusyError extends Error {
  readonly retryAfter = 5 // seconds

  constructor() {
    super('too many people log in at once')
  }
}

function stretch(password: string, salt: Buffer, signal?: AbortSignal): Promise<Buffer> {
  if (queued >= longestQueue) return Promise.reject(new BusyError())
  queued++
  const hash = turn.then(() => {
    signal?.throwIfAborted() // whoever asked has gone: the next one need not wait for that hash
    return scryptAsync(password, salt, 32, cost)
  }).finally(() => { queued-- })
  turn = hash.catch(() => {})
  return hash
}

/** Makes an entry for the table above. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await stretch(password, salt)
  return `${salt.toString('base64url')}.${hash.toString('base64url')}`
}

/** Whether `password` belongs to the entry. */
export async function verifyPassword(password: string, entry: string, signal?: AbortSignal): Promise<boolean> {
  const [salt, hash] = entry.split('.').map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer]
  return timingSafeEqual(await stretch(password, salt, signal), hash)
}

/**
 * Whether there is such a user with such a password, in the same time for every name.
 * @throws BusyError when too many wait already; the signal's reason when it is aborted before the try has its turn
 */
export function checkUser(name: string, password: string, signal?: AbortSignal): Promise<boolean> {
  return verifyPassword(password, users.get(name) ?? nobody, signal)
}

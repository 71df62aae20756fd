import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

// The four users of the demonstration: the salt and the scrypt hash of their passwords (love, sex, secret, god).
const users = new Map([
  ['user1', 'JPJJulxEzyuUw2ggWc5Blg.ThOKS9jna-HZLdfrnjZRr91mkBpQT1ksHsgbcs6UoJY'],
  ['user2', 'NKc9MYnHpxdNV-dJOKQIZg.XB7Suwv2Od0ZXo4LMzcqUrri0xNTPWV-rET9C2mlFLg'],
  ['user3', '9bEOYhf7UsqoqNijp-PPeQ.eIq6uS9aFRBFwpM4KnqvGVLsVyV_Z8s5keeBLDoIjiQ'],
  ['user4', 'DJdIFxtTk7sKVN_zSw75FQ.UeVL5CAaLsJ6usrI-qlYiz0FBTNc42u6g8s-XcY6iq8'],
])

// A name that nobody has is checked against a hash that no password has, so that it costs as much as a real one.
const nobody = `${randomBytes(16).toString('base64url')}.${randomBytes(32).toString('base64url')}`

// One of the OWASP cheat sheet's settings for passwords: 32 MiB and some tenths of a second for each try.
const cost = { N: 2 ** 15, r: 8, p: 3, maxmem: 2 ** 26 }
const scryptAsync = promisify<string, Buffer, number, typeof cost, Buffer>(scrypt)

// One at a time: however many try to log in, the other threads of node's pool stay free to read files.
// A site that is open to the world also limits how often one name, and one address, may try.
let turn: Promise<unknown> = Promise.resolve()

function stretch(password: string, salt: Buffer): Promise<Buffer> {
  const hash = turn.then(() => scryptAsync(password, salt, 32, cost))
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
export async function verifyPassword(password: string, entry: string): Promise<boolean> {
  const [salt, hash] = entry.split('.').map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer]
  return timingSafeEqual(await stretch(password, salt), hash)
}

/** Whether there is such a user with such a password, in the same time for every name. */
export function checkUser(name: string, password: string): Promise<boolean> {
  return verifyPassword(password, users.get(name) ?? nobody)
}

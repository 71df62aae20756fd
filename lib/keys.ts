import { createSecretKey, hkdfSync, scryptSync, type KeyObject } from 'node:crypto'
import { types } from 'node:util'
import { misuse } from './errors.js'

/**
 * A secret of at least 32 bytes: random bytes or a secret `KeyObject` (used as they are), or a string (stretched with
 * scrypt, which takes some tenths of a second, once).
 */
export type Key = string | Uint8Array | KeyObject

/**
 * What one `Key` becomes. KeyObjects, since nothing prints their content.
 * @internal
 */
export interface DerivedKeys {
  readonly encryption: KeyObject
  readonly authentication: KeyObject
}

const minKeyLength = 32 // bytes
const maxKeys = 8 // bounds the work for a forged cookie: one HMAC a key
const howTo = 'make one with: node -p "crypto.randomBytes(32).toString(\'base64url\')"'
const wanted = `a string, Uint8Array or secret KeyObject of at least ${minKeyLength} bytes (${howTo})`

// RFC 7914. 128 * N * r = 32 MiB is just node's default limit, which leaves no room for the rest.
const scryptCost = { N: 2 ** 15, r: 8, p: 3, maxmem: 2 ** 26 }

/**
 * The encryption and authentication keys of each key, in the given order.
 * @throws TypeError or RangeError for what is no key, too short, ill-formed, or none or more than 8 of them
 * @internal
 */
export function deriveKeys(key: Key | readonly Key[]): DerivedKeys[] {
  if (!Array.isArray(key)) return [derive(key as Key, 'key')]
  if (key.length < 1 || key.length > maxKeys) throw misuse(RangeError, 'key', `1 to ${maxKeys} keys (${howTo})`, key)
  return Array.from({ length: key.length }, (_, index) => derive(key[index] as Key, `key[${index}]`))
}

function derive(key: Key, name: string): DerivedKeys {
  const secret = typeof key === 'string' ? stretched(key, name) : bytesOf(key, name)
  // RFC 5869: separate keys for separate purposes, so that neither use can weaken the other.
  const expand = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', `seshcookie v1 ${purpose}`, 32))
  return {
    encryption: createSecretKey(expand('encryption')),
    authentication: createSecretKey(expand('authentication')),
  }
}

function stretched(key: string, name: string): Uint8Array {
  if (/\p{Surrogate}/u.test(key)) {
    throw misuse(TypeError, name, `a well-formed string, without lone surrogates (${howTo})`, key)
  }
  if (key.trim() !== key) {
    throw misuse(TypeError, name, "a string without white space at its ends, such as a key file's last line break", key)
  }
  checkLength(Buffer.byteLength(key), name)
  return scryptSync(key, 'seshcookie v1', 32, scryptCost)
}

/** A copy that nobody else can change, and whose length no subclass can lie about. */
function bytesOf(key: unknown, name: string): Uint8Array {
  if (types.isKeyObject(key) && key.type === 'secret') key = key.export()
  if (!types.isUint8Array(key)) throw misuse(TypeError, name, wanted, key)
  const bytes = new Uint8Array(key)
  checkLength(bytes.length, name)
  return bytes
}

function checkLength(length: number, name: string): void {
  if (length < minKeyLength) throw new RangeError(`"${name}" expected ${wanted}, got ${length} bytes`)
}

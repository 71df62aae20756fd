import { randomBytes, webcrypto } from 'node:crypto'
import { EncryptJWT, jwtDecrypt } from 'jose'

/** A JWE: one shared key used as it is (`dir`), AES-256-GCM. The key is imported once. */
export async function codec() {
  const key = await webcrypto.subtle.importKey('raw', randomBytes(32), 'AES-GCM', false, ['encrypt', 'decrypt'])
  const header = { alg: 'dir', enc: 'A256GCM' }
  return {
    awaited: true,
    seal: (session) =>
      new EncryptJWT(session).setProtectedHeader(header).setIssuedAt().setExpirationTime('24h').encrypt(key),
    async open(value) {
      const { iat, exp, ...session } = (await jwtDecrypt(value, key)).payload
      return session
    },
    cookie: (value) => `session=${value}`,
  }
}

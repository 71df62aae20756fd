// What is packed, run: import and require give one instance, and a cookie that is sealed opens.
import { createRequire } from 'node:module'
import { Session, SessionHandler } from 'seshcookie-http'

const required = createRequire(import.meta.url)('seshcookie-http')
const handler = new SessionHandler(() => {}, new Uint8Array(32))
const opened = handler.decodeCookie(handler.encodeCookie({ user: 'ann' }))
console.log(`${opened.user}, ${required.Session === Session && required.SessionHandler === SessionHandler}`)

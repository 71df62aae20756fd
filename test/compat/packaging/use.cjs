// The same from CommonJS, where the library is ECMAScript.
const { SessionHandler } = require('seshcookie-http')

const handler = new SessionHandler(() => {}, new Uint8Array(32))
console.log(handler.decodeCookie(handler.encodeCookie({ user: 'ann' })).user)

export { SessionHandler, type HandlerOptions } from './handler.js'
export { RequestSessions, Session } from './sessions.js'
export {
  ExpiredError, FormatError, HashError, LateChangeError, LenError, NoSessionError, SeshcookieError, SizeError,
  ValueError,
} from './errors.js'
export type { RejectedReason, SessionEvent } from './events.js'
export type { Key } from './keys.js'
export type { LifetimeOptions, SessionOptions, SessionSettings } from './options.js'
export type { AnyRequest, AnyResponse, Json, SessionData, SessionInfo, Storable, StorableObject } from './types.js'

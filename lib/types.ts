import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

/** A request of `node:http`, `node:https` or the compatibility API of `node:http2`. */
export type AnyRequest = IncomingMessage | Http2ServerRequest

/** A response of `node:http`, `node:https` or the compatibility API of `node:http2`. */
export type AnyResponse = ServerResponse | Http2ServerResponse

/** What JSON carries unchanged: strings, finite numbers, booleans, `null`, arrays and plain objects of these. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined }

/** The default type of a session: any JSON value under any name. A name with the value `undefined` is absent. */
export interface SessionData {
  [key: string]: Json | undefined
}

/**
 * `T` as far as JSON can carry it. What it cannot carry (`Date`, `Map`, `bigint`, a function) becomes `never`,
 * so that `T extends StorableObject<T>` refuses such a `T` when it is compiled.
 */
export type Storable<T> = T extends Json | undefined
  ? T
  : T extends bigint | symbol | ((...args: never) => unknown) | (abstract new (...args: never) => unknown)
    ? never
    : T extends object
      ? StorableObject<T>
      : never

/** What a session may be: an object all of whose properties JSON can carry. */
export type StorableObject<T> = { [K in keyof T]: Storable<T[K]> }

/** When a session began, when its cookie was last issued, and when it stops being accepted. */
export interface SessionInfo {
  /** When the session was first sent, to the second. */
  createdAt: Date
  /** When the cookie that holds it was sent, to the second. */
  issuedAt: Date
  /** When it stops being accepted: by the current settings and its own lifetime, whichever ends first. */
  expiresAt: Date
}

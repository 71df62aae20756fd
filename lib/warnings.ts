import { types } from 'node:util'

/**
 * A process warning. It is made from strings, since an Error of another realm (Jest, a vm context) would be refused,
 * and never throws, since what is warned about must not end a request.
 */
export function warn(message: string, type: string, code: string): void {
  try {
    process.emitWarning(message, type, code)
  } catch {
    // somebody replaced emitWarning by one that throws
  }
}

/** Warns that a function of the application threw, whatever it threw. */
export function warnOfThrown(what: string, thrown: unknown, code: string): void {
  let type = 'Warning'
  let said: string = typeof thrown
  try {
    if (types.isNativeError(thrown)) {
      type = String(thrown.name)
      said = `${type}: ${thrown.message}`
    }
  } catch {
    // an error whose name or message throws
  }
  warn(`${what} threw ${said}`, type, code)
}

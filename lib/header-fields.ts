import { STATUS_CODES, type ServerResponse } from 'node:http'
import { trimmed } from './cookie-header.js'
import { setSameCookie } from './set-cookie.js'
import type { AnyRequest, AnyResponse } from './types.js'

/** What the head of a response is to carry beside what its handler gave. */
export interface HeadAdditions {
  /** A Set-Cookie line, which takes the place of all others for the same cookie. */
  readonly line: string | undefined
  /** The line only renews: it yields to one that the handler wrote for the same cookie. */
  readonly renews: boolean
  /** The response becomes a 500. */
  readonly failed: boolean
  /** The fields that keep shared caches from giving the response to somebody else are added. */
  readonly cacheHeaders: boolean
}

export interface CompletedHead {
  /** The arguments for writeHead. */
  readonly args: unknown[]
  /** The line that only renews was left out. */
  readonly hasYielded: boolean
  /** Leaves the response as Node would have left it without us, where it refused the head. */
  undo(): void
}

/**
 * Completes a head with what `additions` ask for: in a copy of the arguments of writeHead, or in the headers that were
 * set. `url` is what the browser asked for.
 */
export function completeHead(
  req: AnyRequest, url: string | undefined, res: AnyResponse, args: unknown[], additions: HeadAdditions,
): CompletedHead {
  // As Node reads them: status, reason phrase if it is a string, headers.
  const [status, second, third] = args
  const reason = typeof second === 'string' ? second : undefined
  const given = reason === undefined ? third ?? second : third
  const { line, renews, failed, cacheHeaders } = additions
  const fields = new HeaderFields(res as ServerResponse, given) // what is used of it here, the HTTP/2 one has too
  const hasYielded = line !== undefined && !fields.addLine(line, url, renews)
  if (cacheHeaders) {
    fields.changeList('Vary', 'Cookie', withCookie)
    if (failed || (line !== undefined && !hasYielded)) {
      fields.changeList('Cache-Control', 'no-store', withNoStore)
      fields.replace(forbidding)
    }
  }
  if (!failed) {
    const completed = fields.write()
    // No more arguments than needed: packages that wrap writeHead count them.
    const changed = reason === undefined ? [status, completed] : [status, reason, completed]
    return { args: completed === given ? args : changed, hasYielded, undo: () => fields.undo() }
  }
  const code = Number(status)
  if (code < 200 || withoutBody.includes(code)) {
    fields.replace((key) => speakingOfBody.includes(key) ? [] : undefined)
    // Frames whatever body comes, whatever the handler had Node leave out. HTTP/1.0 ends it with the connection.
    if (req.httpVersion === '1.1') fields.changeList('Transfer-Encoding', 'chunked', () => 'chunked')
  }
  const completed = fields.write()
  // HTTP/2 has no reason phrase, and Node warns about one.
  const http1 = req.httpVersionMajor >= 2 ? undefined : res as ServerResponse
  const message = http1?.statusMessage
  const undo = () => {
    fields.undo()
    if (res.statusCode !== 500) return
    res.statusCode = code
    if (http1 !== undefined) http1.statusMessage = reason ?? (message || (STATUS_CODES[code] ?? 'unknown'))
  }
  return { args: http1 === undefined ? [500, completed] : [500, STATUS_CODES[500], completed], hasYielded, undo }
}

const withoutBody = [204, 205, 304]

/** What spoke for a status without a body, and not for the body that the 500 may get. */
const speakingOfBody = ['content-length', 'transfer-encoding', 'content-encoding', 'content-range']

/** `Cookie` is added to the members, unless it or `*` is there. */
function withCookie(lines: string[]): string {
  const list = lines.filter((line) => trimmed(line) !== '').join(', ')
  if (membersOf(list).some((member) => ['cookie', '*'].includes(nameOf(member)))) return list
  return list === '' ? 'Cookie' : `${list}, Cookie`
}

/**
 * `no-store` comes first, where no quote that was left open can swallow it. `must-understand` would allow a cache to
 * store the response all the same (RFC 9111 §5.2.2.3).
 */
function withNoStore(lines: string[]): string {
  const isReplaced = (member: string) => ['no-store', 'must-understand'].includes(nameOf(member.split('=', 1)[0]!))
  const lists = lines.map(membersOf)
  const first = lists[0]!
  const isRight = lists.length === 1 && nameOf(first[0]!) === 'no-store' && first.findLastIndex(isReplaced) === 0
  if (isRight) return lines[0]!
  const rest = lists.map((members) => trimmed(members.filter((member) => !isReplaced(member)).join(',')))
  return ['no-store', ...rest.filter((line) => line !== '')].join(', ')
}

function nameOf(member: string): string {
  return trimmed(member).toLowerCase()
}

/** The members of a list (RFC 9110 §5.6.1), as they are spelled: a comma in quotes is part of one (§5.6.4). */
function membersOf(list: string): string[] {
  const members: string[] = []
  let start = 0
  let isQuoted = false
  // Stryker disable next-line EqualityOperator: nothing is found behind the end
  for (let at = 0; at < list.length; at++) {
    const char = list[at]
    if (isQuoted && char === '\\') at++
    else if (char === '"') isQuoted = !isQuoted
    else if (char === ',' && !isQuoted) {
      members.push(list.slice(start, at))
      start = at + 1
    }
  }
  const rest = list.slice(start)
  return members.concat(isQuoted ? rest.split(',') : rest) // a quote that was left open is none
}

/**
 * What a field with instructions for some caches alone, which then ignore Cache-Control, is to say in order that they
 * do not store the response (RFC 9213 §2.1; those without a standard are of nginx and Akamai). Undefined for any other.
 */
function forbidding(name: string): string | undefined {
  if (name === 'x-accel-expires') return '0'
  return /-cache-control$|^surrogate-control$|^edge-control$/.test(name) ? 'no-store' : undefined
}

/** One entry of what was given to writeHead, or one field that was set before. */
interface Field {
  readonly isGiven: boolean
  readonly name: string
  readonly key: string
  readonly before: unknown
  /** One value as itself, several as an array, and an empty array for none. */
  after: unknown
}

function fieldOf(isGiven: boolean, name: string, value: unknown): Field {
  // Without white space, as HTTP/2 reads it; HTTP/1 refuses it. What is no string is left to Node, which throws.
  // Stryker disable next-line StringLiteral: any text would do that is the name of no field
  const key = typeof name === 'string' ? name.trim().toLowerCase() : ''
  return { isGiven, name, key, before: value, after: value }
}

/** A value that is undefined is left to Node, which throws. */
function put(field: Field, value: unknown): void {
  if (field.before !== undefined) field.after = value
}

/**
 * The header fields that a response is about to have. writeHead's value overrides setHeader's. Of several entries that
 * were given under one name Node sends all, or the last one only, so what is added stands in the last.
 */
class HeaderFields {
  readonly #res: ServerResponse
  readonly #given: unknown
  readonly #fields: Field[]
  /** A first setHeader of ours would change what Node makes of repeated names in the arguments. */
  readonly #addsToGiven: boolean

  constructor(res: ServerResponse, given: unknown) {
    this.#res = res
    this.#given = given
    const entries = entriesOf(given)
    // As the handler spelled them. HTTP/2 spells all of them in lower case, and has no such method.
    const set = (res as { getRawHeaderNames?: () => string[] }).getRawHeaderNames?.() ?? res.getHeaderNames()
    this.#addsToGiven = entries !== undefined && set.length === 0
    // Stryker disable next-line ArrayDeclaration: what is no field is neither found nor changed
    this.#fields = entries ?? []
    const overridden = new Set(entries?.map(({ key }) => key))
    for (const name of set) {
      const field = fieldOf(false, name, res.getHeader(name))
      if (!overridden.has(field.key)) this.#fields.push(field)
    }
  }

  /** The fields of one name: at most one, unless it was given several times. */
  #named(key: string): Field[] {
    return this.#fields.filter((field) => field.key === key)
  }

  #add(name: string, value: string): void {
    this.#fields.push({ ...fieldOf(this.#addsToGiven, name, undefined), after: value })
  }

  /**
   * Adds a Set-Cookie line, and takes out all others for the same cookie: there must be one at most (RFC 6265bis
   * §4.1.1). A line that yields is added only where there is no other. Tells whether it was added.
   */
  addLine(line: string, url: string | undefined, yields: boolean): boolean {
    const isOther = (other: unknown) => !setSameCookie(line, String(other), url)
    const fields = this.#named('set-cookie')
    if (yields && !fields.every(({ before }) => [before].flat().every(isOther))) return false
    if (fields.length === 0) this.#add('Set-Cookie', line)
    for (const field of fields) {
      const others = [field.before].flat().filter(isOther)
      put(field, field === fields.at(-1) ? [...others, line] : others)
    }
    return true
  }

  /** Adds a list field of one member, or makes one line of those that there are, since some caches read no other. */
  changeList(name: string, member: string, change: (lines: string[]) => string): void {
    const fields = this.#named(name.toLowerCase())
    if (fields.length === 0) return this.#add(name, member)
    const line = change(fields.flatMap(({ before }) => before).map((value) => `${value as string}`))
    for (const field of fields) put(field, field === fields.at(-1) ? line : [])
  }

  /** Gives each field the value that there is for its name, if there is one. */
  replace(valueFor: (key: string) => unknown): void {
    for (const field of this.#fields) put(field, valueFor(field.key) ?? field.after)
  }

  /** Sets what is to be set, and returns what is to be given to writeHead: what the handler gave, or a changed copy. */
  write(): unknown {
    let isChanged = false
    for (const { isGiven, name, before, after } of this.#fields) {
      if (after === before) continue
      if (isGiven) isChanged = true
      else this.#res.setHeader(name, after as string)
    }
    return isChanged ? inFormOf(this.#given, this.#fields.filter(({ isGiven }) => isGiven)) : this.#given
  }

  /** Sets back what `write` set, and what Node set of the arguments before it refused one of them. */
  undo(): void {
    for (const { name, before, after } of this.#fields) {
      if (after === before || this.#res.getHeader(name) !== after) continue
      if (before === undefined) this.#res.removeHeader(name)
      else this.#res.setHeader(name, before as string)
    }
  }
}

/** Those of an object, a flat array of names and values, or an array of pairs; undefined for what Node ignores. */
function entriesOf(given: unknown): Field[] | undefined {
  if (given === null || typeof given !== 'object') return undefined
  if (!Array.isArray(given)) return Object.entries(given).map(([name, value]) => fieldOf(true, name, value))
  if (Array.isArray(given[0])) return (given as [string, unknown][]).map(([name, value]) => fieldOf(true, name, value))
  if (given.length % 2 !== 0) return undefined // left to Node, which throws
  const entries: Field[] = []
  for (let at = 0; at < given.length; at += 2) entries.push(fieldOf(true, given[at] as string, given[at + 1]))
  return entries
}

function inFormOf(given: unknown, entries: Field[]): unknown {
  if (Array.isArray(given)) {
    const pairs = entries.map(({ name, after }) => [name, after])
    return Array.isArray(given[0]) ? pairs : pairs.flat()
  }
  // Object.assign is faster; spread only when `__proto__` is a key.
  const copy = Object.hasOwn(given as object, '__proto__') ? { ...given as object } : Object.assign({}, given)
  for (const { name, after } of entries) copy[name as keyof typeof copy] = after as never
  return copy
}

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

/**
 * The arguments of writeHead with what `additions` ask for, in a copy, or in the headers that were set.
 *
 * What the handler gave to writeHead is completed there, and what it set through setHeader is completed there: a first
 * setHeader of ours would change what Node makes of repeated names in the arguments, and appendHeader would push into
 * the handler's own array. `undo` takes the steps that set back what was set. `url` is what the browser asked for.
 */
export function completeHead(
  req: AnyRequest, url: string | undefined, res: AnyResponse, args: unknown[], additions: HeadAdditions,
  undo: (() => void)[],
): unknown[] {
  const { line, failed, cacheHeaders } = additions
  // As Node reads them: status, reason phrase if it is a string, headers.
  const [status, second, third] = args
  const reason = typeof second === 'string' ? second : undefined
  const given = reason === undefined ? third ?? second : third
  const isHttp2 = req.httpVersionMajor >= 2
  const fields = new HeaderFields(res, given, undo)
  if (line !== undefined) fields.add('Set-Cookie', line, withLine(line, url))
  if (cacheHeaders) {
    fields.add('Vary', 'Cookie', withCookie)
    if (line !== undefined || failed) {
      fields.add('Cache-Control', 'no-store', withNoStore)
      fields.changeTargeted()
    }
  }
  const completed = fields.given()
  if (!failed && completed === given) return args
  // No more arguments than needed: packages that wrap writeHead count them.
  if (!failed) return reason === undefined ? [status, completed] : [status, reason, completed]
  // HTTP/2 has no reason phrase, and Node warns about one.
  return isHttp2 ? [500, completed] : [500, STATUS_CODES[500], completed]
}

/** Takes a line out again that Node has set of the arguments, before it refused what came after it. */
export function withdrawLine(res: AnyResponse, line: string): void {
  const lines = [(res as ServerResponse).getHeader('Set-Cookie') ?? []].flat()
  if (!lines.includes(line)) return
  const others = lines.filter((other) => other !== line)
  if (others.length === 0) res.removeHeader('Set-Cookie')
  else (res as ServerResponse).setHeader('Set-Cookie', others as string[])
}

/**
 * The values of one entry once changed. A field may have been given in several entries; something is added to the last
 * of them, with which `all` come: the values that are sent together with it.
 */
type Change = (values: unknown[], all: unknown[] | undefined) => unknown[]

/** All lines but those for the same cookie, then ours: there must be one at most (RFC 6265bis §4.1.1). */
function withLine(line: string, url: string | undefined): Change {
  return (lines, all) => {
    const others = lines.filter((other) => !setSameCookie(line, String(other), url))
    if (all !== undefined) others.push(line)
    return all === undefined && others.length === lines.length ? lines : others
  }
}

/** A list field with `member` in it, unless that or `instead` is there already. */
function withMember(member: string, instead: string = member): Change {
  const wanted = [member.toLowerCase(), instead]
  return (values, all) => {
    if (all === undefined || all.some((value) => hasMember(value, wanted))) return values
    const [only, ...more] = values
    return more.length === 0 && typeof only === 'string' && only !== '' ? [`${only}, ${member}`] : [...values, member]
  }
}

const withCookie = withMember('Cookie', '*')
const addNoStore = withMember('no-store')
const mustUnderstand = ['must-understand']

/** `must-understand` would allow a cache to store the response all the same (RFC 9111 §5.2.2.3). */
function withNoStore(values: unknown[], all: unknown[] | undefined): unknown[] {
  if (!values.some((value) => hasMember(value, mustUnderstand))) return addNoStore(values, all)
  const left = values.map((value) =>
    trimmed(membersOf(String(value)).filter((member) => !mustUnderstand.includes(nameOf(member))).join(',')))
  return addNoStore(left.filter((value) => value !== ''), all)
}

function hasMember(value: unknown, names: string[]): boolean {
  return membersOf(String(value)).some((member) => names.includes(nameOf(member)))
}

function nameOf(member: string): string {
  return trimmed(member).toLowerCase()
}

/** The members of a list (RFC 9110 §5.6.1), as they are spelled: a comma in quotes is part of one (§5.6.4). */
function membersOf(list: string): string[] {
  if (!list.includes('"')) return list.split(',')
  const members: string[] = []
  let start = 0
  let isQuoted = false
  for (let at = 0; at < list.length; at++) {
    const char = list[at]
    if (isQuoted && char === '\\') at++
    else if (char === '"') isQuoted = !isQuoted
    else if (char === ',' && !isQuoted) {
      members.push(list.slice(start, at))
      start = at + 1
    }
  }
  members.push(list.slice(start))
  return members
}

/** A field with instructions for some caches alone, which then ignore Cache-Control (RFC 9213 §2.1). */
function isTargeted(name: string): boolean {
  return name.endsWith('-cache-control') || name === 'surrogate-control'
}

/** The header fields of a response: those given to writeHead, and those set before. */
class HeaderFields {
  readonly #res: ServerResponse
  readonly #undo: (() => void)[]
  readonly #given: GivenFields | undefined
  readonly #asGiven: unknown

  constructor(res: AnyResponse, given: unknown, undo: (() => void)[]) {
    this.#res = res as ServerResponse // what is used of it here, the HTTP/2 one has too
    this.#undo = undo
    this.#given = givenFields(given)
    this.#asGiven = given
  }

  /** What is to be given to writeHead: what the handler gave, or a changed copy. */
  given(): unknown {
    return this.#given?.changed ?? this.#asGiven
  }

  /** Adds a field, or changes the one there is, where Node will take it from: a given one takes a set one's place. */
  add(name: string, value: string, change: Change): void {
    const given = this.#given
    const indexes = given?.indexesOf(name.toLowerCase()) ?? nowhere
    if (indexes.length > 0) this.#changeGiven(given!, indexes, change)
    else if (given !== undefined && this.#res.getHeaderNames().length === 0) given.append(name, value)
    else this.#changeSet(name, value, change)
  }

  /** Has the fields that tell some caches alone what to do tell them not to store the response. */
  changeTargeted(): void {
    const change = () => ['no-store']
    for (const index of this.#given?.indexesOf(targeted) ?? nowhere) this.#changeGiven(this.#given!, [index], change)
    for (const name of this.#res.getHeaderNames()) if (isTargeted(name)) this.#changeSet(name, undefined, change)
  }

  #changeGiven(given: GivenFields, indexes: readonly number[], change: Change): void {
    const last = indexes.at(-1)!
    const together = indexes.length > 1 && this.#sendsAll() ? indexes : [last]
    const all = together.flatMap((index) => given.valuesAt(index))
    for (const index of indexes) {
      const values = given.valuesAt(index)
      const changed = change(values, index === last ? all : undefined)
      if (changed !== values) given.replace(index, changed)
    }
  }

  /**
   * Whether Node will send all entries that were given under one name. It does where no header was ever set on an
   * HTTP/1 response, also none that was removed again: only there is this property, and null. Else the last entry takes
   * the place of the others, or may.
   */
  #sendsAll(): boolean {
    const set = Object.getOwnPropertySymbols(this.#res).find(({ description }) => description === 'kOutHeaders')
    return set !== undefined && this.#res[set as keyof ServerResponse] === null
  }

  #changeSet(field: string, value: string | undefined, change: Change): void {
    const res = this.#res
    const before = res.getHeader(field)
    if (before === undefined) {
      this.#undo.push(() => res.removeHeader(field))
      res.setHeader(field, value!)
      return
    }
    const values = [before].flat()
    const changed = change(values, values)
    if (changed === values) return
    // Under the name as the handler spelled it. HTTP/2 spells all of them in lower case, and has no such method.
    const names = (res as { getRawHeaderNames?: () => string[] }).getRawHeaderNames?.() ?? []
    const name = names.find((raw) => raw.toLowerCase() === field.toLowerCase()) ?? field
    this.#undo.push(() => res.setHeader(name, before))
    res.setHeader(name, single(changed) as string)
  }
}

const nowhere: readonly number[] = []
const targeted = 'targeted'

/** Under which name a field is looked up here; undefined for one that nothing is done to. */
function keyOf(name: unknown): string | undefined {
  if (typeof name !== 'string' || name.length < 4) return undefined
  const key = name.trim().toLowerCase() // as HTTP/2 does; HTTP/1 refuses white space
  if (key === 'vary' || key === 'set-cookie' || key === 'cache-control') return key
  return isTargeted(key) ? targeted : undefined
}

/** One value as itself, several as an array, and none as an empty one, of which Node sends nothing. */
function single(values: unknown[]): unknown {
  return values.length === 1 ? values[0] : values
}

/**
 * Header fields as writeHead takes them: an object, a flat array of names and values, or an array of pairs. An index
 * counts the entries in each of these forms. Changes are made in a copy of the same form.
 */
class GivenFields {
  readonly #form: 'object' | 'flat' | 'pairs'
  readonly #given: object
  readonly #names: readonly unknown[]
  readonly #indexes = new Map<string, number[]>()
  /** The copy, once there is one. */
  changed: Record<string, unknown> | unknown[] | undefined

  constructor(form: 'object' | 'flat' | 'pairs', given: object, names: readonly unknown[]) {
    this.#form = form
    this.#given = given
    this.#names = names
    for (let index = 0; index < names.length; index++) {
      const key = keyOf(names[index])
      // An undefined value is left to Node, which throws.
      if (key === undefined || this.#valueAt(index) === undefined) continue
      const indexes = this.#indexes.get(key)
      if (indexes === undefined) this.#indexes.set(key, [index])
      else indexes.push(index)
    }
  }

  /** Where the fields of one key stand. */
  indexesOf(key: string): readonly number[] {
    return this.#indexes.get(key) ?? nowhere
  }

  valuesAt(index: number): unknown[] {
    return [this.#valueAt(index)].flat()
  }

  replace(index: number, values: unknown[]): void {
    const name = this.#names[index]
    const copy = this.#copy()
    const value = single(values)
    if (this.#form === 'object') (copy as Record<string, unknown>)[name as string] = value
    else if (this.#form === 'flat') (copy as unknown[])[2 * index + 1] = value
    else (copy as unknown[])[index] = [name, value]
  }

  append(name: string, value: string): void {
    const copy = this.#copy()
    if (this.#form === 'object') (copy as Record<string, unknown>)[name] = value
    else if (this.#form === 'flat') (copy as unknown[]).push(name, value)
    else (copy as unknown[]).push([name, value])
  }

  #valueAt(index: number): unknown {
    const fields = this.changed ?? this.#given
    if (this.#form === 'object') return (fields as Record<string, unknown>)[this.#names[index] as string]
    return this.#form === 'flat' ? (fields as unknown[])[2 * index + 1] : (fields as unknown[][])[index]![1]
  }

  /** Node pushes later values of a name into the array of the first, which must not be the handler's own. */
  #copy(): Record<string, unknown> | unknown[] {
    return this.changed ??= Array.isArray(this.#given) ? this.#given.map(ownCopy) : copyOf(this.#given)
  }
}

/** A spread is the exception: V8 takes 2 µs to add fields to one. Object.assign would lose a field `__proto__`. */
function copyOf(fields: object): Record<string, unknown> {
  return Object.hasOwn(fields, '__proto__') ? { ...fields } : Object.assign({} as Record<string, unknown>, fields)
}

function ownCopy(value: unknown): unknown {
  return Array.isArray(value) ? value.map(ownCopy) : value
}

/** Undefined where nothing was given that Node would take. */
function givenFields(given: unknown): GivenFields | undefined {
  if (given === null || typeof given !== 'object') return undefined
  if (!Array.isArray(given)) return new GivenFields('object', given, Object.keys(given))
  if (Array.isArray(given[0])) return new GivenFields('pairs', given, (given as unknown[][]).map(([name]) => name))
  // Leave an array of odd length to Node, which throws.
  if (given.length % 2 !== 0) return undefined
  return new GivenFields('flat', given, given.filter((_, index) => index % 2 === 0))
}

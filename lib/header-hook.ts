import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { SessionHead } from './request-state.js'
import { nameInLine } from './set-cookie.js'
import type { AnyRequest, AnyResponse } from './types.js'

/** Who is asked just before a response's headers leave, and told when they have, and when the response is over. */
export interface HeadWatcher {
  head(req: AnyRequest): SessionHead | undefined
  sent(req: AnyRequest, head: SessionHead | undefined): void
  closed(req: AnyRequest): void
}

type WriteHead = (this: AnyResponse, ...args: unknown[]) => unknown

/** The one method through which every way of sending headers goes, and its deprecated alias (gone in Node 26). */
interface Hookable {
  writeHead: WriteHead
  writeHeader?: WriteHead
}

/**
 * Has `watcher` decide about the head of `res`, whichever way it leaves: all of them end in a call of the method
 * `writeHead` or `writeHeader` on the response.
 *
 * The headers that the handler gives to writeHead are completed in a copy, those it set before through setHeader: a
 * first setHeader of ours would change what Node makes of repeated names in the arguments, and appendHeader would
 * push into the handler's own array.
 */
export function hookHead(req: AnyRequest, res: AnyResponse, watcher: HeadWatcher): void {
  const hookable = res as unknown as Hookable
  const hook = (original: WriteHead): WriteHead => function (...args) {
    if (res.headersSent) return Reflect.apply(original, res, args)
    const head = watcher.head(req)
    const result = head === undefined
      ? Reflect.apply(original, res, args)
      : writeCompleted(req, res, original, args, head)
    if (res.headersSent) {
      watcher.sent(req, head)
      res.on('close', () => watcher.closed(req))
    }
    return result
  }
  hookable.writeHead = hook(hookable.writeHead)
  if (hookable.writeHeader !== undefined) hookable.writeHeader = hook(hookable.writeHeader)
}

function writeCompleted(
  req: AnyRequest, res: AnyResponse, original: WriteHead, args: unknown[], head: SessionHead,
): unknown {
  const undo: (() => void)[] = []
  try {
    return Reflect.apply(original, res, complete(req, res, args, head, undo))
  } catch (error) {
    // Node refused a header of the handler's: nothing has left, and its error answer is to find things as they were.
    if (!res.headersSent) for (const step of undo) step()
    throw error
  }
}

/** The arguments of writeHead with what `head` adds to them, or to the headers that were set. */
function complete(
  req: AnyRequest, res: AnyResponse, args: unknown[], head: SessionHead, undo: (() => void)[],
): unknown[] {
  const { name, line, failed, cacheHeaders } = head
  // As Node reads them: status, reason phrase if it is a string, headers.
  const [status, second, third] = args
  const reason = typeof second === 'string' ? second : undefined
  const given = reason === undefined ? third ?? second : third
  const fields = new Fields(res, given, undo)
  if (line !== undefined) fields.add('Set-Cookie', line, withLine(name, line))
  if (cacheHeaders) {
    fields.add('Vary', 'Cookie', withCookie)
    if (line !== undefined || failed) fields.add('Cache-Control', 'no-store', withNoStore)
  }
  if (!failed && fields.given === given) return args
  // No more arguments than needed: packages that wrap writeHead count them.
  if (!failed) return reason === undefined ? [status, fields.given] : [status, reason, fields.given]
  // HTTP/2 has no reason phrase, and Node warns about one.
  return req.httpVersionMajor >= 2 ? [500, fields.given] : [500, STATUS_CODES[500], fields.given]
}

/**
 * A field's values once changed, entry by entry: a field may have been given more than once. `all` are the values of
 * all entries, and come with the last one, which is where something is added.
 */
type Change = (values: unknown[], all: unknown[] | undefined) => unknown[]

/** All lines but those of our name, then ours: there must be one at most (RFC 6265bis §4.1.1). */
function withLine(name: string, line: string): Change {
  return (lines, all) => {
    const others = lines.filter((other) => nameInLine(other) !== name)
    return all === undefined ? others : [...others, line]
  }
}

/** A list field (RFC 9110 §5.6.1) with `member` in it, unless that or `instead` is there already. */
function withMember(member: string, instead: string = member): Change {
  return (values, all) => {
    // What stands in quotes is no member.
    const members = all?.join(',').replace(/"(?:[^"\\]|\\.)*"/g, '').toLowerCase().split(/[\s,]+/)
    if (members === undefined || members.includes(member.toLowerCase()) || members.includes(instead)) return values
    const [only, ...more] = values
    return more.length === 0 && typeof only === 'string' && only !== '' ? [`${only}, ${member}`] : [...values, member]
  }
}

const withCookie = withMember('Cookie', '*')
const withNoStore = withMember('no-store')

type Entry = readonly [name: unknown, value: unknown]

/** The header fields of a response: those given to writeHead, and those set before. */
class Fields {
  readonly #res: ServerResponse
  readonly #undo: (() => void)[]
  /** What is to be given to writeHead: what the handler gave, or a changed copy. */
  given: unknown

  constructor(res: AnyResponse, given: unknown, undo: (() => void)[]) {
    this.#res = res as ServerResponse // what is used of it here, the HTTP/2 one has too
    this.#undo = undo
    this.given = given
  }

  /**
   * Adds a field, or changes the one there is, where Node will take it from: a given one takes the place of a set
   * one, and given ones are sent as they are, repeated names and all, as long as none was set.
   */
  add(field: string, value: string, change: Change): void {
    const entries = entriesOf(this.given)
    if (entries === undefined) return this.#set(field, value, change)
    const key = field.toLowerCase()
    const last = entries.findLastIndex(([name]) => String(name).toLowerCase() === key)
    const noneSet = this.#res.getHeaderNames().length === 0
    if (last !== -1) {
      // Once one was set, the last of those given under one name counts.
      const all = entries.slice(noneSet ? 0 : last).flatMap(([name, value]) =>
        String(name).toLowerCase() === key ? value : [])
      const changed = entries.flatMap((entry, index): Entry[] => {
        // Undefined is Node's to refuse.
        if (String(entry[0]).toLowerCase() !== key || entry[1] === undefined) return [entry]
        const values = change([entry[1]].flat(), index === last ? all : undefined)
        return values.length === 0 ? [] : [[entry[0], single(values)]]
      })
      this.given = likeGiven(this.given, changed)
    } else if (noneSet) {
      this.given = likeGiven(this.given, [...entries, [field, value]])
    } else {
      this.#set(field, value, change)
    }
  }

  #set(field: string, value: string, change: Change): void {
    const res = this.#res
    const before = res.getHeader(field)
    if (before === undefined) {
      this.#undo.push(() => res.removeHeader(field))
      res.setHeader(field, value)
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

/** One value as itself, several as an array. */
function single(values: unknown[]): unknown {
  return values.length === 1 ? values[0] : values
}

/** Headers as writeHead takes them: an object, a flat array of names and values, or an array of pairs. */
function entriesOf(given: unknown): Entry[] | undefined {
  if (given === null || typeof given !== 'object') return undefined
  if (!Array.isArray(given)) return Object.entries(given)
  if (isPairs(given)) return given
  // An odd one is Node's to refuse.
  if (given.length % 2 !== 0) return undefined
  return given.flatMap((name: unknown, index): Entry[] => index % 2 === 0 ? [[name, given[index + 1]]] : [])
}

function likeGiven(given: unknown, entries: Entry[]): unknown {
  if (!Array.isArray(given)) return Object.fromEntries(entries as [string, unknown][])
  return isPairs(given) ? entries : entries.flat()
}

function isPairs(given: unknown[]): given is Entry[] {
  return Array.isArray(given[0])
}

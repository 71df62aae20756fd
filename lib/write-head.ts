import { completeHead, type HeadAdditions } from './header-fields.js'
import { askedUrl } from './request.js'
import type { AnyRequest, AnyResponse } from './types.js'

/** Who is asked just before a response's headers leave, and told when they have, and when the response is over. */
export interface HeadWatcher {
  /** What the head is to carry; undefined: leave the response unchanged. Asked again where Node refuses a head. */
  head(req: AnyRequest): HeadAdditions | undefined
  /** The head has left; `hasYielded`: without the line that only renews, since the handler wrote one itself. */
  sent(req: AnyRequest, hasYielded: boolean): void
  /** Told only where the head carried something. */
  closed(req: AnyRequest): void
}

type WriteHead = (this: AnyResponse, ...args: unknown[]) => unknown

const watchers = Symbol('watchers')

/** The one method through which every way of sending headers goes, and its deprecated alias (gone in Node 26). */
interface Hookable {
  writeHead: WriteHead
  writeHeader?: WriteHead
  /** Those that the head is hooked for. */
  [watchers]?: HeadWatcher[]
}

/**
 * Has `watcher` decide about the head of `res`, whichever way it leaves: all of them end in a call of the method
 * `writeHead` or `writeHeader` on the response. Twice is once.
 */
export function hookHead(req: AnyRequest, res: AnyResponse, watcher: HeadWatcher): void {
  const hookable = res as unknown as Hookable
  const hooked = hookable[watchers] ??= []
  if (hooked.includes(watcher)) return
  hooked.push(watcher)
  const { url } = req // a router may rewrite it, and the browser does not know
  const hook = (original: WriteHead): WriteHead => function (...args) {
    if (hasLeft(res) || isGone(req, res)) return Reflect.apply(original, res, args)
    const additions = watcher.head(req)
    const head = additions && completeHead(req, askedUrl(req, url), res, args, additions)
    let hasThrown = true
    try {
      const result: unknown = Reflect.apply(original, res, head?.args ?? args)
      hasThrown = false
      return result
    } finally {
      if (hasLeft(res)) { // also where a wrapper of writeHead throws after it called Node's
        watcher.sent(req, head?.hasYielded ?? false)
        if (head !== undefined) res.on('close', () => watcher.closed(req))
      } else if (hasThrown) {
        head?.undo() // Node refused a header of the handler's: its error page starts clean
      }
    }
  }
  hookable.writeHead = hook(hookable.writeHead)
  if (hookable.writeHeader !== undefined) hookable.writeHeader = hook(hookable.writeHeader)
}

/** Whether the head has left, as Node says it: a framework may give its responses a `headersSent` of their own. */
export function hasLeft(res: AnyResponse): boolean {
  return Reflect.get(Object.getPrototypeOf(res) ?? res, 'headersSent', res) as boolean ?? res.headersSent
}

/** Nothing can leave: the response or its connection was destroyed. HTTP/2 sends no head then, and says so. */
function isGone(req: AnyRequest, res: AnyResponse): boolean {
  if (req.httpVersionMajor >= 2) return false
  const { destroyed, socket } = res as { destroyed?: boolean, socket?: { destroyed?: boolean } | null }
  return destroyed === true || socket?.destroyed === true
}

import { realpathSync } from 'node:fs'
import { constants, open, realpath, type FileHandle } from 'node:fs/promises'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { sendError } from './pages.js'
import { requestPath } from './request-path.js'

const types = new Map([
  ['.css', 'text/css; charset=utf-8'],
  ['.html', 'text/html; charset=utf-8'],
  ['.jpg', 'image/jpeg'],
  ['.json', 'application/json'],
  ['.pdf', 'application/pdf'],
  ['.png', 'image/png'],
  ['.svg', 'image/svg+xml'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.webp', 'image/webp'],
  ['.woff2', 'font/woff2'],
])

// The files are for people who are logged in. A browser that stored one would show it after the logout too, when the
// person, or the next one at the desk, goes back. Only what tells nothing is stored, and asked about each time (304).
const tellsNothing = new Set(['.css', '.woff2'])

// No dot in front (`..`, hidden files), no slash or backslash, no control character, no colon (Windows).
const plainName = /^[\p{L}\p{N}_-][\p{L}\p{M}\p{N} ._-]*$/u

/** Sends the files of a folder, and nothing that is outside of it. */
export class FileServer {
  readonly #root: string

  constructor(folder: string | URL) {
    this.#root = realpathSync(folder)
  }

  readonly listener = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('Allow', 'GET, HEAD')
      return sendError(res, 405)
    }
    const names = fileNames(requestPath(req))
    const file = names && (await openFile(this.#root, names))
    if (!file) return sendError(res, 404)
    try {
      await sendFile(req, res, file, names)
    } finally {
      await file.close()
    }
  }
}

/** The names on the way to a file, decoded once; undefined for a path that no file of ours can have. */
function fileNames(path: string): string[] | undefined {
  if (!path.startsWith('/')) return undefined
  if (path.endsWith('/')) path += 'index.html'
  try {
    const names = path.slice(1).split('/').map(decodeURIComponent)
    return names.every((name) => plainName.test(name)) ? names : undefined
  } catch {
    return undefined // a % that is not followed by the code of a character
  }
}

async function openFile(root: string, names: string[]): Promise<FileHandle | undefined> {
  const path = join(root, ...names)
  try {
    // A symbolic link anywhere below the root makes the real path another one.
    if ((await realpath(path)) !== path) return undefined
    // O_NONBLOCK: opening a named pipe would wait for a writer, for ever.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return undefined // not there, not readable, too long: nobody needs to know which
  }
}

async function sendFile(req: IncomingMessage, res: ServerResponse, file: FileHandle, names: string[]): Promise<void> {
  const stats = await file.stat()
  if (stats.isDirectory()) {
    const location = `/${names.map(encodeURIComponent).join('/')}/` // else the links in its index.html would go astray
    return void res.writeHead(301, { 'Location': location, 'Cache-Control': 'no-store', 'Content-Length': 0 }).end()
  }
  if (!stats.isFile()) return sendError(res, 404)

  const extension = extname(names.at(-1) as string)
  const etag = `W/"${stats.size.toString(16)}-${Math.trunc(stats.mtimeMs).toString(16)}"`
  res.setHeader('Cache-Control', tellsNothing.has(extension) ? 'private, no-cache' : 'no-store')
  res.setHeader('ETag', etag)
  res.setHeader('Last-Modified', stats.mtime.toUTCString())
  if (isFresh(req.headers, etag, stats.mtime)) return void res.writeHead(304).end()

  res.setHeader('Content-Type', types.get(extension) ?? 'application/octet-stream')
  res.setHeader('Content-Length', stats.size)
  if (req.method === 'HEAD' || stats.size === 0) return void res.end()
  // What is written to the file meanwhile must not make the answer longer than it was said to be.
  const content = file.createReadStream({ start: 0, end: stats.size - 1, autoClose: false })
  try {
    await pipeline(content, res, { end: false })
  } catch {
    return void res.destroy() // whoever asked has gone, or the disk failed
  }
  // A file that was cut short meanwhile: whoever reads would take the next answer of the connection for the rest of it.
  if (content.bytesRead < stats.size) res.destroy()
  else res.end()
}

/** Whether the client's copy is still good. RFC 9110 §13.2.2: a tag, when there is one, counts alone. */
function isFresh(headers: IncomingHttpHeaders, etag: string, modified: Date): boolean {
  const tags = headers['if-none-match']
  if (tags !== undefined) return tags.split(',').some((tag) => ['*', etag].includes(tag.trim()))
  const since = Date.parse(headers['if-modified-since'] ?? '')
  return Math.trunc(modified.getTime() / 1000) * 1000 <= since // false for a date that is none
}

/**
 * A shared cache after RFC 9111, of the kind that does the most harm while still obeying it: it stores whatever it may
 * store, guesses a freshness for what has none (section 4.2.2), and serves Set-Cookie fields as stored (section 7.3
 * says that they do not inhibit caching). It understands `must-understand` (section 5.2.2.3), is of those that look for
 * instructions of their own first (RFC 9213 section 2.1), and only without them at Cache-Control, and reads no more
 * than the first line of a field, like nginx before 1.23.
 */
export type CacheRequest = { method: string, url: string, headers: Record<string, string | undefined> }
export type CacheResponse = { status: number, fields: [name: string, value: string][], body: string }
type Entry = CacheResponse & { varying: [name: string, value: string | undefined][], freshUntil: number }

const heuristicallyCacheable = [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501] // RFC 9110 section 15.1
const guess = 60 // seconds

export class SharedCache {
  readonly #now: () => number
  readonly #entries = new Map<string, Entry[]>()
  hits = 0

  constructor(now: () => number) {
    this.#now = now
  }

  async fetch(
    request: CacheRequest, origin: (request: CacheRequest) => Promise<CacheResponse>,
  ): Promise<CacheResponse> {
    const { method, url, headers } = request
    const stored = this.#entries.get(url) ?? []
    if (method !== 'GET') {
      const response = await origin(request)
      if (method !== 'HEAD' && response.status < 400) this.#entries.delete(url) // section 4.4
      return response
    }
    const hit = stored.filter((entry) =>
      entry.freshUntil > this.#now() && entry.varying.every(([name, value]) => headers[name] === value)).at(-1)
    if (hit) {
      this.hits++
      return hit
    }
    const response = await origin(request)
    const lifetime = freshness(response)
    const vary = list(response, 'vary')
    if (lifetime > 0 && !vary.includes('*')) {
      const varying = vary.map((name): [string, string | undefined] => [name, headers[name]])
      this.#entries.set(url, [...stored, { ...response, varying, freshUntil: this.#now() + lifetime * 1000 }])
    }
    return response
  }
}

/** Seconds that the response may be served from the cache, 0 when it may not be stored (sections 3 and 4.2.1). */
function freshness(response: CacheResponse): number {
  const [accelExpires] = list(response, 'x-accel-expires')
  if (accelExpires !== undefined) return Number(accelExpires)
  const targeted = ['cdn-cache-control', 'surrogate-control', 'edge-control'].map((name) => list(response, name))
  const found = targeted.find((directives) => directives.length > 0) ?? list(response, 'cache-control')
  const understood = found.includes('must-understand') && heuristicallyCacheable.includes(response.status)
  const directives = understood ? found.filter((directive) => directive !== 'no-store') : found
  const seconds = (name: string) => {
    const found = directives.find((directive) => directive.startsWith(`${name}=`))
    return found === undefined ? undefined : Number.parseInt(found.slice(name.length + 1).replace('"', ''), 10)
  }
  // no-cache would allow storing, and asks for a question to the origin at each use: the same as not storing, here.
  if (['no-store', 'private', 'no-cache'].some((name) => directives.includes(name))) return 0
  const explicit = seconds('s-maxage') ?? seconds('max-age')
  if (explicit !== undefined) return explicit
  return heuristicallyCacheable.includes(response.status) || directives.includes('public') ? guess : 0
}

function list({ fields }: CacheResponse, name: string): string[] {
  const [, line = ''] = fields.find(([header]) => header.toLowerCase() === name) ?? []
  return line.split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '')
}

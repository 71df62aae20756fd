/**
 * Somebody with a browser: fetches pages from servers on this machine, and keeps cookies for the addresses these
 * servers would have in earnest.
 */
import { Agent } from 'node:http'
import { BrowserJar, type RequestKind } from './browser-jar.js'
import { ask, type Answer } from './client.js'

export type Fetch = (url: URL, method: string, headers: Record<string, string>) =>
Promise<Pick<Answer, 'status' | 'fields' | 'body' | 'setCookie'>>
export type Page = Awaited<ReturnType<Fetch>>

/** A fetch that asks the server whose origin on this machine `originOf` tells, and keeps its connections. */
export function fetchFrom(originOf: (url: URL) => string): Fetch {
  const agent = new Agent({ keepAlive: true })
  return (url, method, headers) => ask(originOf(url), url.pathname + url.search, {
    host: url.hostname, ...url.protocol === 'https:' && { 'x-forwarded-proto': 'https' }, ...headers,
  }, method, '', agent)
}

export class Browser {
  readonly jar: BrowserJar
  readonly #fetch: Fetch

  constructor(fetch: Fetch, now: () => number = () => Date.now()) {
    this.jar = new BrowserJar(now)
    this.#fetch = fetch
  }

  /** Asks for a page with the cookies of now, and takes the cookies that come back once they are here. */
  async go(address: string, kind: RequestKind = {}): Promise<Page> {
    const cookie = this.jar.header(address, kind)
    const page = await this.#fetch(new URL(address), kind.method ?? 'GET', cookie === undefined ? {} : { cookie })
    this.jar.receive(address, page.setCookie, kind)
    return page
  }
}

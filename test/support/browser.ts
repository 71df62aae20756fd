/**
 * Somebody with a browser: fetches pages from servers on this machine, and keeps cookies for the addresses these
 * servers would have in earnest.
 */
import { request } from 'node:http'
import { BrowserJar, type RequestKind } from './browser-jar.js'

export type Page = { status: number, headers: [name: string, value: string][], body: string, setCookie: string[] }
export type Fetch = (url: URL, method: string, headers: Record<string, string>) => Promise<Page>

/** A fetch that asks the server on the port that `portOf` names for an address. */
export function fetchFrom(portOf: (url: URL) => number): Fetch {
  return (url, method, headers) => new Promise((resolve, reject) => {
    const { pathname, search, hostname } = url
    const all = { host: hostname, ...url.protocol === 'https:' && { 'x-forwarded-proto': 'https' }, ...headers }
    const sent = request({ port: portOf(url), path: pathname + search, method, headers: all, agent: false }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () => {
        const fields: Page['headers'] = []
        for (let i = 0; i < res.rawHeaders.length; i += 2) fields.push([res.rawHeaders[i]!, res.rawHeaders[i + 1]!])
        const setCookie = res.headers['set-cookie'] ?? []
        resolve({ status: res.statusCode!, headers: fields, body: Buffer.concat(chunks).toString(), setCookie })
      })
    })
    sent.on('error', reject)
    sent.end()
  })
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

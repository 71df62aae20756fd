/**
 * A shared cache between two users and a server that tells everybody to cache its pages: nobody gets a page or a
 * cookie of somebody else's, because of the headers that the library adds, and only because of them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { RequestSessions, SessionHandler } from '../../lib/index.js'
import { Browser, fetchFrom, type Fetch } from '../support/browser.js'
import { fuzz, seededRandom } from '../support/seeded-random.js'
import { listen } from '../support/listen.js'
import { key } from '../support/sessions.js'
import { SharedCache, type CacheResponse } from '../support/shared-cache.js'

type Page = (session: Record<string, unknown>, req: IncomingMessage, res: ServerResponse) => void

const greet: Page = ({ user = 'nobody' }, _, res) => { res.end(`for ${String(user)}`) }

/** Each tells caches to keep it, in another way. */
const pages: Record<string, Page> = {
  '/me': greet,
  '/me/for-a-minute': (session, req, res) => {
    res.setHeader('Cache-Control', 'public, max-age=60')
    greet(session, req, res)
  },
  '/me/in-shared-caches': (session, req, res) => {
    res.writeHead(200, { 'cache-control': 'S-MaxAge=60', 'vary': 'Accept' })
    greet(session, req, res)
  },
  '/me/moved': (session, req, res) => {
    res.writeHead(301, ['Location', '/me'])
    greet(session, req, res)
  },
  '/me/missing': (session, req, res) => {
    res.statusCode = 404
    greet(session, req, res)
  },
  '/me/in-parts': (session, _, res) => {
    res.setHeader('Vary', ['Accept', 'Accept-Language'])
    res.write('for ')
    res.end(String(session['user'] ?? 'nobody'))
  },
  '/me/in-the-cdn': (session, req, res) => {
    session['looks'] = Number(session['looks'] ?? 0) + 1
    res.setHeader('CDN-Cache-Control', 'max-age=600').setHeader('Cache-Control', 'private')
    greet(session, req, res)
  },
  '/me/in-the-surrogate': (session, req, res) => {
    session['looks'] = Number(session['looks'] ?? 0) + 1
    res.writeHead(200, ['surrogate-control', 'max-age=60', 'Surrogate-Control', 'max-age=600'])
    greet(session, req, res)
  },
  '/me/in-nginx': (session, req, res) => {
    session['looks'] = Number(session['looks'] ?? 0) + 1
    res.setHeader('X-Accel-Expires', '600')
    greet(session, req, res)
  },
  '/me/in-akamai': (session, req, res) => {
    session['looks'] = Number(session['looks'] ?? 0) + 1
    res.writeHead(200, { 'edge-control': 'max-age=600' })
    greet(session, req, res)
  },
  '/me/in-two-lines': (session, req, res) => {
    res.setHeader('Vary', ['Accept', 'Cookie']).setHeader('Cache-Control', ['max-age=600', 'public'])
    greet(session, req, res)
  },
  '/me/understood': (session, req, res) => {
    session['looks'] = Number(session['looks'] ?? 0) + 1
    res.writeHead(200, { 'Cache-Control': 'must-understand, no-store, max-age=600' })
    greet(session, req, res)
  },
  '/me/in-two-spellings': (session, req, res) => {
    session['looks'] = Number(session['looks'] ?? 0) + 1
    res.setHeader('X-A', '1').removeHeader('X-A')
    res.writeHead(200, { 'Vary': 'Cookie', 'vary': 'Accept', 'Cache-Control': 'no-store', 'cache-control': 'public, max-age=60' })
    greet(session, req, res)
  },
  '/visit': (session, req, res) => {
    session['visits'] = Number(session['visits'] ?? 0) + 1
    res.setHeader('Cache-Control', ['public', 'max-age=600'])
    greet(session, req, res)
  },
  '/login': (session, req, res) => {
    session['user'] = new URL(req.url!, 'https://shop.example').searchParams.get('user')
    res.writeHead(200, 'Welcome', { 'Cache-Control': 'public, s-maxage=600, max-age=0' })
    greet(session, req, res)
  },
  '/logout': (session, req, res) => {
    for (const name of Object.keys(session)) delete session[name]
    res.setHeader('Expires', 'Fri, 15 Jan 2077 08:00:00 GMT')
    greet(session, req, res)
  },
}

const setCookieOf = ({ fields }: CacheResponse) =>
  fields.flatMap(([name, value]) => name.toLowerCase() === 'set-cookie' ? value : [])

/** A thousand requests of three browsers, through one cache. */
async function surf(t: Test, cacheHeaders: boolean) {
  const random = seededRandom(t)
  const realNow = Date.now
  let now = Date.UTC(2027, 0, 15, 8)
  Date.now = () => now
  t.teardown(() => { Date.now = realNow })

  const sessions = new RequestSessions({ secure: true, cacheHeaders })
  const origin = await listen(t, new SessionHandler((req, res) => {
    const path = req.url!.split('?')[0]!
    const page = pages[path]
    if (page) return page(sessions.get(req), req, res)
    res.setHeader('Cache-Control', 'public, max-age=60').end('for everybody')
  }, key, sessions).listener)

  const fetchAnew = fetchFrom(() => origin)
  const cache = new SharedCache(() => now)
  const fetch: Fetch = async (url, method, headers) => {
    const answer = await cache.fetch({ method, url: url.href, headers }, (request) =>
      fetchAnew(new URL(request.url), request.method, headers))
    return { ...answer, setCookie: setCookieOf(answer) }
  }

  const counts = { foreignBodies: 0, foreignCookies: 0, hits: 0, publicHits: 0 }
  const users = ['alice', 'bob', 'carol'].map((name) => ({ name, browser: new Browser(fetch), knownAs: 'nobody' }))
  const paths = [...Object.keys(pages), '/public']
  for (let i = 0; i < 1000 * fuzz; i++) {
    const user = random.pick(users)
    // Most of what people do is look.
    const path = random.below(3) === 0 ? random.pick(paths) : random.pick(paths.slice(0, 6))
    if (path === '/login') user.knownAs = user.name
    if (path === '/logout') user.knownAs = 'nobody'
    const before = cache.hits
    const address = `https://shop.example${path}${path === '/login' ? `?user=${user.name}` : ''}`
    const page = await user.browser.go(address)
    const fromCache = cache.hits > before
    if (fromCache) counts.hits++
    if (fromCache && path === '/public') counts.publicHits++
    if (fromCache && page.setCookie.length > 0) counts.foreignCookies++
    const expected = path === '/public' ? 'for everybody' : `for ${user.knownAs}`
    if (page.body !== expected) counts.foreignBodies++
    now += random.below(3000)
  }
  return counts
}

t.test('nobody gets what is somebody else\'s', async (t) => {
  const counts = await surf(t, true)
  t.equal(counts.foreignBodies, 0)
  t.equal(counts.foreignCookies, 0)
  t.ok(counts.hits > 50, `the cache was of use ${counts.hits} times`)
  t.ok(counts.publicHits > 0, `${counts.publicHits} of them for a page that asks for no session`)
})

t.test('without the headers they do: the cache is as careless as it may be', async (t) => {
  const counts = await surf(t, false)
  t.ok(counts.foreignBodies > 50, `${counts.foreignBodies} foreign pages`)
  t.ok(counts.foreignCookies > 5, `${counts.foreignCookies} foreign cookies`)
})

t.test('a response to somebody without a cookie is not kept for those with one', async (t) => {
  const sessions = new RequestSessions({ secure: true })
  const origin = await listen(t, new SessionHandler((req, res) => {
    if (req.url === '/login') sessions.get(req)['user'] = 'alice'
    res.end(`for ${String(sessions.get(req)['user'] ?? 'nobody')}`)
  }, key, sessions).listener)
  const cache = new SharedCache(() => Date.now())
  const fetchAnew = fetchFrom(() => origin)
  const fetch: Fetch = async (url, method, headers) => {
    const answer = await cache.fetch({ method, url: url.href, headers }, (request) =>
      fetchAnew(new URL(request.url), request.method, headers))
    return { ...answer, setCookie: setCookieOf(answer) }
  }
  const alice = new Browser(fetch)
  const stranger = new Browser(fetch)
  t.equal((await alice.go('https://shop.example/')).body, 'for nobody')
  await alice.go('https://shop.example/login')
  t.equal((await alice.go('https://shop.example/')).body, 'for alice')
  t.equal((await alice.go('https://shop.example/')).body, 'for alice')
  t.equal((await stranger.go('https://shop.example/')).body, 'for nobody')
  t.equal(cache.hits, 2)
})

t.test('of two people without a cookie the second does not get the first one\'s, whatever a page tells caches', async (t) => {
  const sessions = new RequestSessions({ secure: true })
  const origin = await listen(t, new SessionHandler((req, res) => {
    const session = sessions.get(req)
    session['visitor'] = Math.random()
    pages[req.url!]!(session, req, res)
  }, key, sessions).listener)
  for (const path of Object.keys(pages).filter((path) => path !== '/login' && path !== '/logout')) {
    const cache = new SharedCache(() => Date.now())
    const fetchAnew = fetchFrom(() => origin)
    const fetch: Fetch = async (url, method, headers) => {
      const answer = await cache.fetch({ method, url: url.href, headers }, (request) =>
        fetchAnew(new URL(request.url), request.method, headers))
      return { ...answer, setCookie: setCookieOf(answer) }
    }
    const visit = async (browser: Browser) => {
      await browser.go(`https://shop.example${path}`)
      return browser.jar.cookies[0]?.value
    }
    const first = await visit(new Browser(fetch))
    const second = await visit(new Browser(fetch))
    t.ok(first !== undefined && second !== undefined && first !== second, path)
  }
})

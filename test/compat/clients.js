import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { certificate } from './certificate.js'
import { nodeListener } from './frameworks/node-listener.js'
import { equal, row } from './report.js'
import { listen, stop } from './servers.js'
import { makeRoutes, withSession } from './story/app.js'

/*
 * A client is open(origin, listener, tls): a function that gets a path and gives the body, and keeps cookies in its
 * own way. The origin's server runs the listener.
 */
const clients = {
  async fetch(origin) {
    let cookie
    return async (path) => {
      const response = await fetch(`${origin}${path}`, { headers: cookie === undefined ? {} : { cookie } })
      for (const line of response.headers.getSetCookie()) cookie = line.split(';')[0]
      return response.text()
    }
  },

  async undici(origin) {
    const { getSetCookies, request } = await import('undici')
    let cookie
    return async (path) => {
      const { headers, body } = await request(`${origin}${path}`, { headers: cookie === undefined ? {} : { cookie } })
      for (const { name, value } of getSetCookies(new Headers(pairs(headers)))) cookie = `${name}=${value}`
      return body.text()
    }
  },

  async 'tough-cookie'(origin) {
    const { CookieJar } = await import('tough-cookie')
    const jar = new CookieJar()
    return async (path) => {
      const url = `${origin}${path}`
      const response = await fetch(url, { headers: { cookie: await jar.getCookieString(url) } })
      for (const line of response.headers.getSetCookie()) await jar.setCookie(line, url)
      return response.text()
    }
  },

  async supertest(origin, listener) {
    const { agent } = await import('supertest')
    const client = agent(listener)
    return async (path) => (await client.get(path)).text
  },

  async 'light-my-request'(origin, listener) {
    const { inject } = await import('light-my-request')
    let cookies = {}
    return async (path) => {
      const response = await inject(listener, { url: path, cookies })
      for (const { name, value } of response.cookies) cookies = { ...cookies, [name]: value }
      return response.payload
    }
  },

  'curl': (origin) => curl(origin),
  'curl over TLS': (origin, listener, { cert }) => curl(origin, cert),
}

const run = promisify(execFile)

async function curl(origin, cert) {
  const folder = mkdtempSync(join(tmpdir(), 'compat-'))
  const [jar, ca] = ['jar', 'ca.pem'].map((name) => join(folder, name))
  const trust = cert === undefined ? [] : ['--cacert', ca]
  if (cert !== undefined) writeFileSync(ca, cert)
  const visit = async (path) => (await run('curl', ['-sS', '-b', jar, '-c', jar, ...trust, `${origin}${path}`])).stdout
  visit.close = () => rmSync(folder, { recursive: true })
  return visit
}

const pairs = (headers) => Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one]))

export async function clientRows(suite) {
  const tls = certificate()
  const listener = withSession(nodeListener(makeRoutes()))
  const [plain, secure] = [http.createServer(listener), https.createServer(tls, listener)]
  for (const [name, open] of Object.entries(clients)) {
    const origin = name.endsWith('TLS') ? `https://localhost:${await listen(secure)}`
      : `http://127.0.0.1:${await listen(plain)}`
    await row(suite, name, 'logs in, comes back, logs out', async () => {
      const visit = await open(origin, listener, tls)
      const bodies = []
      for (const path of ['/me', '/login?user=ann', '/me', '/plain', '/own-cookies', '/me', '/logout', '/me']) {
        bodies.push(await visit(path))
      }
      visit.close?.()
      equal(bodies, ['{}', '{"welcome":true}', '{"user":"ann"}', 'plain', '{"own":true}', '{"user":"ann","own":true}',
        '{"bye":true}', '{}'], 'bodies')
    })
  }
  stop(plain)
  stop(secure)
}

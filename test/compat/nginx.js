// nginx in front of a server: the largest session that its buffers take, and what its cache keeps.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RequestSessions, Session, SessionHandler } from './library.js'
import { equal, row } from './report.js'
import { listen, stop } from './servers.js'
import { key, withSession } from './story/app.js'

const hasNginx = spawnSync('nginx', ['-v']).error === undefined

async function freePort() {
  const server = net.createServer()
  const port = await listen(server)
  server.close()
  return port
}

/** Calls `run` with what asks nginx, which asks a server with this listener, and with what tells nginx's output. */
async function behindNginx(listener, settings, run) {
  const server = http.createServer(listener)
  const [back, port, folder] = [await listen(server), await freePort(), mkdtempSync(join(tmpdir(), 'compat-'))]
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
  writeFileSync(join(folder, 'nginx.conf'), `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
    events {}
    http {
      access_log off; ${temporary.join(' ')} proxy_cache_path ${folder}/cache keys_zone=pages:1m;
      server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${back}; ${settings} } }
    }`)
  const nginx = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'])
  let output = ''
  nginx.stderr.on('data', (part) => { output += part })
  const ended = new Promise((resolve) => { nginx.on('exit', resolve) })
  const ask = (headers = {}, path = '/') => fetch(`http://127.0.0.1:${port}${path}`, { headers })
  try {
    for (let tries = 0; await ask({}, '/start').catch(() => undefined) === undefined; tries++) {
      if (tries === 100) throw new Error(`nginx does not answer: ${output}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return await run(ask, () => output)
  } finally {
    nginx.kill()
    await ended
    stop(server)
    rmSync(folder, { recursive: true })
  }
}

const fill = withSession((req, res) => {
  Session.get(req).s = 'x'.repeat(Math.max(0, Number(req.headers['x-bytes'] ?? 10) - '{"s":""}'.length))
  res.end()
})

/** The most bytes of JSON in the session that are answered with 200, and the status for one more. */
async function most(ask) {
  const status = async (bytes) => (await ask({ 'x-bytes': String(bytes) })).status
  let [fits, fails] = [100, 4096]
  while (fails - fits > 1) {
    const bytes = Math.floor((fits + fails) / 2)
    if (await status(bytes) === 200) fits = bytes
    else fails = bytes
  }
  return { fits, status: await status(fails) }
}

/** Fields by which a handler has nginx keep a page. */
const kept = {
  'X-Accel-Expires': (res) => res.setHeader('X-Accel-Expires', '600'),
  'X-Accel-Expires given': (res) => res.writeHead(200, ['x-accel-expires', '600']),
  'Cache-Control': (res) => res.setHeader('Cache-Control', 'public, max-age=600'),
  'two lines of Cache-Control': (res) => res.setHeader('Cache-Control', ['max-age=600', 'public']),
  'a quote left open': (res) => res.setHeader('Cache-Control', 'max-age=600, x="y'),
}

/** What two visitors get one after the other, of a page that counts those who reach the server. */
async function twoVisits(name, change, options = {}) {
  const sessions = new RequestSessions({ onEvent: () => {}, ...options })
  let visits = 0
  const handler = new SessionHandler((req, res) => {
    if (req.url === '/start') return res.end()
    change(sessions.get(req))
    kept[name](res)
    res.end(String(++visits))
  }, key, sessions)
  return behindNginx(handler.listener, 'proxy_cache pages; proxy_ignore_headers Set-Cookie;', async (ask) => {
    const visit = async () => {
      const answer = await ask()
      return `${answer.status} ${await answer.text()}`
    }
    return [await visit(), await visit()]
  })
}

export async function nginxRows(suite) {
  if (!hasNginx) return console.log(`${suite}: no nginx here, so its rows are left out`)
  await row(suite, 'nginx', 'answers 502 for the largest sessions, with its default buffers', () =>
    behindNginx(fill, '', async (ask, output) => {
      const { fits, status: over } = await most(ask)
      console.log(`nginx, default buffers: ${fits} bytes of JSON pass`)
      // One page of memory, 4 kB on most machines, is for the whole head.
      equal([fits > 2600 && fits < 2900, over], [true, 502], `the status of ${fits + 1} bytes`)
      equal(output().includes('upstream sent too big header'), true, 'whether nginx says why')
    }))
  await row(suite, 'nginx', 'takes all that fit into a cookie, with proxy_buffer_size 8k', () =>
    behindNginx(fill, 'proxy_buffer_size 8k;', async (ask) => {
      const { fits, status: over } = await most(ask)
      console.log(`nginx, proxy_buffer_size 8k: ${fits} bytes of JSON pass`)
      equal([fits > 2880, over], [true, 500], `the status of ${fits + 1} bytes, which is ours`)
    }))
  for (const name of Object.keys(kept)) {
    await row(suite, 'nginx', `keeps no failed answer and no new session, whatever ${name} says`, async () => {
      const [fail, change] = [(session) => { session.a = NaN }, (session) => { session.a = 1 }]
      equal(await twoVisits(name, fail), ['500 1', '500 2'], 'a failed answer')
      equal(await twoVisits(name, change), ['200 1', '200 2'], 'a new session')
      equal(await twoVisits(name, fail, { cacheHeaders: false }), ['500 1', '500 1'], 'one without our headers')
    })
  }
}

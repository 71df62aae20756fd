// nginx in front of a server: the largest session that its buffers take.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session } from './library.js'
import { equal, row } from './report.js'
import { listen, stop } from './servers.js'
import { withSession } from './story/app.js'

const hasNginx = spawnSync('nginx', ['-v']).error === undefined

async function freePort() {
  const server = net.createServer()
  const port = await listen(server)
  server.close()
  return port
}

/** The status for each number of bytes of JSON in the session. */
async function behindNginx(settings, run) {
  const server = http.createServer(withSession((req, res) => {
    Session.get(req).s = 'x'.repeat(Number(req.headers['x-bytes']) - '{"s":""}'.length)
    res.end()
  }))
  const [back, port, folder] = [await listen(server), await freePort(), mkdtempSync(join(tmpdir(), 'compat-'))]
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
  writeFileSync(join(folder, 'nginx.conf'), `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
    events {}
    http {
      access_log off; ${temporary.join(' ')}
      server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${back}; ${settings} } }
    }`)
  const nginx = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'])
  let output = ''
  nginx.stderr.on('data', (part) => { output += part })
  const ended = new Promise((resolve) => { nginx.on('exit', resolve) })
  const ask = (bytes) => fetch(`http://127.0.0.1:${port}`, { headers: { 'x-bytes': String(bytes) } })
  try {
    for (let tries = 0; await ask(10).catch(() => undefined) === undefined; tries++) {
      if (tries === 100) throw new Error(`nginx does not answer: ${output}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return await run(async (bytes) => (await ask(bytes)).status, () => output)
  } finally {
    nginx.kill()
    await ended
    stop(server)
    rmSync(folder, { recursive: true })
  }
}

/** The most bytes that are answered with 200. */
async function most(status) {
  let [fits, fails] = [100, 4096]
  while (fails - fits > 1) {
    const bytes = Math.floor((fits + fails) / 2)
    if (await status(bytes) === 200) fits = bytes
    else fails = bytes
  }
  return { fits, status: await status(fails) }
}

export async function nginxRows(suite) {
  if (!hasNginx) return console.log(`${suite}: no nginx here, so its rows are left out`)
  await row(suite, 'nginx', 'answers 502 for the largest sessions, with its default buffers', () =>
    behindNginx('', async (status, output) => {
      const { fits, status: over } = await most(status)
      console.log(`nginx, default buffers: ${fits} bytes of JSON pass`)
      // One page of memory, 4 kB on most machines, is for the whole head.
      equal([fits > 2600 && fits < 2900, over], [true, 502], `the status of ${fits + 1} bytes`)
      equal(output().includes('upstream sent too big header'), true, 'whether nginx says why')
    }))
  await row(suite, 'nginx', 'takes all that fit into a cookie, with proxy_buffer_size 8k', () =>
    behindNginx('proxy_buffer_size 8k;', async (status) => {
      const { fits, status: over } = await most(status)
      console.log(`nginx, proxy_buffer_size 8k: ${fits} bytes of JSON pass`)
      equal([fits > 2880, over], [true, 500], `the status of ${fits + 1} bytes, which is ours`)
    }))
}

import { createServer } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { Client } from '../support/client.js'
import { listen } from '../support/listen.js'
import { run, serve } from '../support/program.js'

const user1 = { name: 'user1', password: 'teapot' }

t.test('people stay logged in when it is restarted with the same key', async (t) => {
  const env = { SESSION_KEY: 'a key for these tests, of no use to anybody' }
  const server = await serve('auth', env)
  const browser = new Client(server.origin)
  await browser.post('/login', user1)
  t.strictSame(await server.stop('SIGTERM'), {
    code: 0,
    stdout: `Open ${server.origin} and log in:\n` +
      '  user1, password teapot (or user2, lantern; user3, pelican; user4, marigold)\n',
    stderr: '',
  })

  const again = await serve('auth', env)
  const later = new Client(again.origin)
  for (const [cookie, value] of browser.cookies) later.cookies.set(cookie, value)
  t.match(await later.get('/'), { status: 200, body: 'You are logged in.' })
  t.equal((await again.stop('SIGINT')).code, 0)
})

t.test('without a key it makes one, and tells how to keep one', async (t) => {
  const server = await serve('auth')
  // A request that is only half sent does not keep the server from ending.
  const socket = connect(Number(new URL(server.origin).port), '127.0.0.1').on('error', () => {})
  socket.write('GET / HTTP/1.1\r\n')
  t.equal((await new Client(server.origin).get('/login')).status, 200)
  const { code, stdout } = await server.stop()
  t.equal(code, 0)
  t.match(stdout, 'No SESSION_KEY is set: sessions end with this process.')
  t.match(stdout, 'export SESSION_KEY="$(node -p "crypto.randomBytes(32).toString(\'base64url\')")"')
  socket.destroy()
})

t.test('behind a proxy that ends TLS the cookie never travels without it', async (t) => {
  const server = await serve('auth', { SECURE: '1' })
  const { headers } = await new Client(server.origin).post('/login', user1, { 'X-Forwarded-Proto': 'https' })
  t.match(headers['set-cookie'], [/^__Host-session=[\w-]+; .*; Path=\/; Secure; HttpOnly; SameSite=Lax$/])
  t.equal((await server.stop()).stderr, '')
})

t.test('what it cannot start with is told in a line', async (t) => {
  const { port, host } = new URL(await listen(t, createServer()))
  const inUse = `listen EADDRINUSE: address already in use ${host}`
  const rows = [
    [{ PORT: port }, `Cannot listen on port ${port} (${inUse}). Set PORT to another one.\n`],
    [{ PORT: 'http' }, 'PORT must be a number from 0 to 65535.\n'],
  ] as const
  for (const [wrong, stderr] of rows) {
    t.strictSame(await run('auth', wrong), { code: 1, stdout: '', stderr }, stderr)
  }
})

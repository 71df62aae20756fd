import crypto from 'node:crypto'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { connect } from 'node:net'
import t from 'tap'
import { Client } from '../support/client.js'
import { listen } from '../support/listen.js'
import { until } from '../support/time.js'

// scrypt that the test holds back, and lets go hash by hash.
const held: (() => void)[] = []
let hashes = 0
const { scrypt } = crypto
crypto.scrypt = ((...args: unknown[]) => {
  const done = args.at(-1) as (error: null, hash: Buffer) => void
  hashes++
  held.push(() => done(null, Buffer.alloc(32)))
}) as typeof scrypt
syncBuiltinESMExports()
const { createAuthServer } = await import('../../example/auth-server.js')
const { hashPassword } = await import('../../example/users.js')
t.teardown(() => {
  crypto.scrypt = scrypt
  syncBuiltinESMExports()
})

const letGo = async (): Promise<void> => {
  await until(() => held.length > 0)
  held.shift()?.()
}
const form = 'name=user1&password=x'
const post = 'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n' +
  `Content-Length: ${form.length}\r\n\r\n${form}`

t.test('no hash is made for those who have gone', async (t) => {
  const server = createAuthServer([crypto.randomBytes(32)])
  const origin = await listen(t, server)
  const gone: Promise<unknown>[] = []
  let arrived = 0
  server.on('request', (_req, res) => {
    arrived++
    gone.push(once(res, 'close'))
  })
  const sockets = Array.from({ length: 15 }, () => connect(Number(new URL(origin).port), '127.0.0.1'))
  for (const socket of sockets) socket.write(post)
  await until(() => arrived === sockets.length && hashes === 1)
  for (const socket of sockets) socket.destroy()
  await Promise.all(gone)

  let status: number | undefined
  const login = new Client(origin).post('/login', { name: 'user1', password: 'x' })
  login.then((answer) => { status = answer.status }, t.fail)
  await until(() => {
    held.shift()?.()
    return status !== undefined
  })
  t.equal(status, 303)
  t.equal(hashes, 2, 'the one that was under way when its client left, and that of the person who is still there')
})

t.test('more than the queue holds are told to come back', async (t) => {
  const origin = await listen(t, createAuthServer([crypto.randomBytes(32)]))
  hashes = 0
  const logins = Array.from({ length: 25 }, () => new Client(origin).post('/login', { name: 'user1', password: 'x' }))
  let refused = 0
  for (const login of logins) login.then(({ status }) => { if (status === 503) refused++ }, () => {})
  await until(() => refused === 5)

  for (let turns = 0; turns < 20; turns++) await letGo()
  const answers = await Promise.all(logins)
  t.equal(answers.filter(({ status }) => status === 303).length, 20, 'the others have their turn')
  for (const { headers, body } of answers.filter(({ status }) => status === 503)) {
    t.match(headers, { 'retry-after': '5', 'set-cookie': undefined })
    t.match(body, 'Too many people log in at once.')
  }
  t.equal(hashes, 20)

  const later = new Client(origin).post('/login', { name: 'user1', password: 'x' })
  await letGo()
  t.equal((await later).status, 303, 'and then there is room again')
})

t.test('each entry has a salt of its own', async (t) => {
  const entries = ['the same', 'the same'].map((password) => hashPassword(password))
  for (const _ of entries) await letGo()
  const salts = (await Promise.all(entries)).map((entry) => entry.split('.')[0])
  t.equal(new Set(salts).size, 2)
})

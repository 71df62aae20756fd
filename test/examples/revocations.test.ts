import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startRedis } from '../../example/replicas/redis-server.js'
import { everySession, oneSession } from '../../example/replicas/revoked.js'
import { root } from '../support/root.js'

// Two processes' knowledge of what was revoked, in this one, and a real Redis between them.

if (!process.env.SERVICES) {
  t.pass('nothing can be tested', { skip: 'make test-replicas installs and builds what this needs, and sets SERVICES' })
  process.exit()
}

const source = new URL('build/replicas/revocations.js', root).href
const { Revocations } = await import(source)
const { listLogins, noteLogin } = await import(source.replace('revocations', 'logins'))
const later = Math.floor(Date.now() / 1000) + 86_400 // Unix seconds

const taken = createServer().listen(0, '127.0.0.1')
await once(taken, 'listening')
const { port } = taken.address() as AddressInfo
await once(taken.close(), 'close')

const folder = t.testdir({})
let redis = await startRedis(folder, port)
const kill = async (): Promise<void> => {
  redis.kill('SIGKILL')
  await once(redis, 'exit')
}
t.teardown(kill)

const said: string[] = []
const start = (): Promise<any> => Revocations.start(`redis://127.0.0.1:${port}`, (news: string) => said.push(news))
const until = async (check: () => boolean): Promise<void> => {
  while (!check()) await delay(5)
}
const [one, other] = [await start(), await start()]
const knows = ({ known }: any, id: string): boolean => known.until(oneSession(id)) > 0

t.test('a logout is stored when it is answered, and told to all', async (t) => {
  const asked = Date.now()
  await one.revoke(oneSession('a'), later)
  t.equal(await one.redis.zScore('revoked', oneSession('a')), later)
  await until(() => other.heardAll > asked)
  t.ok(knows(other, 'a'))
  t.ok(knows(await start(), 'a'), 'one that starts later knows it before it listens')
})

t.test('"log out everywhere" raises a number: a login right after it has the new one on every machine', async (t) => {
  const login = { id: 'b', user: 'ann', number: await other.numberOf('ann'), until: later }
  t.notOk(other.known.has(login))
  for (let times = 0; times < 3; times++) {
    const before = await one.numberOf('ann')
    await one.revokeAll('ann', 86_400)
    const number = await other.numberOf('ann')
    t.ok(number > before, 'also twice in a second')
    t.ok(other.known.has({ ...login, number: before }))
    t.notOk(other.known.has({ ...login, number }))
  }
  t.equal(other.known.until(everySession('bob')), 0)
})

t.test('Redis away: a logout fails, holds here, and reaches the others when Redis is back, empty', async (t) => {
  await kill()
  await until(() => said.filter((news) => /^Redis is away/.test(news)).length === 3) // those who started so far
  await t.rejects(one.revoke(oneSession('c'), later), { message: 'Redis is away' })
  t.ok(knows(one, 'c'))
  t.notOk(knows(other, 'c'))
  t.throws(() => other.redis, { message: 'Redis is away' })
  const { heardAll } = other
  const starting = start()

  await rm(folder, { recursive: true })
  redis = await startRedis(folder, port)
  await until(() => knows(other, 'c'))
  const third = await starting
  t.ok(knows(third, 'a') && knows(third, 'c'), 'one that waited for Redis knows what the others gave back')
  await until(() => other.heardAll > heardAll)
  t.ok(await one.redis.zScore('revoked', oneSession('a')), 'Redis has again what it had')
  t.ok(said.some((news) => /^Redis is back, \d+ revocations are known$/.test(news)))
})

t.test('a Redis that was emptied while it ran gets all back', async (t) => {
  said.length = 0
  await one.redis.flushAll()
  let stored = null
  while (stored === null) {
    await delay(20)
    stored = await Promise.resolve().then(() => other.redis.zScore('revoked', oneSession('c'))).catch(() => null)
  }
  t.equal(stored, later)
  await until(() => said.filter((news) => /^Redis is back/.test(news)).length >= 4) // each of those who started so far
})

t.test('a Redis without room counts as one that is away, until it has room', async (t) => {
  said.length = 0
  await other.redis.configSet('maxmemory', '1')
  await t.rejects(one.revoke(oneSession('e'), later), { message: /^OOM / })
  t.ok(knows(one, 'e'))
  await until(() => said.some((news) => /^Redis is away \(OOM /.test(news)))
  await other.redis.configSet('maxmemory', '0')
  await until(() => knows(other, 'e'))
  await until(() => said.some((news) => /^Redis is back/.test(news)))
})

t.test('the list of logins holds the latest 20', async (t) => {
  for (let index = 0; index < 25; index++) {
    await noteLogin(one.redis, { id: `${index}`, user: 'ann', number: 0, until: later, since: 0, browser: 'x' })
  }
  const ids = (await listLogins(other.redis, 'ann')).map(({ id }: { id: string }) => id)
  t.strictSame(ids, Array.from({ length: 20 }, (_, index) => `${24 - index}`))
  t.strictSame(await listLogins(other.redis, 'bob'), [])
  t.ok((await one.redis.ttl('logins:ann')) > 86_000, 'and ends with them')
})

t.test('a session that ends meanwhile is not kept', async (t) => {
  await one.revoke(oneSession('d'), Math.floor(Date.now() / 1000) - 1000)
  t.notOk(knows(one, 'd'))
})

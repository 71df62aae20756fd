import crypto, { randomBytes } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { library, requestWith } from '../ours.js'
import { usual } from '../session.js'
import { number } from '../table.js'

/*
 * How often a cookie is found among the remembered ones, when so many users come back again and again. Nothing tells
 * but the HMACs: one for each cookie that has to be opened, so they are counted.
 */

const users = [100, 1000, 10_000, 100_000]
const limits = [0, 1000, 10_000]

/** Which user comes next. */
const orders = {
  'in turn': (count) => (i) => i % count,
  'at random': (count) => () => Math.floor(Math.random() * count),
  '9 of 10 requests by 1 of 10 users': (count) => () =>
    Math.floor(Math.random() * (Math.random() < 0.9 ? count / 10 : count)),
}

/** Calls of createHmac while `run` runs. */
function hmacsOf(run) {
  const { createHmac } = crypto
  let count = 0
  const put = (replacement) => {
    crypto.createHmac = replacement
    syncBuiltinESMExports()
  }
  put((...args) => {
    count++
    return createHmac(...args)
  })
  try {
    run()
  } finally {
    put(createHmac)
  }
  return count
}

export async function hits({ quick }) {
  const { RequestSessions, SessionHandler } = await library()
  const key = randomBytes(32)
  const handlerThat = (remember) => new SessionHandler(() => {}, key, new RequestSessions(), { remember })
  const issuer = handlerThat(0)
  const most = quick ? 10_000 : Math.max(...users)
  const cookies = Array.from({ length: most }, (_, i) =>
    Buffer.from(`session=${issuer.encodeCookie({ ...usual, visits: i })}`, 'latin1'))
  const results = []
  for (const [order, choose] of Object.entries(orders)) {
    for (const count of users.filter((some) => some <= most)) {
      for (const remember of limits) {
        const handler = handlerThat(remember)
        const next = choose(count)
        const read = (times) => {
          for (let i = 0; i < times; i++) handler.read(requestWith(cookies[next(i)].latin1Slice()))
        }
        const times = Math.max(2 * count, 20_000)
        read(times) // until nothing new is learnt
        const hmacs = hmacsOf(() => read(times))
        const { user, system } = process.cpuUsage()
        read(times)
        const used = process.cpuUsage({ user, system })
        results.push({
          order,
          users: count,
          remember,
          hitRate: 1 - hmacs / times,
          cpuMicroseconds: (used.user + used.system) / times,
        })
      }
    }
  }
  const found = (order, count, remember) => {
    const { hitRate, cpuMicroseconds } = results.find((result) =>
      result.order === order && result.users === count && result.remember === remember)
    return `${number(hitRate * 100, 1)} %, ${number(cpuMicroseconds)} µs`
  }
  const rows = Object.keys(orders).flatMap((order) => users.filter((some) => some <= most).map((count) =>
    [`${number(count)} users, ${order}`, ...limits.map((remember) => found(order, count, remember))]))
  const columns = ['found among the remembered, CPU a read', ...limits.map((limit) => `remember: ${limit}`)]
  return { results, tables: [{ title: 'Remembered cookies', columns, rows }] }
}

// Drives example/replicas with hundreds of sessions while machines die, restart and change keys, and counts what the
// visitors see. Needs nginx and openssl. SEED=n repeats a run.

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { makeKey } from '../../build/replicas/keys.js'
import { Replicas } from '../../build/replicas/replicas.js'
import { until } from '../browser/until.js'
import { Crowd } from './crowd.js'

const count = 300
const seed = Number(process.env.SEED ?? randomInt(2 ** 31))
console.log(`${count} visitors, 3 machines of 2 processes behind nginx, SEED=${seed}`)

const [oldKey, newKey, strangeKey] = [makeKey(), makeKey(), makeKey()]
let passed = 0
let failed = 0
let replicas
process.once('exit', () => replicas?.kill())
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

try {
  const [nginx, ...machines] = await freePorts(4)
  replicas = await Replicas.start({ nginx, machines }, [oldKey])
  const crowd = new Crowd({ origin: replicas.origin, authority: readFileSync(replicas.authority), count, seed })
  await stories(replicas, crowd)
  crowd.leave()
} catch (error) {
  failed++
  console.log(`not ok - ${inspect(error)}`) // the stories build on each other, so the first failure is the last
} finally {
  await replicas?.stop()
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

async function stories(replicas, crowd) {
  const { visitors } = crowd

  await story('everybody signs in, and every machine answers everybody', crowd, [], async () => {
    await crowd.round((visitor) => visitor.signIn())
    await crowd.round((visitor) => visitor.view())
    await everyMachineAnswers(visitors[0])
  })

  await story('a machine is killed under load, and comes back', crowd, ['POST'], () => crowd.during(async () => {
    await replicas.killMachine(0)
    await crowd.someSteps(count)
    await replicas.startMachine(0)
    await everyMachineAnswers(crowd.visitor('onlooker'))
  }))

  await story('a process is killed under load, six times', crowd, ['POST'], () => crowd.during(async () => {
    for (let kills = 0; kills < 6; kills++) {
      const { body } = await crowd.visitor('onlooker').send('GET', '/', undefined, 'text/html')
      process.kill(Number(/kill -9 (\d+)/.exec(body)[1]), 'SIGKILL') // as the page proposes
      await everyMachineAnswers(crowd.visitor('onlooker'))
    }
  }))

  await story('a machine dies with requests in its hands: GETs move on, POSTs end and changed nothing', crowd, ['POST'],
    async () => {
      const before = crowd.tally.unanswered.POST
      const [gets, posts] = [visitors.slice(0, 6), visitors.slice(6, 12)]
      await Promise.all(posts.map((visitor) => visitor.signIn()))
      await everyMachineAnswers(crowd.visitor('onlooker'))
      replicas.freezeMachine(1)
      let over = 0
      const answers = [
        ...gets.map((visitor) => visitor.view()),
        ...posts.map((visitor) => visitor.post('/', { note: `${visitor.name}: on its way` })),
      ].map((answer) => answer.finally(() => { over++ }))
      // The machines take turns, so the frozen one holds four of the twelve.
      await until(() => over >= 7, 'the other machines have answered')
      assert(over <= 10, `${over} of 12 requests were answered while a machine of three stood still`)
      await replicas.killMachine(1)
      await Promise.all(answers)
      assert(crowd.tally.unanswered.POST > before, 'no POST was in the hands of the machine that died')
      await Promise.all([...gets, ...posts].map((visitor) => visitor.view()))
      await replicas.startMachine(1)
      await everyMachineAnswers(crowd.visitor('onlooker'))
    })

  await story('all machines are restarted, one after the other', crowd, ['POST'], () => crowd.during(async () => {
    for (let machine = 0; machine < 3; machine++) {
      await replicas.stopMachine(machine)
      await crowd.someSteps(count)
      await replicas.startMachine(machine)
      await everyMachineAnswers(crowd.visitor('onlooker'))
    }
  }))

  await visitors[0].signIn()
  const early = visitors[0].cookie
  const rotation = [
    ['a new key is added, last, everywhere', [oldKey, newKey]],
    ['the new key is moved first, everywhere', [newKey, oldKey]],
    ['the old key is dropped, when every cookie has been written anew', [newKey]],
  ]
  for (const [name, keys] of rotation) {
    await story(name, crowd, [], async () => {
      await crowd.round((visitor) => visitor.view())
      replicas.setKeys(keys)
      await crowd.during(() => replicas.reloadAll())
    })
  }

  // What the zeros are worth: the same crowd must notice what goes wrong.
  await story('a cookie of the dropped key opens nowhere', crowd, [], async () => {
    const late = crowd.visitor('late')
    for (let machine = 0; machine < 3; machine++) {
      late.cookie = early
      const { body } = await late.send('GET', '/')
      assert.deepEqual(Object.keys(JSON.parse(body)).sort(), ['answered', 'views'])
    }
  })

  await story('control: a key that one machine alone has loses sessions, and it shows', crowd, [], async () => {
    replicas.setKeys([strangeKey, newKey])
    await replicas.reloadMachine(0)
    // A view has one machine write the cookie, the next view has another one read it.
    for (let views = 0; views < 3; views++) await crowd.round((visitor) => visitor.view())
    const { lost } = crowd.tally
    assert(lost > 0, 'no session was lost')
    crowd.tally.lost = 0
    return `as it should, it lost ${lost}`
  })

  await story('control: two visitors whose cookies are exchanged are counted as mixed up', crowd, [], async () => {
    replicas.setKeys([newKey])
    await replicas.reloadAll()
    const [one, other] = [visitors[0], visitors[1]]
    await crowd.round((visitor) => visitor.signIn())
    ;[one.cookie, other.cookie] = [other.cookie, one.cookie]
    await one.view()
    await other.view()
    const { mixed } = crowd.tally
    assert.equal(mixed, 2)
    crowd.tally.mixed = 0
    crowd.tally.lost = 0 // of those whose last cookie was of the key that only one machine had
  })
}

/** Waits until each machine has had its turn. */
async function everyMachineAnswers(visitor) {
  const first = (await visitor.view()).visit.answered
  await until(async () => {
    const { answered } = (await visitor.view()).visit
    return ['A', 'B', 'C'].every((machine) => answered[machine] > (first[machine] ?? 0))
  }, 'every machine has answered')
}

/** Has something happen, and then demands that nobody lost anything, and that only `mayFail` went unanswered. */
async function story(name, crowd, mayFail, happen) {
  const { tally } = crowd
  const before = structuredClone(tally)
  let note
  try {
    note = await happen()
    assert.equal(tally.lost, 0, `${tally.lost} sessions lost`)
    assert.equal(tally.mixed, 0, `${tally.mixed} sessions mixed up`)
    for (const method of ['GET', 'POST']) {
      const unanswered = tally.unanswered[method] - before.unanswered[method]
      if (!mayFail.includes(method)) assert.equal(unanswered, 0, `${unanswered} times no answer to ${method}`)
    }
    passed++
  } catch (error) {
    throw new Error(name, { cause: error })
  }
  const views = tally.right - before.right
  const posts = tally.changed - before.changed
  const unanswered = tally.unanswered.POST - before.unanswered.POST
  console.log(`ok - ${name}\n     ${views} page views and ${posts} changes answered, ` +
    `${unanswered} POSTs not answered; ${note ?? '0 sessions lost, 0 mixed up'}`)
}

/** Ports that nobody listens on, all taken at once so that they differ. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  return ports
}

// Drives example/replicas with hundreds of sessions while machines and Redis die, restart and change keys, and counts
// what the visitors see, and how often somebody is let in with a cookie whose owner has logged out.
// Needs nginx, redis-server and openssl. SEED=n repeats a run.

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { makeKey } from '../../build/replicas/keys.js'
import { Replicas } from '../../build/replicas/replicas.js'
import { until } from '../browser/until.js'
import { Attacker } from './attacker.js'
import { Crowd } from './crowd.js'
import { logoutStories, refuseStories } from './logouts.js'
import { Relay } from './relay.js'
import { visitIn } from './visitor.js'

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
  await withSite({ machines: 3, visitors: count, settings: { keys: [oldKey] } }, async (site) => {
    await stories(site)
    await logoutStories(site)
    await controls(site)
  })
  await withSite({ machines: 2, visitors: 0, settings: { whenRedisIsAway: 'refuse' } }, refuseStories)
} catch (error) {
  failed++
  console.log(`not ok - ${inspect(error)}`) // the stories build on each other, so the first failure is the last
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/** A site with Redis behind it, a crowd, and an attacker who copies the cookies of those who log out. */
async function withSite({ machines: size, visitors, settings }, tell) {
  const [nginx, redis, ...ports] = await freePorts(2 + 2 * size)
  const [machines, redisFrom] = [ports.slice(0, size), ports.slice(size)]
  const complaints = []
  const relays = await Promise.all(redisFrom.map((port) => Relay.start(port, redis)))
  try {
    replicas = await Replicas.start({ nginx, machines, redis, redisFrom }, {
      ...settings, onComplaint: (text) => complaints.push(text),
    })
    const authority = readFileSync(replicas.authority)
    const crowd = new Crowd({ origin: replicas.origin, authority, count: visitors, seed })
    const attacker = new Attacker(machines, crowd.thefts)
    const story = (...args) => tellStory(crowd, attacker, ...args)
    await tell({ replicas, crowd, attacker, machines, relays, story, complaints })
    crowd.leave()
  } catch (error) {
    console.log(complaints.join('').slice(-4000))
    throw error
  } finally {
    await replicas?.stop()
    for (const relay of relays) relay.stop()
  }
}

async function stories({ replicas, crowd, story, complaints }) {
  const { visitors } = crowd

  await story('everybody signs in, and every machine answers everybody', [], async () => {
    await crowd.round((visitor) => visitor.signIn())
    await crowd.round((visitor) => visitor.view())
    await everyMachineAnswers(visitors[0])
  })

  await story('a machine is killed under load, and comes back', ['POST'], () => crowd.during(async () => {
    await replicas.killMachine(0)
    await crowd.someSteps(count)
    await replicas.startMachine(0)
    await everyMachineAnswers(crowd.visitor('onlooker'))
  }))

  await story('a process is killed under load, six times', ['POST'], () => crowd.during(async () => {
    for (let kills = 0; kills < 6; kills++) {
      const onlooker = crowd.visitor('onlooker')
      await onlooker.getIn()
      const { body } = await onlooker.send('GET', '/', undefined, 'text/html')
      process.kill(Number(/kill -9 (\d+)/.exec(body)[1]), 'SIGKILL') // as the page proposes
      await everyMachineAnswers(crowd.visitor('onlooker'))
    }
  }))

  await story('a machine dies with requests in its hands: GETs move on, POSTs end and changed nothing', ['POST'],
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

  await story('all machines are restarted, one after the other', ['POST'], () => crowd.during(async () => {
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
    await story(name, [], async () => {
      await crowd.round((visitor) => visitor.view())
      replicas.setKeys(keys)
      await crowd.during(() => replicas.reloadAll())
    })
  }

  await story('a key file with a blank line, and one with a passphrase, change nothing', [], () => crowd.during(async () => {
    for (const bad of [[newKey, '', oldKey], ['correct horse battery staple'], [newKey.slice(4)], []]) {
      replicas.setKeys(bad)
      complaints.length = 0
      await assert.rejects(replicas.reloadMachine(0), { message: 'the old processes stay' })
      const complaint = /^machine A: line \d of .* is no key; make one with: openssl rand -base64 32$/m
      await until(() => complaint.test(complaints.join('')), 'it complains')
    }
    await everyMachineAnswers(crowd.visitor('onlooker'))
    replicas.setKeys([newKey])
    await replicas.reloadMachine(0)
  }))

  await story('a cookie of the dropped key opens nowhere', [], async () => {
    const late = crowd.visitor('late')
    for (let machine = 0; machine < 3; machine++) {
      late.cookie = early
      assert.deepEqual(visitIn(await late.send('GET', '/')), {})
    }
  })
}

/** What the zeros are worth: the same crowd, and the same attacker, must notice what goes wrong. */
async function controls({ replicas, crowd, attacker, machines, relays, story }) {
  const { visitors, thefts } = crowd

  await story('control: a key that one machine alone has loses sessions, and it shows', [], async () => {
    replicas.setKeys([strangeKey, newKey])
    await replicas.reloadMachine(0)
    // A view has one machine write the cookie, the next view has another one read it.
    for (let views = 0; views < 3; views++) await crowd.round((visitor) => visitor.view())
    const { lost } = crowd.tally
    assert(lost > 0, 'no session was lost')
    crowd.tally.lost = 0
    return `as it should, it lost ${lost}`
  })

  await story('control: two visitors whose cookies are exchanged are counted as mixed up', [], async () => {
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

  await story('control: copies that a machine cut off from Redis lets in are counted', ['POST'], async () => {
    const leaver = crowd.visitor('leaver')
    await leaver.signIn()
    relays[1].cut()
    const theft = { cookie: leaver.cookie, user: leaver.name, at: performance.now() }
    await leaver.postTo(machines[0], '/logout')
    await new Promise((resolve) => setTimeout(resolve, 1500))
    thefts.push(theft)
    await attacker.everywhere()
    relays[1].mend()
    const count = attacker.tooLate.length
    assert(count >= 2 && attacker.tooLate.every(({ port }) => port === machines[1]), `${count} were counted`)
    attacker.tooLate = []
    thefts.length = 0
    return `as it should, it counted ${count}`
  })
}

/** Waits until each machine has had its turn. */
async function everyMachineAnswers(visitor) {
  await visitor.getIn()
  const first = (await visitor.view()).visit.answered
  await until(async () => {
    const { answered } = (await visitor.view()).visit
    return ['A', 'B', 'C'].every((machine) => answered[machine] > (first[machine] ?? 0))
  }, 'every machine has answered')
}

/**
 * Has something happen, and then demands that nobody lost anything, that only `mayFail` went unanswered, and that no
 * copy of a cookie was let in later than 1 s after its owner's logout was answered.
 */
async function tellStory(crowd, attacker, name, mayFail, happen) {
  const { tally } = crowd
  const [before, replays, began] = [structuredClone(tally), attacker.replays, performance.now()]
  let note
  try {
    note = await attacker.during(happen)
    assert.equal(tally.lost, 0, `${tally.lost} sessions lost`)
    assert.equal(tally.mixed, 0, `${tally.mixed} sessions mixed up`)
    for (const method of ['GET', 'POST']) {
      const unanswered = tally.unanswered[method] - before.unanswered[method]
      if (!mayFail.includes(method)) assert.equal(unanswered, 0, `${unanswered} times no answer to ${method}: ${tally.reasons}`)
    }
    assert.deepEqual(attacker.tooLate, [], 'copies were let in')
    passed++
  } catch (error) {
    throw new Error(name, { cause: error })
  }
  const views = tally.right - before.right
  const posts = tally.changed - before.changed
  const unanswered = tally.unanswered.POST - before.unanswered.POST
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`ok - ${name} (${seconds} s)\n     ${views} page views and ${posts} changes answered, ` +
    `${unanswered} POSTs not answered; 0 sessions lost, 0 mixed up; ` +
    `${attacker.replays - replays} replays, 0 let in${note ? `\n     ${note}` : ''}`)
}

/** Ports that nobody listens on, all taken at once so that they differ. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  return ports
}

// What a logout is worth: while people log out, somebody who copied their cookies sends them to every process.

import assert from 'node:assert/strict'
import { until } from '../browser/until.js'

/** Stories of Redis and of logouts. `relays` stand between each machine and Redis. */
export async function logoutStories({ replicas, crowd, attacker, machines, relays, story, complaints }) {
  const there = () => until(async () => {
    const healths = await Promise.all(machines.map((port) => attacker.healths(port)))
    return healths.flat().every(({ redis }) => redis === 'there')
  }, 'every process hears of logouts', 60)
  const isAway = async (port) => (await attacker.health(port)).redis === 'away'
  const isIn = async (visitor) => (await visitor.view()).visit.name === visitor.name

  await story('a logout holds on every process, at once', [], async () => {
    const connections = (await Promise.all(machines.map(async (port) => (
      (await attacker.connections(port)).map((agent) => ({ port, agent }))
    )))).flat()
    const delays = []
    for (const visitor of crowd.visitors.slice(0, 50)) {
      await visitor.signIn()
      const theft = { cookie: visitor.cookie, user: visitor.name }
      let answered
      const replays = connections.map(async ({ port, agent }) => {
        for (;;) {
          const { sent, accepted } = await attacker.replay(theft, port, agent)
          if (!accepted) return sent
          assert(!(sent > answered + 1000), 'a copy was let in later than 1 s after the answer')
        }
      })
      await visitor.logOut()
      answered = performance.now()
      for (const sent of await Promise.all(replays)) delays.push(sent - answered)
    }
    for (const { agent } of connections) agent.destroy()
    delays.sort((a, b) => a - b)
    const at = (share) => delays[Math.ceil(share * delays.length) - 1].toFixed(1)
    return `the first refusal, in milliseconds after the logout was answered, over ${delays.length} (logout, process): ` +
      `least ${delays[0].toFixed(1)}, median ${at(0.5)}, 90 % ${at(0.9)}, 99 % ${at(0.99)}, most ${at(1)}; ` +
      `${delays.filter((delay) => delay <= 0).length} before the answer`
  })

  await story('"log out everywhere" ends all browsers of one user, and a login right after it is good', [], async () => {
    const [desk, phone, other] = ['desk', 'phone', 'other'].map((name) => crowd.visitor(name))
    for (let times = 0; times < 10; times++) {
      phone.name = desk.name // the same user
      for (const browser of [desk, phone, other]) await browser.signIn()
      crowd.thefts.push({ cookie: phone.cookie, user: 'desk', at: Infinity })
      const theft = crowd.thefts.at(-1)
      await desk.logOut('/logout-everywhere')
      theft.at = performance.now()
      await desk.signIn()
      // Whichever machine answers: the copy of the phone's cookie is tried on all of them meanwhile.
      for (let views = 0; views < 6; views++) assert(await isIn(desk), 'who logs in afterwards is in')
      assert(await isIn(other), 'other users stay')
      phone.forget()
    }
  })

  await story('"log out that browser" ends the one that was chosen, and no one else can choose it', [], async () => {
    const [desk, phone, mallory] = ['couple', 'couple', 'mallory'].map((name) => crowd.visitor(name))
    for (const browser of [desk, phone, mallory]) await browser.signIn()
    const { body } = await desk.send('GET', '/logins', undefined, 'text/html')
    const ids = [...body.matchAll(/name="id" value="([^"]+)"/g)].map(([, id]) => id)
    assert.equal(ids.length, 1, 'the phone has a button, the desk has none')

    const refused = await mallory.send('POST', '/logout-other', `id=${ids[0]}`)
    assert.equal(refused.status, 404)
    assert(await isIn(phone))
    const theft = { cookie: phone.cookie, user: phone.name, at: Infinity }
    crowd.thefts.push(theft)
    assert.equal((await desk.send('POST', '/logout-other', `id=${ids[0]}`)).status, 303)
    theft.at = performance.now()
    await attacker.everywhere()
    assert(await isIn(desk))
    assert(!(await desk.send('GET', '/logins', undefined, 'text/html')).body.includes(ids[0]), 'it left the list')
    phone.forget()
  })

  for (const emptied of [false, true]) {
    const how = emptied ? 'restarted empty' : 'restarted with its data'
    await story(`Redis is killed and ${how}: the site goes on, a logout says what it could not do`, ['POST'], async () => {
      const leaver = crowd.visitor('leaver')
      await leaver.signIn()
      complaints.length = 0
      await crowd.during(async () => {
        await replicas.killRedis({ emptied })
        await until(() => complaints.join('').match(/Redis is away/g)?.length >= 6, 'six processes say so')
        await crowd.someSteps(300)
        const { cookie } = leaver
        // The machine that answers is one that will still be there to tell the others.
        const answer = await leaver.postTo(machines[0], '/logout')
        leaver.forget()
        assert.equal(answer.status, 503)
        assert.match(answer.body, /You are logged out in this browser\. The other machines could not be told/)
        assert.match(answer.headers['set-cookie'][0], /^__Host-session=; Max-Age=0/, 'the browser forgets its cookie')
        await until(() => isAway(machines[0]), 'each process of the machine says so')
        assert.equal((await leaver.sendTo(machines[0], 'GET', '/health')).status, 200, 'it goes on')
        assert.equal((await crowd.visitor('comer').postTo(machines[0], '/login', 'name=comer')).status, 303)

        await replicas.startRedis()
        // A machine that starts now finds what the others give back to Redis.
        await replicas.killMachine(2)
        await replicas.startMachine(2)
        await there()
        crowd.thefts.push({ cookie, user: leaver.name, at: performance.now() })
      })
      return `all ${await attacker.everywhere()} copies are refused by all processes`
    })
  }

  await story('Redis is away and a process dies: nobody notices, and its successor waits for Redis', ['POST'], () => (
    crowd.during(async () => {
      await replicas.killRedis()
      const [{ process: pid }] = await attacker.healths(machines[0])
      process.kill(pid, 'SIGKILL')
      await crowd.someSteps(300)
      await attacker.everywhere(1)
      await replicas.startRedis()
      await there()
    })
  ))

  await story('a machine is cut off from Redis: what it cannot hear is known as soon as it hears again', ['POST'], async () => {
    const leaver = crowd.visitor('cut-off')
    await leaver.signIn()
    const theft = { cookie: leaver.cookie, user: leaver.name }
    relays[1].cut()
    await until(() => isAway(machines[1]), 'the machine says that it is cut off')

    // The logout is answered by a machine that has Redis. A POST that meets the other one ends in a 503.
    assert.equal((await leaver.postTo(machines[0], '/logout')).status, 303)
    leaver.forget()
    const early = await attacker.replay(theft, machines[1])
    assert(early.accepted, 'this is the price of going on')
    assert(!(await attacker.replay(theft, machines[2])).accepted)

    // One that the cut-off machine answered is known to it at once, and to the others later.
    await leaver.signIn()
    const other = { cookie: leaver.cookie, user: leaver.name }
    assert.equal((await leaver.postTo(machines[1], '/logout')).status, 503)
    leaver.forget()

    relays[1].mend()
    await there()
    for (const each of [theft, other]) crowd.thefts.push({ ...each, at: performance.now() })
    await new Promise((resolve) => setTimeout(resolve, 1000))
    return `all ${await attacker.everywhere()} copies are refused by all processes`
  })
}

/** The other setting: machines that refuse what they cannot be sure of. */
export async function refuseStories({ crowd, attacker, machines, relays, story }) {
  await story('cut off from Redis, a machine that refuses lets nobody in with an older session, and none is lost', ['GET', 'POST'],
    async () => {
      const [leaver, stayer, comer] = ['leaver', 'stayer', 'comer'].map((name) => crowd.visitor(name))
      // On a slow machine a process may be silent for a second now and then, and say 503.
      for (const visitor of [leaver, stayer]) await visitor.getIn()
      const theft = { cookie: leaver.cookie, user: leaver.name }
      await new Promise((resolve) => setTimeout(resolve, 1500)) // sessions' times are whole seconds
      const processes = await attacker.connections(machines[1])
      relays[1].cut()
      assert.equal((await leaver.postTo(machines[0], '/logout')).status, 303)
      const answered = performance.now()
      const refusals = await Promise.all(processes.map(async (agent) => {
        for (;;) {
          const { sent, accepted } = await attacker.replay(theft, machines[1], agent)
          if (!accepted) return sent - answered
          assert(sent <= answered + 1000, 'a copy is let in later than 1 s after the answer')
        }
      }))
      for (const agent of processes) agent.destroy()

      const page = await stayer.sendTo(machines[1], 'GET', '/')
      assert.equal(page.status, 503)
      assert.equal(page.headers['set-cookie'], undefined, 'the session stays in the cookie')
      const { status } = await stayer.sendTo(machines[1], 'GET', '/health')
      assert.equal(status, 503, 'a load balancer leaves it alone')
      assert.equal((await comer.postTo(machines[1], '/login', `name=${comer.name}`)).status, 303)
      const inside = await comer.sendTo(machines[1], 'GET', '/')
      assert.equal(inside.status, 200, 'who logs in now is in')
      assert.match(inside.body, /"comer"/)
      const other = { cookie: comer.cookie, user: comer.name }
      assert.equal((await comer.postTo(machines[0], '/logout')).status, 303)
      assert((await attacker.replay(other, machines[1])).accepted, 'that is not promised: it began after the last contact')
      comer.cookie = other.cookie
      assert.equal((await comer.postTo(machines[1], '/logout')).status, 503, 'the others cannot be told')
      assert(!(await attacker.replay(other, machines[0])).accepted)

      relays[1].mend()
      const again = await until(async () => {
        const answer = await stayer.sendTo(machines[1], 'GET', '/')
        return answer.status === 200 && answer
      }, 'it knows all again', 60)
      assert.match(again.body, /"stayer"/)
      crowd.thefts.push({ ...theft, at: answered })
      await attacker.everywhere()
      for (const visitor of [leaver, stayer, comer]) visitor.forget()
      return `refused ${refusals.map(Math.round).join(' and ')} ms after the logout was answered elsewhere`
    })
}

import { deepStrictEqual, notStrictEqual } from 'node:assert/strict'
import * as floor from './floor.js'
import { figure, nanoseconds, ratio } from './measure.js'
import * as ours from './ours.js'
import { sessionOf } from './session.js'
import { number, spread } from './table.js'

/*
 * Part 1: what it costs to turn a session into a cookie, and back.
 */

export const sizes = [11, 134, 2096]

const states = new WeakMap()

const bare = {
  ...floor,
  cookie: (value) => `session=${value}`,
  // Ours looks at a request's cookie too, and keeps the session by the request.
  recall(cookie) {
    const state = { session: floor.recall(cookie) }
    states.set(ours.requestWith(cookie), state)
    return state.session
  },
}

const peers = {
  'cookie-session (signs only)': './peers/cookie-session.js',
  'client-sessions': './peers/client-sessions.js',
  'secretbox, by @fastify/secure-session': './peers/secure-session.js',
  'jose, dir + A256GCM': './peers/jose.js',
  'iron-session': './peers/iron-session.js',
  '@hapi/iron': './peers/hapi-iron.js',
}

async function contenders({ only, against, say }) {
  const codecs = new Map([['floor', bare], ['ours', await ours.codec()]])
  if (against !== undefined) codecs.set('ours, other build', await ours.codec(against))
  for (const [name, file] of Object.entries(peers).filter(([name]) => name.includes(only))) {
    try {
      const codec = await (await import(file)).codec()
      await check(name, codec, sessionOf(134))
      codecs.set(name, codec)
    } catch (error) {
      say(`${name} does not run on this Node: ${error.message}`)
    }
  }
  return codecs
}

/** Everything opens what it seals, and never seals twice alike (but who only signs). */
async function check(name, codec, session) {
  const value = await codec.seal(session)
  deepStrictEqual({ ...await codec.open(value) }, session, `${name} opens what it sealed`)
  const other = await codec.seal(session)
  if (!name.includes('signs only')) notStrictEqual(other, value, `${name} seals with fresh randomness`)
  return value
}

/** A header as a parser makes it, anew each time: a string that nobody has hashed yet. */
function headers(cookie) {
  const bytes = Buffer.from(cookie)
  return () => bytes.latin1Slice(0, bytes.length)
}

/** Times everything of one size: `{ elapsed, cpu }` of every round by what is done and by contender. */
async function measured(codecs, bytes, options) {
  const session = sessionOf(bytes)
  const cookies = {}
  const cases = {}
  for (const [name, codec] of codecs) {
    const value = await check(name, codec, session)
    cookies[name] = codec.cookie(value).length
    const { awaited } = codec
    cases[`open ${name}`] = { run: () => codec.open(value), awaited }
    cases[`seal ${name}`] = { run: () => codec.seal(session), awaited }
    if (codec.recall === undefined) continue
    codec.remember?.(value, JSON.stringify(session))
    const header = headers(codec.cookie(value))
    for (const [what, read] of [['not remembered', codec.read], ['remembered', codec.recall]]) {
      if (read === undefined) continue
      deepStrictEqual({ ...read(header()) }, session, `${name} reads what it sealed, ${what}`)
      cases[`read ${name}, ${what}`] = () => read(header())
    }
  }
  cases['read (the header as a new string, in each of these)'] = headers('session='.padEnd(cookies.floor))
  return { cookies, times: await nanoseconds(cases, options) }
}

const least = (values) => Math.min(...values)

/** One kind's contenders, against the floor and against ours. */
function compared(what, times, { cookies, floorOf = what, oursOf = what }) {
  const floorTimes = times[`${floorOf} floor`].cpu
  const oursTimes = times[`${oursOf} ours`]
  return Object.entries(times).filter(([name]) => name.startsWith(`${what} `)).map(([name, { elapsed, cpu }]) => ({
    name: name.slice(what.length + 1),
    cpuMicroseconds: figure(cpu.map((n) => n / 1000)),
    elapsedMicroseconds: figure(elapsed.map((n) => n / 1000)),
    ofFloor: ratio(cpu, floorTimes),
    // What else the machine does only adds: on a busy one this is the truer.
    ofFloorByLeast: least(cpu) / least(floorTimes),
    ofOurs: ratio(cpu, oursTimes.cpu),
    ofOursByLeast: least(cpu) / least(oursTimes.cpu),
    elapsedOfOurs: ratio(elapsed, oursTimes.elapsed),
    elapsedOfOursByLeast: least(elapsed) / least(oursTimes.elapsed),
    cookieBytes: cookies[name.slice(what.length + 1)],
  }))
}

export async function codec({ rounds, only, against, quick, say }) {
  const codecs = await contenders({ only, against, say })
  const results = {}
  const tables = []
  for (const bytes of sizes) {
    say(`codec, ${bytes} bytes of JSON`)
    const { cookies, times } = await measured(codecs, bytes, { rounds, milliseconds: quick ? 20 : 50 })
    const open = compared('open', times, { cookies })
    const seal = compared('seal', times, { cookies })
    const read = compared('read', times, { cookies: {}, floorOf: 'open', oursOf: 'open' })
    results[bytes] = { open, seal, read }
    const table = (title, columns, rows) => tables.push({
      title: `${title}, ${bytes} bytes of JSON`,
      columns: ['', 'CPU µs', 'elapsed µs', ...columns],
      rows: rows.map((row) => [
        row.name,
        spread(row.cpuMicroseconds),
        number(row.elapsedMicroseconds.median),
        spread(row.ofFloor),
        number(row.ofFloorByLeast),
        number(row.ofOurs.median),
        row.cookieBytes ?? '',
      ]),
    })
    table('Opening a cookie', ['× floor', 'by the least', '× ours', 'bytes'], open)
    table('Sealing a cookie', ['× floor', 'by the least', '× ours', 'bytes'], seal)
    table('Reading the cookie of a request', ['× floor of opening', 'by the least', '× ours of opening', ''], read)
  }
  return { results, tables }
}

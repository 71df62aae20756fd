import { deepStrictEqual, notStrictEqual } from 'node:assert/strict'
import { sessionOf } from './app.js'
import * as floor from './floor.js'
import { figure, leastRatio, ratio, timed } from './measure.js'
import * as ours from './ours.js'
import { codecs as peers } from './peers.js'
import { number, spread } from './table.js'

/*
 * What it costs to turn a session into a cookie, and back, in one process: the floor that the goals are stated against,
 * the library, and other libraries.
 */

async function contenders({ only, against, say }) {
  const least = floor.codec(ours.key)
  const codecs = new Map([
    ['floor', {
      seal: (session) => least.seal(JSON.stringify(session)),
      open: (value) => JSON.parse(least.open(value)),
    }],
    ['ours', await ours.codec()],
  ])
  if (against !== undefined) {
    codecs.set('ours, other build', await ours.codec(against))
    return codecs
  }
  for (const [name, make] of Object.entries(peers).filter(([name]) => only.every((text) => name.includes(text)))) {
    try {
      const codec = await make()
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

/** Times everything of one size. */
async function measured(codecs, bytes, options) {
  const session = sessionOf(bytes)
  // The floor and the library speak one format.
  const [least, own] = [codecs.get('floor'), codecs.get('ours')]
  deepStrictEqual({ ...own.open(least.seal(session)) }, least.open(own.seal(session)))
  const cookies = {}
  const cases = {}
  for (const [name, codec] of codecs) {
    const { awaited, length = (value) => `session=${value}`.length } = codec
    const value = await check(name, codec, session)
    cookies[name] = length(value)
    cases[`open ${name}`] = { run: () => codec.open(value), awaited }
    cases[`seal ${name}`] = { run: () => codec.seal(session), awaited }
    if (codec.readCached === undefined) continue
    const header = headers(`session=${value}`)
    deepStrictEqual({ ...codec.readCached(header()) }, session, `${name} reads what it sealed`)
    cases[`open ${name}, cached`] = () => codec.readCached(header())
  }
  return { cookies, times: await timed(cases, options) }
}

/** One kind's contenders, against the floor. */
function compared(what, times, cookies) {
  const floor = times[`${what} floor`]
  return Object.entries(times).filter(([name]) => name.startsWith(`${what} `)).map(([name, { elapsed, cpu }]) => ({
    name: name.slice(what.length + 1),
    cpuMicroseconds: figure(cpu),
    elapsedMicroseconds: figure(elapsed),
    ofFloor: ratio(cpu, floor.cpu),
    ofFloorByLeast: leastRatio(cpu, floor.cpu),
    cookieBytes: cookies[name.slice(what.length + 1)],
  }))
}

export async function codec({ quick, only, against, say }) {
  const codecs = await contenders({ only, against, say })
  const results = {}
  const tables = []
  for (const bytes of [134, 2000]) {
    say(`codec, ${bytes} bytes of JSON`)
    const timing = { rounds: quick ? 5 : 15, milliseconds: quick ? 20 : 40 }
    const { cookies, times } = await measured(codecs, bytes, timing)
    const [open, seal] = ['open', 'seal'].map((what) => compared(what, times, cookies))
    results[bytes] = { open, seal }
    for (const [title, rows] of [['Opening', open], ['Sealing', seal]]) {
      tables.push({
        title: `${title} a cookie, ${bytes} bytes of JSON`,
        columns: ['', 'CPU µs', 'elapsed µs', '× floor', 'by the least', 'bytes'],
        rows: rows.map((row) => [
          row.name,
          spread(row.cpuMicroseconds),
          number(row.elapsedMicroseconds.median),
          spread(row.ofFloor),
          number(row.ofFloorByLeast),
          row.cookieBytes ?? '',
        ]),
      })
    }
  }
  return { results, tables }
}

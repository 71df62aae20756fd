import { deepStrictEqual, notStrictEqual } from 'node:assert/strict'
import { sessionOf } from './app.js'
import * as floor from './floor.js'
import { figure, leastRatio, ratio, timed } from './measure.js'
import * as ours from './ours.js'
import { codecs as peers } from './peers.js'
import { number, spread } from './table.js'

/*
 * What it costs to turn a session into a cookie, and back, in one process: the library, the plain calls of node:crypto
 * that the goals are stated against, the floor, and other libraries.
 */

const plainCalls = 'plain node:crypto calls'

/** Plain calls as a codec of sessions. */
const onSessions = ({ seal, open }) =>
  ({ seal: (session) => seal(JSON.stringify(session)), open: (value) => JSON.parse(open(value)) })

async function contenders({ only, against, say }) {
  const { plain, floor: least } = floor.codecs(ours.key)
  const codecs = new Map([[plainCalls, onSessions(plain)], ['floor', onSessions(least)], ['ours', await ours.codec()]])
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

/** All that is ours speaks one format: the library and both kinds of calls open each other's cookies. */
function checkFormat(codecs, session) {
  const all = [plainCalls, 'floor', 'ours']
  for (const sealing of all) {
    for (const opening of all) {
      const opened = codecs.get(opening).open(codecs.get(sealing).seal(session))
      deepStrictEqual({ ...opened }, session, `${opening} opens what ${sealing} sealed`)
    }
  }
}

/** A header as a parser makes it, anew each time: a string that nobody has hashed yet. */
function headers(cookie) {
  const bytes = Buffer.from(cookie)
  return () => bytes.latin1Slice(0, bytes.length)
}

/** Times everything of one size. */
async function measured(codecs, bytes, options) {
  const session = sessionOf(bytes)
  const cookies = {}
  const cases = {}
  for (const [name, codec] of codecs) {
    const { awaited, length = (value) => `session=${value}`.length } = codec
    const value = await check(name, codec, session)
    cookies[name] = length(value)
    cases[`open ${name}`] = { run: () => codec.open(value), awaited }
    cases[`seal ${name}`] = { run: () => codec.seal(session), awaited }
    if (codec.recall === undefined) continue
    const header = headers(`session=${value}`)
    for (const read of [codec.read, codec.recall]) {
      deepStrictEqual({ ...read(header()) }, session, `${name} reads what it sealed`)
    }
    cases[`open ${name}, from a request`] = () => codec.read(header())
    cases[`open ${name}, from a request and remembered`] = () => codec.recall(header())
  }
  return { cookies, times: await timed(cases, options) }
}

/** One kind's contenders, against the plain calls and against ours. */
function compared(what, times, cookies) {
  const [plain, own] = [times[`${what} ${plainCalls}`], times[`${what} ours`]]
  return Object.entries(times).filter(([name]) => name.startsWith(`${what} `)).map(([name, { elapsed, cpu }]) => ({
    name: name.slice(what.length + 1),
    cpuMicroseconds: figure(cpu),
    elapsedMicroseconds: figure(elapsed),
    ofPlain: ratio(cpu, plain.cpu),
    ofPlainByLeast: leastRatio(cpu, plain.cpu),
    ofOurs: ratio(cpu, own.cpu),
    cookieBytes: cookies[name.slice(what.length + 1)],
  }))
}

export async function codec({ quick, only, against, say }) {
  const codecs = await contenders({ only, against, say })
  for (const bytes of [11, 134, 2900]) checkFormat(codecs, sessionOf(bytes))
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
        columns: ['', 'CPU µs', 'elapsed µs', '× plain calls', 'by the least', '× ours', 'bytes'],
        rows: rows.map((row) => [
          row.name,
          spread(row.cpuMicroseconds),
          number(row.elapsedMicroseconds.median),
          spread(row.ofPlain),
          number(row.ofPlainByLeast),
          number(row.ofOurs.median),
          row.cookieBytes ?? '',
        ]),
      })
    }
  }
  return { results, tables }
}

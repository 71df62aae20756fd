import { deepStrictEqual } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { figure, nanoseconds } from '../measure.js'
import { library, requestWith } from '../ours.js'
import { sessionOf } from '../session.js'
import { number, spread } from '../table.js'

/*
 * What a request's cookies cost: by the size of the session, by the number of other cookies, and when they are forged.
 */

const nobody = () => {}

function microseconds(times) {
  return Object.fromEntries(Object.entries(times).map(([name, { cpu }]) => [name, figure(cpu.map((n) => n / 1000))]))
}

/** A request's cookies as a parser makes them: a new string each time. */
function requests(cookies) {
  const bytes = Buffer.from(cookies, 'latin1')
  return () => requestWith(bytes.latin1Slice(0, bytes.length))
}

async function handlers({ keys = 1, remember = [0, 1000] } = {}) {
  const { RequestSessions, SessionHandler } = await library()
  const key = Array.from({ length: keys }, () => randomBytes(32))
  return remember.map((limit) => new SessionHandler(nobody, key, new RequestSessions(), { remember: limit }))
}

/** A table of rows that are each measured as not remembered and as remembered. */
function table(title, first, rows) {
  return {
    title,
    columns: [first, 'bytes of the header', 'opened, CPU µs', 'remembered, CPU µs'],
    rows: rows.map(({ what, headerBytes, opened, remembered }) =>
      [what, headerBytes, spread(opened), spread(remembered)]),
  }
}

async function reading(variants, timing) {
  const [forgetful, remembering] = await handlers()
  const cases = {}
  const rows = variants.map(({ what, header, session }) => {
    const cookies = header(forgetful.encodeCookie(session))
    const request = requests(cookies)
    for (const handler of [forgetful, remembering]) deepStrictEqual({ ...handler.read(request()) }, session)
    cases[`${what} opened`] = () => forgetful.read(request())
    cases[`${what} remembered`] = () => remembering.read(request())
    return { what, headerBytes: cookies.length }
  })
  const times = microseconds(await nanoseconds(cases, timing))
  return rows.map((row) =>
    ({ ...row, opened: times[`${row.what} opened`], remembered: times[`${row.what} remembered`] }))
}

/** The size of the session. */
export async function bySize(timing) {
  const sizes = [134, 250, 500, 1000, 2000, 2900]
  const results = await reading(sizes.map((bytes) =>
    ({ what: `${bytes}`, session: sessionOf(bytes), header: (value) => `session=${value}` })), timing)
  return { results, tables: [table('Reading a request, by the size of its session', 'bytes of JSON', results)] }
}

/** Other cookies of the same site, half of them before ours. */
export async function byOthers(timing) {
  const some = (count, prefix) => Array.from({ length: count }, (_, i) => `${prefix}${i}=${'v'.repeat(30)}`)
  const header = (count) => (value) =>
    [...some(count >> 1, 'before'), `session=${value}`, ...some(count - (count >> 1), 'behind')].join('; ')
  const results = await reading([0, 2, 6, 20, 60].map((count) =>
    ({ what: `${count}`, session: sessionOf(134), header: header(count) })), timing)
  return { results, tables: [table('Reading a request, by its other cookies (30 characters each)', 'others', results)] }
}

/** Cookies that nobody issued. */
export async function refused(timing) {
  const [one] = await handlers({ remember: [1000] })
  const [eight] = await handlers({ keys: 8, remember: [1000] })
  const forged = (characters) => {
    const bytes = randomBytes(characters * 3 >> 2)
    bytes[0] = 1 // the version
    return bytes.toString('base64url')
  }
  const genuine = one.encodeCookie(sessionOf(134))
  const fill = (make, most = 16000) => {
    let header = make()
    for (let next = make(); header.length + next.length + 2 <= most; next = make()) header += `; ${next}`
    return header
  }
  const headers = {
    'no cookie': '',
    'another cookie': 'theme=dark',
    'one, too short': 'session=AQ',
    'one, not base64url': `session=${'?'.repeat(genuine.length)}`,
    'one, forged': `session=${forged(genuine.length)}`,
    'one, of 4096 characters': `session=${forged(4096)}`,
    '16 kB: 4 of 3980 characters': fill(() => `session=${forged(3980)}`),
    '16 kB: many of 108 characters': fill(() => `session=${forged(108)}`),
    '16 kB: many empty': fill(() => 'session='),
    '16 kB: many of other names': fill(() => 's=1'),
    '16 kB: semicolons': ';'.repeat(16000),
    '16 kB: spaces': `${' '.repeat(15000)};${' '.repeat(999)}`,
  }
  const cases = {}
  for (const [what, header] of Object.entries(headers)) {
    const request = requests(header)
    for (const [name, handler] of [['1 key', one], ['8 keys', eight]]) {
      deepStrictEqual({ ...handler.read(request()) }, {}, `${what} opens nothing`)
      cases[`${what}, ${name}`] = () => handler.read(request())
    }
  }
  const times = microseconds(await nanoseconds(cases, timing))
  const rows = Object.entries(headers).map(([what, header]) =>
    ({ what, headerBytes: header.length, oneKey: times[`${what}, 1 key`], eightKeys: times[`${what}, 8 keys`] }))
  const large = rows.filter(({ headerBytes }) => headerBytes > 15000)
  const worstMilliseconds = Math.max(...large.map(({ eightKeys }) => eightKeys.median)) / 1000
  return {
    results: { rows, worstMilliseconds },
    tables: [{
      title: `Refusing cookies (the dearest 16 kB: ${number(worstMilliseconds * 1000)} µs)`,
      columns: ['', 'bytes of the header', '1 key, CPU µs', '8 keys, CPU µs'],
      rows: rows.map(({ what, headerBytes, oneKey, eightKeys }) =>
        [what, headerBytes, spread(oneKey), spread(eightKeys)]),
    }],
  }
}

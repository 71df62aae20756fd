import { number } from './table.js'

/*
 * The goals for speed and size, and whether a run met them. None of them is a gate: a machine can be busy.
 *
 * Those for a cookie are stated against plain calls of node:crypto (floor.js), those for a server against a bare one,
 * by processor time, in the same run. The cheaper a machine's sockets are, the less of a bare server is left: the
 * shares are meant for a machine where a bare request takes 18 µs.
 */

const row = (rows, name) => rows?.find((entry) => entry.name === name)

const codec = (what, bytes, name = 'ours') => ({ codec }) => row(codec?.[bytes][what], name)?.ofPlain.median
const ofBare = (name) => ({ http }) => row(http?.servers, name)?.cpuOfBare.median

/** How many times as many requests as another server: in the same time, or for the same processor time. */
const ahead = (part, name, other, what) => (parts) => {
  const [one, two] = [name, other].map((found) => row(parts[part]?.servers, found)?.[what].median)
  return what === 'cpuMicroseconds' ? two / one : one / two
}

const least = (find) => (parts) => {
  const values = find.map((one) => one(parts)).filter((value) => !Number.isNaN(value))
  return values.length > 0 ? Math.min(...values) : undefined
}

const others = ['cookie-session', 'client-sessions', 'iron-session']

/** What; the figure in a run's parts, undefined or NaN where it was not measured; the bound. */
const list = [
  ['opening 134 bytes, × plain calls', codec('open', 134), { most: 0.7 }],
  ['sealing 134 bytes, × plain calls', codec('seal', 134), { most: 0.7 }],
  ['opening 2000 bytes, × plain calls', codec('open', 2000), { most: 1 }],
  ['sealing 2000 bytes, × plain calls', codec('seal', 2000), { most: 1 }],
  ['opening 134 bytes remembered, × plain calls', codec('open', 134, 'ours, from a request and remembered'),
    { most: 0.3 }],
  ['a server that ignores the session, of bare', ofBare('ours, ignored, 134'), { least: 0.95 }],
  ['one that reads it', ofBare('ours, read, 134'), { least: 0.75 }],
  ['one that reads it with cacheSize: 0', ofBare('ours, read with cacheSize: 0, 134'), { least: 0.6 }],
  ['one that writes it every time', ofBare('ours, written, 134'), { least: 0.52 }],
  ...['attach', 'serverFactory'].flatMap((how) => ['read', 'written'].flatMap((use) =>
    [['requests/s', 'perSecond'], ['requests for the same CPU', 'cpuMicroseconds']].map(([unit, what]) => [
      `Fastify, ours by ${how}, ${use}: ${unit}, × secure-session’s`,
      ahead('fastify', `ours by ${how}, ${use}`, `secure-session, ${use}`, what),
      { least: 1 },
    ]))),
  ...['read', 'written'].map((use) => [
    `node:http, ${use}: requests for the same CPU, × the best of other libraries`,
    least(others.map((name) => ahead('peers', `ours, ${use}`, `${name}, ${use}`, 'cpuMicroseconds'))),
    { least: 1 },
  ]),
  ['refusing 16 kB of candidates with one key, ms', ({ limits }) => limits?.refused.dearestMilliseconds.oneKey,
    { most: 0.1 }],
  ['heap after 1 000 000 requests, MB more', ({ memory }) => memory?.requests < 1e6 ? NaN : memory?.grownMegabytes,
    { most: 2 }],
  ['packed, kB', ({ limits }) => limits?.size.packed, { most: 30 }],
  ['JavaScript of dist, gzipped, kB', ({ limits }) => limits?.size.scriptsGzipped, { most: 15 }],
]

export function goals(parts) {
  const judged = list.map(([what, find, { least, most }]) => {
    const value = find(parts)
    const measured = value !== undefined && !Number.isNaN(value)
    const holds = !measured ? undefined : least === undefined ? value <= most : value >= least
    return { what, goal: least === undefined ? `at most ${most}` : `at least ${least}`, value, measured, holds }
  })
  const said = (holds) => holds === undefined ? 'not measured' : holds ? 'holds' : 'MISSED'
  const rows = judged.map(({ what, goal, value, measured, holds }) =>
    [what, goal, measured ? number(value, value < 10 ? 2 : 1) : '', said(holds)])
  return {
    table: { title: 'Goals', columns: ['', 'goal', 'measured', ''], rows },
    missed: judged.filter(({ holds }) => holds === false).length,
  }
}

/**
 * Whether others took so much of the machine that the figures are worth little: a bare server that is asked without a
 * pause should have a processor to itself, and need no more at one time than at another.
 */
export function disturbed({ http, fastify, peers, sizes }) {
  const servers = [http, fastify, peers, sizes].flatMap((part) => part?.servers ?? [])
  const bare = servers.filter(({ name, base }) => name === base)
  return bare.some(({ busy, cpuMicroseconds: { min, max } }) => busy.median < 0.85 || max > 1.5 * min)
}

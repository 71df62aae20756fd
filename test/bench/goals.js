import { number } from './table.js'

/*
 * The goals for speed and size, and whether a run met them. None of them is a gate: a machine can be busy. Beside a
 * server's share stand those of the floor's servers in the same run: the cheaper writing to a socket is, the less of
 * a bare server is left to whoever opens a cookie at all.
 */

const row = (rows, name) => rows?.find((entry) => entry.name === name)
const codec = (parts, what, name) => row(parts.codec?.[134][what], name)

/**
 * Whether others took so much of the machine that medians are worth little: a server that is asked without a pause
 * should have a processor to itself, a loop should take no longer by the clock than it works, and neither much longer
 * at one time than at another, as on a processor whose other users nobody here can see.
 */
export function disturbed(parts) {
  const bare = row(parts.server?.servers, 'node:http')
  const floor = codec(parts, 'open', 'floor')
  const unsteady = (found) => found !== undefined && found.cpuMicroseconds.max > 1.5 * found.cpuMicroseconds.min
  return unsteady(bare) || unsteady(floor) || (bare !== undefined && bare.busy.median < 0.85) ||
    (floor !== undefined && floor.elapsedMicroseconds.median > 1.2 * floor.cpuMicroseconds.median)
}

/** On a busy machine the least time of each stands for the medians. */
function either(parts, found, median, byLeast) {
  return disturbed(parts) ? found?.[byLeast] : found?.[median].median
}

const ofFloor = (parts, what, name = 'ours') =>
  either(parts, codec(parts, what, name), 'ofFloor', 'ofFloorByLeast')
const peer = (parts, name, what) =>
  either(parts, codec(parts, what, name), 'ofOurs', 'ofOursByLeast')
const waited = (parts, name, what) =>
  either(parts, codec(parts, what, name), 'elapsedOfOurs', 'elapsedOfOursByLeast')
const server = (parts, name) =>
  either(parts, row(parts.server?.servers, name), 'perSecondOfBare', 'requestsOfBareByLeastCpu')

const scaling = (parts) => parts.scaling ?? {}
const inverse = (value) => value === undefined ? undefined : 1 / value
const signer = 'cookie-session (signs only)'

/**
 * What; the figure in a run's parts, undefined where that part did not run; the bound; that figure of the floor, and of
 * the hooked one.
 */
const list = [
  ['opening a cookie, × floor', (parts) => ofFloor(parts, 'open'), { most: 1.15 }],
  ['opening a remembered one, × that floor', (parts) => ofFloor(parts, 'read', 'ours, remembered'), { most: 0.3 },
    (parts) => ofFloor(parts, 'read', 'floor, remembered')],
  ['sealing one, × floor', (parts) => ofFloor(parts, 'seal'), { most: 1.15 }],
  ...['open', 'seal'].flatMap((what) => [
    [`iron-session, awaited, to ${what}, × ours`, (parts) => waited(parts, 'iron-session', what), { least: 60 }],
    [`client-sessions to ${what}, × ours`, (parts) => peer(parts, 'client-sessions', what), { least: 1.6 }],
    [`ours to ${what}, × cookie-session's codec`, (parts) => inverse(peer(parts, signer, what)), { most: 1.65 }],
  ]),
  ...[
    ['a server that ignores the session, of bare', 'ignored', 0.97],
    ['one that reads it', 'read', 0.75],
    ['one that reads it, remember: 0', 'read, remember: 0', 0.5],
    ['one that writes it every time', 'written', 0.45],
  ].map(([what, use, least]) => {
    const [ours, floor, hooked] = ['ours', 'floor', 'hooked floor'].map((name) =>
      (parts) => server(parts, `${name}, ${use}`))
    return [what, ours, { least }, floor, hooked]
  }),
  ['refusing 16 kB of candidates, ms', (parts) => scaling(parts).refused?.worstMilliseconds, { most: 1 }],
  ['heap after 1 000 000 requests, MB more', (parts) => scaling(parts).million?.grownMegabytes, { most: 2 }],
  ['packed size, kB', (parts) => scaling(parts).size?.packedKilobytes, { most: 25 }],
  ['JavaScript of dist, kB', (parts) => scaling(parts).size?.scriptKilobytes, { most: 20 }],
]

export function goals(parts) {
  const judged = list.map(([what, find, { least, most }, ...findFloors]) => {
    const value = find(parts)
    const holds = value === undefined ? undefined : least === undefined ? value <= most : value >= least
    const goal = least === undefined ? `at most ${most}` : `at least ${least}`
    return { what, value, goal, floors: [0, 1].map((i) => findFloors[i]?.(parts)), holds }
  })
  const said = (holds) => holds === undefined ? 'not measured' : holds ? 'holds' : 'MISSED'
  const shown = (value) => value === undefined ? '' : number(value, value < 10 ? 2 : 1)
  const rows = judged.map(({ what, goal, value, floors, holds }) =>
    [what, goal, shown(value), ...floors.map(shown), said(holds)])
  const busy = disturbed(parts) ? '; by the least, as the machine was busy' : ''
  return {
    table: { title: `Goals (134 bytes of JSON${busy})`, columns: ['', 'goal', 'measured', 'floor', 'hooked', ''], rows },
    missed: judged.filter(({ holds }) => holds === false).length,
  }
}

import { number } from './table.js'

/*
 * The goals for speed and size, and whether a run met them. None of them is a gate: a machine can be busy.
 */

const row = (rows, name) => rows?.find((entry) => entry.name === name)
const codec = (parts, what, name) => row(parts.codec?.[134][what], name)

/**
 * Whether other processes took so much of the machine that medians are worth little: a server that is asked without
 * a pause should have a processor to itself, and a loop should take no longer by the clock than it works.
 */
export function disturbed(parts) {
  const bare = row(parts.server?.servers, 'node:http')
  const floor = codec(parts, 'open', 'floor')
  return (bare !== undefined && bare.busy.median < 0.85) ||
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

/** What; the figure in a run's parts, undefined where that part did not run; the bound it is to keep. */
const list = [
  ['opening a cookie, × floor', (parts) => ofFloor(parts, 'open'), { most: 1.15 }],
  ['opening a remembered one, × that floor', (parts) => ofFloor(parts, 'read', 'ours, remembered'), { most: 0.3 }],
  ['sealing one, × floor', (parts) => ofFloor(parts, 'seal'), { most: 1.15 }],
  ...['open', 'seal'].flatMap((what) => [
    [`iron-session, awaited, to ${what}, × ours`, (parts) => waited(parts, 'iron-session', what), { least: 60 }],
    [`client-sessions to ${what}, × ours`, (parts) => peer(parts, 'client-sessions', what), { least: 1.6 }],
    [`ours to ${what}, × cookie-session's codec`, (parts) => inverse(peer(parts, signer, what)), { most: 1.65 }],
  ]),
  ['a server that ignores the session, of bare', (parts) => server(parts, 'ours, ignored'), { least: 0.97 }],
  ['one that reads it', (parts) => server(parts, 'ours, read'), { least: 0.75 }],
  ['one that reads it, remember: 0', (parts) => server(parts, 'ours, read, remember: 0'), { least: 0.5 }],
  ['one that writes it every time', (parts) => server(parts, 'ours, written'), { least: 0.45 }],
  ['refusing 16 kB of candidates, ms', (parts) => scaling(parts).refused?.worstMilliseconds, { most: 1 }],
  ['heap after 1 000 000 requests, MB more', (parts) => scaling(parts).million?.grownMegabytes, { most: 2 }],
  ['packed size, kB', (parts) => scaling(parts).size?.packedKilobytes, { most: 25 }],
  ['JavaScript of dist, kB', (parts) => scaling(parts).size?.scriptKilobytes, { most: 20 }],
]

export function goals(parts) {
  const judged = list.map(([what, find, { least, most }]) => {
    const value = find(parts)
    const holds = value === undefined ? undefined : least === undefined ? value <= most : value >= least
    return { what, value, goal: least === undefined ? `at most ${most}` : `at least ${least}`, holds }
  })
  const said = (holds) => holds === undefined ? 'not measured' : holds ? 'holds' : 'MISSED'
  const rows = judged.map(({ what, value, goal, holds }) =>
    [what, goal, value === undefined ? '' : number(value, value < 10 ? 2 : 1), said(holds)])
  const busy = disturbed(parts) ? '; by the least, as the machine was busy' : ''
  return {
    table: { title: `Goals (134 bytes of JSON${busy})`, columns: ['', 'goal', 'measured', ''], rows },
    missed: judged.filter(({ holds }) => holds === false).length,
  }
}

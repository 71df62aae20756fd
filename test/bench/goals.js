import { figure, ratio } from './measure.js'
import { number, spread } from './table.js'

/*
 * The goals for speed and size, and whether a run met them. None of them is a gate: a machine can be busy. Each is a
 * ratio of processor times of one run, most of them against the floor (floor.js) or other libraries: the shares of a
 * bare server fall where sockets are cheap.
 */

const named = (rows, name) => rows?.find((row) => row.name === name)
const codec = (what, bytes, name = 'ours') => ({ codec }) => named(codec?.[bytes][what], name)?.ofFloor

/** The processor time of a request to one server, × that of another one; one ratio for each set of processes. */
const servers = (part, name, other) => (parts) => {
  const [one, two] = [name, other].map((found) => named(parts[part]?.servers, found))
  return one && two && ratio(one.cpu, two.cpu)
}

const uses = [['read', 'reads'], ['written', 'writes']]

/** What; the figure in a run's parts, undefined where it was not measured; the most that it may be, or the least. */
const list = [
  ['opening 134 bytes, × the floor', codec('open', 134), 1.15],
  ['sealing 134 bytes', codec('seal', 134), 1.5],
  ['opening 2000 bytes', codec('open', 2000), 1.15],
  ['sealing 2000 bytes', codec('seal', 2000), 1.3],
  ['opening 134 bytes, cached', codec('open', 134, 'ours, cached'), 0.3],
  ['a server that ignores the session, of bare', ({ http }) => named(http?.servers, 'ours, ignored, 134')?.cpuOfBare,
    Infinity, 0.95],
  ...[['cookie-session', 0.6, 0.85], ['client-sessions', 0.5, 0.65], ['iron-session', 0.2, 0.2]].flatMap(
    ([peer, ...most]) => uses.map(([use, does], i) =>
      [`a server that ${does}, × ${peer}’s`, servers('peers', `ours, ${use}`, `${peer}, ${use}`), most[i]])),
  ['on Fastify, one that reads, × secure-session’s', servers('fastify', 'ours, read', 'secure-session, read'), 1.2],
  ['on Fastify, one that writes', servers('fastify', 'ours, written', 'secure-session, written'), 1.5],
  ['refusing 16 kB of candidates with one key, ms', ({ limits }) => limits?.refused.dearestMilliseconds, 0.15],
  ['heap after 1 000 000 requests, MB more',
    ({ memory }) => memory?.requests >= 1e6 ? figure([memory.grownMegabytes]) : undefined, 2],
  ['lines of lib/', ({ limits }) => limits && figure([limits.size.lines]), 3000],
]

export function goals(parts) {
  const measured = list.map(([what, find, most, least = 0]) => ({ what, most, least, value: find(parts) }))
    .filter(({ value }) => value !== undefined)
  const goal = ({ most, least }) => least > 0 ? `at least ${least}` : `at most ${most}`
  const holds = ({ value: { median }, most, least }) => median >= least && median <= most
  const said = (value) => value.min === value.max ? number(value.median) : spread(value)
  return {
    table: {
      title: 'Goals',
      columns: ['', 'goal', 'measured', ''],
      rows: measured.map((one) => [one.what, goal(one), said(one.value), holds(one) ? 'holds' : 'MISSED']),
    },
    missed: measured.filter((one) => !holds(one)).length,
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

import { markdown, number } from './table.js'

/*
 * The short tables: one for the cookies, one for the servers, medians only.
 */

const shownBytes = 134

function cookies({ open, seal, read }) {
  const sealed = new Map(seal.map((row) => [row.name, row]))
  const rows = open.map(({ name, cpuMicroseconds, cookieBytes }) =>
    [name, number(cpuMicroseconds.median), number(sealed.get(name).cpuMicroseconds.median), cookieBytes])
  const remembered = read.find(({ name }) => name === 'ours, remembered')
  rows.splice(2, 0, ['ours, remembered', number(remembered.cpuMicroseconds.median), '', ''])
  const columns = [`${shownBytes} bytes of JSON`, 'open, µs', 'seal, µs', 'cookie, bytes']
  return { title: 'A cookie', columns, rows }
}

function servers({ servers: measured }) {
  const rows = measured.map(({ name, perSecond, perSecondOfBare, cpuMicroseconds }) => [
    name,
    number(perSecond.median),
    `${number(perSecondOfBare.median * 100, 0)} %`,
    number(cpuMicroseconds.median),
  ])
  return { title: 'A server', columns: ['', 'requests/s', 'of bare', 'CPU µs/request'], rows }
}

export function readme({ node, cpu, date, commit, parts }) {
  const tables = []
  if (parts.codec !== undefined) tables.push(cookies(parts.codec[shownBytes]))
  if (parts.server !== undefined) tables.push(servers(parts.server))
  const head = `Node.js ${node}, ${cpu}, ${date.slice(0, 10)}, commit ${commit}:`
  return [head, '', ...tables.map(markdown)].join('\n')
}

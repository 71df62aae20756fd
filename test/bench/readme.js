import { readFileSync, writeFileSync } from 'node:fs'
import { markdown, number } from './table.js'

/*
 * The tables of README.md, each between two markers with its name: one of cookies and servers, and those about sizes.
 * They are replaced, and nothing else of the file.
 */

const file = new URL('README.md', import.meta.url)
const needed = ['codec', 'http', 'fastify', 'peers']
const ownCodecs = ['floor', 'ours', 'ours, cached']

function cookiesAndServers({ codec, http, fastify, peers }) {
  const cookies = [134, 2000].flatMap((bytes) => ['open', 'seal'].flatMap((what) =>
    codec[bytes][what].filter(({ name }) => bytes === 134 || ownCodecs.includes(name)).map((row) =>
      [`${what} ${bytes} bytes: ${row.name}`, number(row.cpuMicroseconds.median), number(row.ofFloor.median), ''])))
  const servers = [['node:http', http], ['Fastify', fastify], ['node:http', peers]].flatMap(([on, part]) => [
    ...part.servers.map(({ name, cpuMicroseconds: cpu, cpuOfBare: share, perSecond }) =>
      [`${on}: ${name}`, number(cpu.median), `${number(share.median * 100, 0)} %`, number(perSecond.median, 0)]),
    ...Object.keys(part.failed).map((name) => [`${on}: ${name}`, 'did not run', '', '']),
  ])
  const columns = ['', 'CPU µs', '× floor, or of bare', 'requests/s']
  return { columns, rows: [...cookies, ...servers] }
}

function replace(text, name, content) {
  const place = new RegExp(`(<!-- ${name} -->\n).*(<!-- end of ${name} -->)`, 's')
  if (!place.test(text)) throw new Error(`README.md has no place for ${name}`)
  return text.replace(place, (whole, begin, end) => `${begin}${content}\n${end}`)
}

/** Puts a report's tables into README.md, and says which. */
export function writeReadme(report, say) {
  const { node, cpu, date, commit, parts, quick, disturbed } = report
  const head = [
    `Node.js ${node}, ${cpu}, ${date.slice(0, 10)}, commit ${commit}.`,
    parts.http && `${parts.http.servers[0].processes} processes of each server.`,
    quick && 'A short run, to show the table and not to be believed.',
    disturbed && 'Others kept the machine busy meanwhile: do not believe these figures.',
  ].filter(Boolean).join('\n')
  let text = readFileSync(file, 'utf8')
  const put = (name, tables) => {
    text = replace(text, name, [head, '', ...tables.map(markdown)].join('\n'))
    say(`README.md: ${name}`)
  }
  if (needed.every((part) => parts[part] !== undefined)) put('servers', [cookiesAndServers(parts)])
  else say(`README.md: the table of servers needs the parts ${needed.join(', ')}`)
  if (parts.sizes !== undefined) put('sizes', parts.sizes.tables)
  writeFileSync(file, text)
}

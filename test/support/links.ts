import { existsSync, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { root } from './root.js'

/** As GitHub makes them from headings. */
function anchorsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)]
    .map(([, heading]) => heading!.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-'))
}

/** Checks that each link of a page to another file or heading of the repository leads there; tells how many it has. */
export function checkLinks(t: Test, path: string): number {
  const url = new URL(path, root)
  const links = [...readFileSync(url, 'utf8').matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target!)
  for (const target of new Set(links)) {
    if (/^https?:/.test(target)) continue
    const [file, anchor] = target.split('#') as [string, string?]
    const other = file === '' ? url : new URL(file, url)
    if (!existsSync(other)) t.fail(`${target} is not there`)
    else if (anchor !== undefined) t.ok(anchorsOf(readFileSync(other, 'utf8')).includes(anchor), target)
    else t.pass(target)
  }
  return links.length
}

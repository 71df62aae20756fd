/** The tables of the pages for readers. Tests look at these, at links and at code, and never at a sentence. */
import { readFileSync } from 'node:fs'
import { root } from './root.js'

export interface Table {
  readonly page: string
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

function cells(line: string): string[] {
  return line.replace(/^\||\|$/g, '').split(/(?<!\\)\|/).map((cell) => cell.trim())
}

/** All tables of a page, in their order. */
export function tablesOf(page: string): Table[] {
  const text = readFileSync(new URL(page, root), 'utf8')
  return [...text.matchAll(/^\|.*\n\|[ :|-]+\n(?:\|.*(?:\n|$))*/gm)].map(([table]) => {
    const [header, , ...rows] = table.trimEnd().split('\n').map(cells)
    return { page, header: header!, rows }
  })
}

/*
 * Tables, as text for a terminal or as Markdown for the README. The first column is left-aligned, the others right.
 */

const digits = (value) => value >= 100 ? 0 : value >= 10 ? 1 : 2

/** A number with three digits or so. */
export function number(value, places = digits(Math.abs(value))) {
  return value.toFixed(places).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** A figure: its median, and the smallest and largest round. */
export function spread({ median, min, max }, scale = 1) {
  const places = digits(median * scale)
  return `${number(median * scale, places)} (${number(min * scale, places)}..${number(max * scale, places)})`
}

export const percent = (figure) => `${spread(figure, 100)} %`

export function text({ title, columns, rows }) {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => String(row[i]).length)))
  const line = (cells) => '  ' + cells.map((cell, i) =>
    i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])).join('  ')
  return [title, line(columns), ...rows.map(line), ''].join('\n')
}

export function markdown({ title, columns, rows }) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  const rule = columns.map((_, i) => i === 0 ? '---' : '--:')
  const head = title === undefined ? [] : [`**${title}**`, '']
  return [...head, line(columns), line(rule), ...rows.map(line), ''].join('\n')
}

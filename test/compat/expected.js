/**
 * Rows that a runtime gets wrong, with the reason. Each must fail there, so that an improvement is noticed.
 * `rows` are the beginnings of row names.
 */
const failures = []

/** Why `id` fails on `runtime`; undefined for a row that passes there. */
export function expectedFailure(runtime, id) {
  return failures.find(({ on, rows }) => on.includes(runtime) && rows.some((start) => id.startsWith(start)))?.reason
}

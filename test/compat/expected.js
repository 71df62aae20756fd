/**
 * Rows that a runtime gets wrong, with the reason. Each must fail there, so that an improvement is noticed.
 * `rows` are the beginnings of row names.
 */
const failures = [
  {
    on: ['deno'],
    rows: ['connections › a rejected promise, captured'],
    reason: "Deno's node:http server does not capture rejections: the process gets them, with the library and without",
  },
  {
    on: ['deno'],
    rows: ['connections › uniqueHeaders'],
    reason: "Deno's node:http ignores uniqueHeaders, so that the lines stay apart and all cookies arrive",
  },
  {
    on: ['bun'],
    rows: [204, 304].flatMap((status) => ['no own cookie', 'one own cookie', 'two own cookies']
      .map((own) => `http1 › ${status}, ${own} › failed`)),
    reason: 'Bun looks whether the status has a body before writeHead is called, and sends none with the 500',
  },
  {
    on: ['bun'],
    rows: ['clients › undici'],
    reason: 'the undici package calls a function that Bun does not have; its own fetch passes',
  },
]

/** Why `id` fails on `runtime`; undefined for a row that passes there. */
export function expectedFailure(runtime, id) {
  return failures.find(({ on, rows }) => on.includes(runtime) && rows.some((start) => id.startsWith(start)))?.reason
}

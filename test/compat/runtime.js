/** What runs this: `node20` and the like, `bun` or `deno`. */
export const runtime = process.versions.bun ? 'bun'
  : process.versions.deno ? 'deno'
    : `node${process.versions.node.split('.')[0]}`

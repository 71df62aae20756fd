import { createRequire } from 'node:module'

/** The compiler. Not by an import, for which Node would look through all of its code for names to export. */
export default createRequire(import.meta.url)('typescript') as typeof import('typescript')

/** No mutants: what any test would fail for, whatever it tests. The runner has to refuse each, and says why. */
const of = (name, from, to, because) => ({ file: 'keys.ts', name, from, to, because })

const anchor = 'const maxKeys = 8'

export const refused = [
  of('a syntax error', anchor, 'const maxKeys = = 8', 'does not compile'),
  of('a variable that does not exist', anchor, 'const maxKeys = 8 + howMany', 'names what does not exist'),
  of('a property that does not exist', anchor, 'const maxKeys = Math.most(8)', 'names what does not exist'),
  of('an export that others import', 'export function deriveKeys', 'export function makeKeys', 'does not load: SyntaxError'),
  of('an error at the start', anchor, `${anchor}\nif (maxKeys > 7) throw new RangeError('seven')`, 'does not load: RangeError: seven'),
  of('a module that does not exist', anchor, `import './no-keys.js'\n${anchor}`, 'does not load: Error [ERR_MODULE_NOT_FOUND]'),
]

/**
 * Writes a copy of tap, and of all that it loads, as one file to `compiled/`, where the compiled tests find it first:
 *
 *     node test/tap-in-one-file.js
 *
 * Each test file is a process of its own, and most would spend more time on loading tap's 270 files and their source
 * maps than on their tests.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'

const require = createRequire(import.meta.url)
require('tap')

/** The code of a file as a function, and which file each name means that it requires. */
function moduleOf(file) {
  const source = readFileSync(file, 'utf8').replace(/^\/\/# sourceMappingURL=.*/gm, '')
  const needed = {}
  for (const [, name] of source.matchAll(/\brequire\(["']([^"'\n]+)["']\)/g)) {
    const found = createRequire(file).resolve(name)
    if (found in require.cache) needed[name] = found
  }
  return `${JSON.stringify(file)}: [${JSON.stringify(needed)}, ${JSON.stringify(dirname(file))},
    function (require, module, exports, __filename, __dirname) {${source}\n}],\n`
}

// tap leaves out of a stack what lies in a folder of this name.
const folder = 'compiled/node_modules/@tapjs'
mkdirSync(folder, { recursive: true })
writeFileSync(`${folder}/all.cjs`, `
const loaded = {}
function load(file) {
  if (loaded[file]) return loaded[file].exports
  const [needed, folder, run] = files[file]
  const own = (name) => needed[name] ? load(needed[name]) : require(name)
  const module = loaded[file] = { exports: {} }
  run(Object.assign(own, require), module, module.exports, file, folder)
  return module.exports
}
const files = {
${Object.keys(require.cache).map(moduleOf).join('')}}
module.exports = load(${JSON.stringify(require.resolve('tap'))})
`)

// Not an import: Node would look for the names of what the file exports, which takes longer than to run it.
mkdirSync('compiled/node_modules/tap', { recursive: true })
writeFileSync('compiled/node_modules/tap/package.json', '{ "type": "module", "exports": "./index.js" }')
writeFileSync('compiled/node_modules/tap/index.js', `
import { createRequire } from 'node:module'
export default createRequire(import.meta.url)('../@tapjs/all.cjs').t
`)

/** Runs the tests of several files in one process: `node several.js FILE ...`. */
import { pathToFileURL } from 'node:url'
import t from 'tap'

// As in a file of its own, no test runs before all is loaded.
t.test('the files are loaded', async () => {
  for (const file of process.argv.slice(2)) await import(pathToFileURL(file).href)
})

/**
 * Runs the tests of several files in one process: `TEST_FILES='FILE ...' node several.js FOLDER`. They are no
 * arguments, since tap names the folders that it makes for tests after these; FOLDER makes the names differ.
 */
import { pathToFileURL } from 'node:url'
import t from 'tap'

// As in a file of its own, no test runs before all is loaded.
t.test('the files are loaded', async () => {
  for (const file of process.env['TEST_FILES']!.split(' ')) await import(pathToFileURL(file).href)
})

// The suites on the runtime that runs this: node main.js [suite …] [--results=FILE]
import { close, row } from './report.js'
import { suites } from './suites.js'

const args = process.argv.slice(2)
const file = args.find((arg) => arg.startsWith('--results='))?.slice('--results='.length)
const names = args.filter((arg) => !arg.startsWith('--'))

for (const name of names.length === 0 ? Object.keys(suites) : names) {
  try {
    await suites[name](name)
  } catch (error) {
    await row(name, 'the suite', 'runs', () => { throw error })
  }
}
close(file)

import { writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { expectedFailure } from './expected.js'
import { runtime } from './runtime.js'

const limit = 120_000 // milliseconds, after which a row that hangs is given up

const results = { passed: 0, expected: 0, failures: [] }
let stray // what a row threw where nobody could catch it

process.on('uncaughtException', (error) => { stray?.(error) })
process.on('unhandledRejection', (error) => { stray?.(error) })

/** Runs one row. One that expected.js says fails on this runtime must fail: an improvement is to be noticed. */
export async function row(suite, subject, name, run) {
  const id = `${suite} › ${subject} › ${name}`
  const reason = expectedFailure(runtime, id)
  const error = await outcome(run)
  if (error === undefined && reason === undefined) results.passed++
  else if (error !== undefined && reason !== undefined) results.expected++
  else if (error === undefined) fail(id, `expected to fail (${reason}), and passes: take it out of expected.js`)
  else fail(id, error.message)
}

function fail(id, message) {
  results.failures.push({ id, message })
  console.log(`not ok ${runtime} › ${id}\n    ${message.replaceAll('\n', '\n    ')}`)
}

async function outcome(run) {
  let timer
  try {
    await Promise.race([run(), new Promise((_, reject) => {
      timer = setTimeout(reject, limit, new Error(`expected an end within ${limit} ms, got none`))
      stray = reject
    })])
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    clearTimeout(timer)
    stray = undefined
  }
}

/** Throws with both sides when they differ in anything that JSON or inspect shows. */
export function equal(got, wanted, what) {
  const [left, right] = [got, wanted].map((value) => inspect(value, { depth: 9, maxArrayLength: 99, breakLength: 110 }))
  if (left !== right) throw new Error(`${what}\nexpected ${right}\ngot      ${left}`)
}

/** Prints the counts, and leaves them in a file for runtimes.js. */
export function close(file) {
  const { passed, expected, failures } = results
  if (file !== undefined) writeFileSync(file, JSON.stringify(results))
  if (expected > 0) console.log(`${expected} rows fail as expected.js says`)
  console.log(`${passed + expected} passed, ${failures.length} failed`)
  process.exit(failures.length === 0 ? 0 : 1)
}

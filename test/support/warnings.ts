import type { Test } from 'tap'

/** Collects the warnings of this process until the test is over. Node prints none of them meanwhile. */
export function collectWarnings(t: Test): Error[] {
  const warnings: Error[] = []
  const others = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => { warnings.push(warning) })
  t.teardown(async () => {
    await new Promise(setImmediate) // the last ones are on their way
    process.removeAllListeners('warning')
    for (const listener of others) process.on('warning', listener)
  })
  return warnings
}

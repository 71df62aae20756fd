import type { Test } from 'tap'

/** Sets the clock, in Unix seconds, until the test is over. */
export function setTime(t: Test, seconds: number): void {
  const real = Date.now
  t.teardown(() => { Date.now = real })
  Date.now = () => seconds * 1000
}

/** Resolves once `check` holds. */
export async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise(setImmediate)
}

import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks until the answer is truthy, and gives it back; throws after `seconds`, with what was waited for. Nothing here
 * depends on how long it takes: the limit is there so that a broken program ends.
 */
export async function until(ask, what, seconds = 20) {
  const deadline = performance.now() + seconds * 1000
  let last
  for (;;) {
    try {
      const answer = await ask()
      if (answer) return answer
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s in vain until ${what}`, { cause: last })
    await delay(20)
  }
}

/** Does something again and again, for as long as an event goes on, whose outcome is given back. */
export async function during(event, act) {
  let over = false
  const done = event().finally(() => { over = true })
  done.catch(() => {}) // it is given back
  while (!over) await act()
  return done
}

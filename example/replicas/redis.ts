import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from 'redis'

export type Redis = ReturnType<typeof client>

/** A connection that is lost once, and not made again: whoever holds it has to learn what was missed meanwhile. */
export function client(url: string) {
  const redis = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: false } })
  redis.on('error', () => {}).unref() // the command under way tells it too
  return redis
}

/**
 * A promise's value, as long as it does not take longer.
 * @throws otherwise: a connection on which nothing comes may be dead without knowing it
 */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const late = delay(milliseconds, undefined, { signal: timer.signal }).then(() => { throw new Error('no answer') })
  return Promise.race([promise, late]).finally(() => timer.abort())
}

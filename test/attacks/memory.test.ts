/** What is left in memory, measured in a process of its own, without coverage. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { RequestSessions, SessionHandler } from '../../lib/index.js'
import { bytesInUse } from '../support/memory.js'
import { volume } from '../support/volume.js'
import type { Measured } from '../support/memory-child.js'

const MB = 2 ** 20

t.test('memory', async (t) => {
  const file = fileURLToPath(new URL('../support/memory-child.js', import.meta.url))
  const { stdout, stderr, status } = spawnSync(process.execPath, [file], { encoding: 'utf8' })
  t.equal(status, 0, stderr)
  const measured = JSON.parse(stdout) as Measured
  t.comment(stdout)
  const below = (bytes: number, most: number, what: string) =>
    t.ok(bytes < most, `${what}: ${(bytes / MB).toFixed(2)} MB, at most ${(most / MB).toFixed(2)}`)

  const requests = volume(10_000, 100_000)
  t.equal(measured.answers, requests)
  below(measured.requests, 2 * MB, `${requests} requests`)
  t.ok(measured.sessionsCollected >= 990, `${measured.sessionsCollected} of 1000 sessions were collected`)
  t.ok(measured.requestsCollected >= 990, `${measured.requestsCollected} of 1000 requests were collected`)
  below(measured.cookies[0]!, MB, 'large cookies, none cached')
  // 7 MB for the value and JSON text of each; without a bound it would be 28, or 700.
  below(measured.cookies[1000]!, 12 * MB, 'large cookies, 1000 cached')
  // Less than 1 MB; 32 with the headers.
  below(measured.slices, 4 * MB, '2000 small cookies, all cached')
})

t.test('handlers that were dropped leave nothing with their RequestSessions', async (t) => {
  const sessions = new RequestSessions()
  const key = Buffer.alloc(32, 1)
  const kept = new SessionHandler(null, key, sessions)
  for (let n = 0; n < 500; n++) new SessionHandler(null, key, sessions)
  await bytesInUse() // collects them
  // Assigning an option looks at the cookie of each handler that is known.
  const { deref } = WeakRef.prototype
  let known = 0
  WeakRef.prototype.deref = function (this: WeakRef<WeakKey>) {
    known++
    return deref.call(this)
  }
  try {
    sessions.maxAge = 100
  } finally {
    WeakRef.prototype.deref = deref
  }
  t.ok(known >= 1 && known < 50, `${known} of 501 are known`)
  t.equal(kept.sessions.maxAge, 100)
})

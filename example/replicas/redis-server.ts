import type { ChildProcess } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { startProgram } from './program.js'

/** Starts a Redis of our own with its data in `folder`. Only this machine can reach it, so it asks no password. */
export async function startRedis(folder: string, port: number): Promise<ChildProcess> {
  await mkdir(folder, { recursive: true })
  return startProgram(process.env.REDIS_SERVER ?? 'redis-server', [
    '--bind', '127.0.0.1', '--port', String(port), '--dir', folder,
    // Each logout is written to the disk's log before it is confirmed, and nothing is thrown out to make room.
    '--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--maxmemory-policy', 'noeviction',
  ], port, 'redis-server')
}

import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** A key as a line of the key file: 32 random bytes in base64, what `openssl rand -base64 32` prints. */
export function makeKey(): string {
  return randomBytes(32).toString('base64')
}

/** The keys of a file, one a line: the first one seals, and each of them opens. */
export function readKeys(file: string): Buffer[] {
  return readFileSync(file, 'utf8').trim().split('\n').map((line) => Buffer.from(line, 'base64'))
}

/** Replaces the file at once, so that nobody reads half of it; only its owner can read it. */
export function writeKeys(file: string, keys: readonly string[]): void {
  writeFileSync(`${file}.new`, keys.join('\n') + '\n', { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

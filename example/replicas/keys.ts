import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

const mostKeys = 8 // that a SessionHandler takes

/** A key as a line of the key file: 32 random bytes in base64, what `openssl rand -base64 32` prints. */
export function makeKey(): string {
  return randomBytes(32).toString('base64')
}

/**
 * The keys of a file, one a line: the first one seals, and each of them opens.
 * @throws when a line is anything else; node would decode a blank line, or a passphrase, to a key that others can guess
 */
export function readKeys(file: string): Buffer[] {
  const lines = readFileSync(file, 'utf8').replace(/\r?\n$/, '').split(/\r?\n/)
  if (lines.length > mostKeys) throw new Error(`${file} holds ${lines.length} lines; ${mostKeys} keys are the most`)
  return lines.map((line, index) => {
    const key = Buffer.from(line, 'base64')
    if (key.length === 32 && key.toString('base64') === line) return key
    throw new Error(`line ${index + 1} of ${file} is no key; make one with: openssl rand -base64 32`)
  })
}

/** Replaces the file at once, so that nobody reads half of it; only its owner can read it. */
export function writeKeys(file: string, keys: readonly string[]): void {
  writeFileSync(`${file}.new`, keys.join('\n') + '\n', { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

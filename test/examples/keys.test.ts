import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeKey, readKeys, writeKeys } from '../../example/replicas/keys.js'

const file = join(t.testdir({}), 'keys')
const [a, b] = [makeKey(), makeKey()] as const
const bytes = (...keys: string[]): Buffer[] => keys.map((key) => Buffer.from(key, 'base64'))

t.test('key files', async (t) => {
  const good: [name: string, text: string, keys: Buffer[]][] = [
    ['one key', `${a}\n`, bytes(a)],
    ['two keys', `${a}\n${b}\n`, bytes(a, b)],
    ['no line break at the end', `${a}\n${b}`, bytes(a, b)],
    ['line breaks of Windows', `${a}\r\n${b}\r\n`, bytes(a, b)],
    ['eight keys', `${a}\n`.repeat(8), bytes(...Array.from({ length: 8 }, () => a))],
  ]
  for (const [name, text, keys] of good) {
    writeFileSync(file, text)
    t.strictSame(readKeys(file), keys, name)
  }

  const bad: [name: string, text: string, line: number][] = [
    ['an empty file', '', 1],
    ['a blank line', `${a}\n\n${b}\n`, 2],
    ['a blank line at the end', `${a}\n\n`, 2],
    ['a passphrase', `${a}\ncorrect horse battery staple and some more\n`, 2],
    ['31 bytes', `${Buffer.alloc(31).toString('base64')}\n`, 1],
    ['33 bytes', `${Buffer.alloc(33).toString('base64')}\n`, 1],
    ['white space', `${a} \n`, 1],
    ['two keys on a line', `${a}${b}\n`, 1],
    ['a key without its padding', `${a.slice(0, -1)}\n`, 1],
    ['a comment', `# the new key\n${a}\n`, 1],
  ]
  for (const [name, text, line] of bad) {
    writeFileSync(file, text)
    const message = `line ${line} of ${file} is no key; make one with: openssl rand -base64 32`
    t.throws(() => readKeys(file), { message }, name)
  }
  writeFileSync(file, `${a}\n`.repeat(9))
  t.throws(() => readKeys(file), { message: `${file} holds 9 lines; 8 keys are the most` })
})

t.test('what is written is read', async (t) => {
  writeKeys(file, [a, b])
  t.strictSame(readKeys(file), bytes(a, b))
})

import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

type Environment = Record<string, string>
type Child = ChildProcessByStdio<null, Readable, Readable>

/** How a program ended, and all it said. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A server in a process of its own. */
export interface Served {
  readonly origin: string
  /** Asks it to end, and waits until it has. */
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

/** Runs a program of example/ to its end. */
export function run(name: string, env: Environment): Promise<Ended> {
  return ended(start(name, env))
}

/** Starts a server of example/ on any free port, and waits until it says where it listens. */
export async function serve(name: string, env: Environment = {}): Promise<Served> {
  const child = start(name, { PORT: '0', ...env })
  const end = ended(child)
  const origin = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)
      if (found) resolve(found[0])
    })
    end.then(({ stderr }) => reject(new Error(`${name} ended before it listened: ${stderr}`)), reject)
  })
  return {
    origin,
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return end
    },
  }
}

const root = fileURLToPath(new URL('../../', import.meta.url))
let compiled: string | undefined

/** The programs as JavaScript, made once: what makes node read TypeScript takes seconds in each process. */
function compile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'seshcookie-example-'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  const compilerOptions = { module: ts.ModuleKind.ES2022, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true }
  for (const file of readdirSync(join(root, 'example')).filter((file) => file.endsWith('.ts'))) {
    const source = readFileSync(join(root, 'example', file), 'utf8')
    const { outputText } = ts.transpileModule(source, { compilerOptions })
    writeFileSync(join(folder, file.replace(/ts$/, 'js')), outputText)
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  cpSync(join(root, 'example/secured'), join(folder, 'secured'), { recursive: true })
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/seshcookie-http'))
  return folder
}

function start(name: string, env: Environment): Child {
  compiled ??= compile()
  const { SESSION_KEY, SESSION_KEY_ALSO, SECURE, PORT, ...rest } = process.env
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
  return spawn(process.execPath, [join(compiled, `${name}.js`)], { env: { ...rest, ...env }, stdio })
}

async function ended(child: Child): Promise<Ended> {
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, stdout, stderr }
}

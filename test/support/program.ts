import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { root } from './root.js'

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

const example = (name: string) => fileURLToPath(new URL(`../../example/${name}.js`, import.meta.url))

/** Runs a program of example/ to its end. */
export function run(name: string, env: Environment): Promise<Ended> {
  return ended(start([example(name)], env))
}

/** Starts a server of example/ on any free port, and waits until it says where it listens. */
export function serve(name: string, env: Environment = {}): Promise<Served> {
  return served(start([example(name)], { PORT: '0', ...env }))
}

/** The same for a program that chooses a port of its own. */
export function serveFile(path: string, env: Environment): Promise<Served> {
  return served(start(['--import', new URL('test/support/any-port.js', root).href, path], env))
}

async function served(child: Child): Promise<Served> {
  const end = ended(child)
  const origin = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)
      if (found) resolve(found[0])
    })
    end.then(({ stderr }) => reject(new Error(`it ended before it listened: ${stderr}`)), reject)
  })
  return {
    origin,
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return end
    },
  }
}

/** Without coverage: a signal ends most of them, and none is written then. */
function start(args: string[], env: Environment): Child {
  const { SESSION_KEY, SESSION_KEY_ALSO, SECURE, PORT, ...rest } = process.env
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
  return spawn(process.execPath, args, { env: { ...rest, ...env, NODE_V8_COVERAGE: '' }, stdio })
}

async function ended(child: Child): Promise<Ended> {
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, stdout, stderr }
}

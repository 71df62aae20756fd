import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** Starts a server program, and waits until it listens. `origin` is the package of Debian that holds it. */
export async function startProgram(
  command: string, args: readonly string[], port: number, origin: string,
): Promise<ChildProcess> {
  if (await answers(port)) throw new Error(`port ${port} is in use`)
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Debian keeps nginx where only root's PATH looks.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  })
  let said = ''
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-4000) })
  }
  let failure: Error | undefined
  child.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code === 'ENOENT' ? new Error(`${command} is not installed (Debian: apt install ${origin})`) : error
  })
  child.on('exit', () => { failure ??= new Error(`${command} ended: ${said.trim()}`) })

  while (!(await answers(port))) {
    if (failure) throw failure
    await delay(20)
  }
  if (failure) throw failure
  return child
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

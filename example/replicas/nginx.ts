import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

// The way there is the same from the sources and from what is built.
const configuration = new URL('../../example/replicas/nginx.conf', import.meta.url)

/**
 * Starts an nginx of our own in `folder`, in which the certificate lies already. It reads and writes nothing of the
 * system's nginx, and needs no rights. `ports` are the machines'.
 */
export async function startNginx(folder: string, port: number, ports: readonly number[]): Promise<ChildProcess> {
  if (await answers(port)) throw new Error(`port ${port} is in use`)

  const machines = /^ *server 127\.0\.0\.1:8444 (.*);\n( *server 127\.0\.0\.1:.*;\n)*/m
  const text = (await readFile(configuration, 'utf8'))
    .replace('127.0.0.1:8443', `127.0.0.1:${port}`)
    .replace(machines, (_, rest) => ports.map((each) => `    server 127.0.0.1:${each} ${rest};\n`).join(''))
  await writeFile(join(folder, 'nginx.conf'), text)
  await mkdir(join(folder, 'temp'), { recursive: true })

  const nginx = spawn(process.env.NGINX ?? 'nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Debian keeps it where only root's PATH looks.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  })
  let said = ''
  nginx.stderr.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-4000) })
  let failure: Error | undefined
  nginx.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code === 'ENOENT' ? new Error('nginx is not installed (Debian: apt install nginx-light)') : error
  })
  nginx.on('exit', () => { failure ??= new Error(`nginx ended: ${said.trim()}`) })

  while (!(await answers(port))) {
    if (failure) throw failure
    await delay(20)
  }
  if (failure) throw failure
  return nginx
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

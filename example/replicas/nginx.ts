import type { ChildProcess } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startProgram } from './program.js'

// The way there is the same from the sources and from what is built.
const configuration = new URL('../../example/replicas/nginx.conf', import.meta.url)

/**
 * Starts an nginx of our own in `folder`, in which the certificate lies already. It reads and writes nothing of the
 * system's nginx, and needs no rights. `ports` are the machines'.
 */
export async function startNginx(folder: string, port: number, ports: readonly number[]): Promise<ChildProcess> {
  const machines = /^ *server 127\.0\.0\.1:8444 (.*);\n( *server 127\.0\.0\.1:.*;\n)*/m
  const text = (await readFile(configuration, 'utf8'))
    .replace('127.0.0.1:8443', `127.0.0.1:${port}`)
    .replace(machines, (_, rest) => ports.map((each) => `    server 127.0.0.1:${each} ${rest};\n`).join(''))
  await writeFile(join(folder, 'nginx.conf'), text)
  await mkdir(join(folder, 'temp'), { recursive: true })

  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr']
  return startProgram(process.env.NGINX ?? 'nginx', args, port, 'nginx-light')
}

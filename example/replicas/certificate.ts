import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

async function openssl(...args: string[]): Promise<void> {
  try {
    await promisify(execFile)('openssl', args)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error('openssl is not installed (Debian: apt install openssl)')
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/**
 * Makes a certificate authority of our own and a certificate by it, for tests and for trying things out: in `folder`,
 * `authority.pem`, `certificate.pem` and `certificate.key`. The authority's key is thrown away.
 */
export async function makeCertificate(folder: string, hosts: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  const path = (name: string): string => join(folder, name)
  const names = hosts.map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`))
  await writeFile(path('authority.cnf'), `
[req]
distinguished_name = name
prompt = no
x509_extensions = authority
[name]
CN = A test authority, to be trusted by nobody
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${names.join(', ')}
`)
  const config = path('authority.cnf')
  await openssl(
    'req', '-x509', ...newKey, '-keyout', path('authority.key'), '-out', path('authority.pem'),
    '-days', '7', '-config', config,
  )
  await openssl(
    'req', '-new', ...newKey, '-keyout', path('certificate.key'), '-out', path('certificate.csr'),
    '-subj', '/CN=localhost', '-config', config,
  )
  await openssl(
    'x509', '-req', '-in', path('certificate.csr'), '-CA', path('authority.pem'), '-CAkey', path('authority.key'),
    '-set_serial', `0x${Date.now().toString(16)}`, '-days', '7', '-out', path('certificate.pem'),
    '-extfile', config, '-extensions', 'server',
  )
  for (const name of ['authority.key', 'authority.cnf', 'certificate.csr']) await rm(path(name))
}

import { X509Certificate, createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { makeCertificate } from '../../build/replicas/certificate.js'

/** Every name under .test leads to this machine, for these browsers only. */
const resolver = '--host-resolver-rules=MAP *.test 127.0.0.1'

/** A certificate by an authority of our own, servers that use it, and what makes Chromium trust them. */
export async function makeTls(folder) {
  await makeCertificate(folder, ['localhost', 'app.test', '*.app.test', 'other.test'])
  const [authority, certificate, key] = ['authority.pem', 'certificate.pem', 'certificate.key']
    .map((name) => readFileSync(join(folder, name), 'utf8'))
  // Chromium trusts the hash of the authority's public key, which it has to find in the chain. All else about the chain
  // is left out of the check then, and nothing else is trusted.
  const authorityKey = new X509Certificate(authority).publicKey.export({ type: 'spki', format: 'der' })
  const hash = createHash('sha256').update(authorityKey).digest('base64')
  const serve = (listener) => listen(createTlsServer({ cert: certificate + authority, key }, listener))
  return {
    flags: [resolver, `--ignore-certificate-errors-spki-list=${hash}`],
    serve,

    /** Ends TLS in front of a plain server, as a proxy does. */
    proxy: (port) => serve((req, res) => {
      const headers = { ...req.headers, 'x-forwarded-proto': 'https' }
      const onward = request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers }, (answer) => {
        res.writeHead(answer.statusCode, answer.rawHeaders)
        pipeline(answer, res, () => {}) // an answer that breaks off has to break off here too
      })
      onward.on('error', () => res.destroy())
      req.pipe(onward)
    }),
  }
}

export function servePlain(listener) {
  return listen(createServer(listener))
}

async function listen(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  return { port: server.address().port, stop }
}

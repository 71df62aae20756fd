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

/** A certificate by an authority of our own, and servers that use it. */
export class Tls {
  #folder

  constructor(folder) {
    this.#folder = folder
  }

  static async make(folder) {
    await makeCertificate(folder, ['localhost', 'app.test', '*.app.test', 'other.test'])
    return new Tls(folder)
  }

  /**
   * What makes Chromium trust our authority: the hash of its public key. Everything else about the certificate chain is
   * left out of the check then, and nothing else is trusted.
   */
  get flags() {
    const authority = new X509Certificate(this.#read('authority.pem'))
    const key = authority.publicKey.export({ type: 'spki', format: 'der' })
    return [resolver, `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`]
  }

  serve(listener) {
    // The authority goes along, so that the browser finds in the chain the key that it was told to trust.
    const cert = this.#read('certificate.pem') + this.#read('authority.pem')
    return listen(createTlsServer({ cert, key: this.#read('certificate.key') }, listener))
  }

  /** Ends TLS in front of a plain server, as a proxy does. */
  proxy(port) {
    return this.serve((req, res) => {
      const headers = { ...req.headers, 'x-forwarded-proto': 'https' }
      const onward = request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers }, (answer) => {
        res.writeHead(answer.statusCode, answer.rawHeaders)
        pipeline(answer, res, () => {}) // an answer that breaks off has to break off here too
      })
      onward.on('error', () => res.destroy())
      req.pipe(onward)
    })
  }

  #read(name) { return readFileSync(join(this.#folder, name), 'utf8') }
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

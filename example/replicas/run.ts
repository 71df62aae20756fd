import { Replicas } from './replicas.js'

const port = Number(process.env.PORT ?? 8443)

const starting = Replicas.start({ nginx: port, machines: [port + 1, port + 2, port + 3], redis: port + 4 })
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => starting.then((replicas) => replicas.stop(), () => {}))
}

try {
  const replicas = await starting
  console.log(`nginx listens on ${replicas.origin}, with three machines of two processes each behind it, and a Redis on
port ${port + 4} that holds what was revoked.
The certificate was made just now, by an authority that no browser knows: yours will warn.
Reload the page, and another machine answers; kill processes, and nobody is logged out; log out, and nobody is let in
with a copy of your cookie.

To rotate the key, edit ${replicas.keyFile} (a key a line, the first one seals):
  1. add a line at the end (openssl rand -base64 32), then: kill -HUP ${process.pid}
  2. move that line to the top, then: kill -HUP ${process.pid}
  3. once the cookies of the old key have expired, remove its line: kill -HUP ${process.pid}
Ctrl-C ends everything.`)

  process.on('SIGHUP', () => {
    replicas.reloadAll()
      .then(() => console.log('Each process was replaced, and has read the keys anew.'))
      .catch((error: Error) => console.error(error.message))
  })
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

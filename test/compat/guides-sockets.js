// Clients that reset their connection, or never close it, while an upgrade is refused.
import { blocksOf, lay, Server } from './guides.js'
import { equal, row } from './report.js'
import { reset, stay } from './resets.js'

const first = "  socket.on('error', () => socket.destroy())\n"

export async function guideSocketRows(suite) {
  const { 'The sessions, for all of them': shared, ws, 'socket.io': socketIo } = blocksOf('README.md')
  const unmended = ws['ws-app.ts'].replace(first, '')
  equal(ws['ws-app.ts'].length - unmended.length, first.length, 'the line that is left out')
  const path = await lay('sockets', { ...shared, ...ws, ...socketIo, 'unmended.ts': unmended })

  const serve = async (name, run) => {
    const server = new Server(path, name)
    let ended
    server.ended.then((how) => { ended = how })
    try {
      return await run(await server.port, () => ended, server)
    } finally {
      server.stop()
    }
  }
  for (const name of ['ws-app.ts', 'socket-io-app.ts']) {
    await row(suite, name, 'outlives 400 clients that reset', () => serve(name, async (port, ended, server) => {
      await reset(port, 400)
      const { status } = await fetch(`http://127.0.0.1:${port}`)
      equal([status, ended(), server.output.match(/Error.*/)], [200, undefined, null], 'what is left')
    }))
  }
  await row(suite, 'ws-app.ts without its first line', 'does not', () =>
    serve('unmended.ts', async (port, ended, server) => {
      await reset(port, 4000, ended)
      equal([ended(), /ECONNRESET|EPIPE/.test(server.output)], [[1, null], true], 'how the process ended')
    }))
  await row(suite, 'ws-app.ts', 'closes what it refused', () => serve('ws-app.ts', async (port) => {
    equal((await stay(port)).split('\r\n', 1)[0], 'HTTP/1.1 401 Unauthorized', 'the answer')
  }))
}

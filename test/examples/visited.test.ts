import { createServer } from 'node:http'
import t from 'tap'
import { Client } from '../support/client.js'
import { listen } from '../support/listen.js'
import { run, serve } from '../support/program.js'

const key = 'a key for these tests, of no use to anybody'

t.test('it counts the visits of each browser', async (t) => {
  const server = await serve('visited', { SESSION_KEY: key })
  const first = new Client(server.origin)
  const second = new Client(server.origin)
  t.equal((await first.get('/')).body, 'this is your first visit, welcome!\n')
  t.equal((await first.get('/')).body, 'page view #2\n')
  t.equal((await second.get('/')).body, 'this is your first visit, welcome!\n')
  t.match(await first.get('/favicon.ico'), { status: 404, headers: { 'set-cookie': undefined } })
  t.match(await first.get('/'), { status: 200, headers: { 'content-type': 'text/plain' }, body: 'page view #3\n' })

  t.test('and goes on counting when the server was restarted', async (t) => {
    const { stdout, stderr } = await server.stop()
    t.equal(stdout, `Open ${server.origin} and reload it.\n`)
    t.equal(stderr, '')
    const again = await serve('visited', { SESSION_KEY: key })
    const later = new Client(again.origin)
    for (const [name, value] of first.cookies) later.cookies.set(name, value)
    t.equal((await later.get('/')).body, 'page view #4\n')
    await again.stop()
  })
})

t.test('without a key it says that the visits end with it; of a port that is taken it shows no stack', async (t) => {
  const { port, host } = new URL(await listen(t, createServer()))
  t.strictSame(await run('visited', { PORT: port }), {
    code: 1,
    stdout: 'No SESSION_KEY is set: the visits are forgotten when this process ends.\n',
    stderr: `listen EADDRINUSE: address already in use ${host}\n`,
  })
})

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { FileServer } from '../../example/file-server.js'
import { Client, exchange } from '../support/client.js'
import { listen } from '../support/listen.js'

const secret = 'what is outside of the folder'
const large = 'a large file\n'.repeat(1_000_000)
const modified = new Date('2026-01-02T03:04:05.678Z')

const folder = t.testdir({
  'outside.txt': secret,
  'outside': { 'index.html': secret },
  'root': {
    'index.html': '<h1>the first page</h1>',
    'a.txt': 'a text',
    'a b.txt': 'a name with a space',
    'é.txt': 'a name that is not ASCII',
    'a-b_c.1.txt': 'a name with everything',
    'empty.txt': '',
    'large.txt': large,
    'style.css': 'p {}',
    'mark.svg': '<svg/>',
    'UPPER.TXT': 'a type nobody knows',
    '.hidden': secret,
    '.git': { config: secret },
    'sub': { 'index.html': '<h1>a page below</h1>', 'b.txt': 'a text below' },
    'bare': {},
    'link.txt': t.fixture('symlink', '../outside.txt'),
    'link-inside.txt': t.fixture('symlink', 'a.txt'),
    'link-nowhere.txt': t.fixture('symlink', 'nothing'),
    'link-loop.txt': t.fixture('symlink', 'link-loop.txt'),
    'link-folder': t.fixture('symlink', '../outside'),
  },
})
const root = join(folder, 'root')
utimesSync(join(root, 'a.txt'), modified, modified)
execFileSync('mkfifo', [join(root, 'pipe')])

const origin = await listen(t, new FileServer(root).listener)
const client = new Client(origin)

t.test('what it sends', async (t) => {
  const rows: [path: string, body: string, type: string][] = [
    ['/', '<h1>the first page</h1>', 'text/html; charset=utf-8'],
    ['/index.html', '<h1>the first page</h1>', 'text/html; charset=utf-8'],
    ['/?q=/../outside.txt', '<h1>the first page</h1>', 'text/html; charset=utf-8'],
    ['http://example.org', '<h1>the first page</h1>', 'text/html; charset=utf-8'],
    ['http://example.org/a.txt', 'a text', 'text/plain; charset=utf-8'],
    ['/a.txt', 'a text', 'text/plain; charset=utf-8'],
    ['/%61%2etxt', 'a text', 'text/plain; charset=utf-8'],
    ['/a%20b.txt', 'a name with a space', 'text/plain; charset=utf-8'],
    ['/%C3%A9.txt', 'a name that is not ASCII', 'text/plain; charset=utf-8'],
    ['/a-b_c.1.txt', 'a name with everything', 'text/plain; charset=utf-8'],
    ['/empty.txt', '', 'text/plain; charset=utf-8'],
    ['/large.txt', large, 'text/plain; charset=utf-8'],
    ['/style.css', 'p {}', 'text/css; charset=utf-8'],
    ['/mark.svg', '<svg/>', 'image/svg+xml'],
    ['/UPPER.TXT', 'a type nobody knows', 'application/octet-stream'],
    ['/sub/', '<h1>a page below</h1>', 'text/html; charset=utf-8'],
    ['/sub/b.txt', 'a text below', 'text/plain; charset=utf-8'],
  ]
  for (const [path, body, type] of rows) {
    const got = await client.get(path)
    t.equal(got.status, 200, path)
    t.ok(got.body === body, `${path}: its content`)
    t.equal(got.headers['content-type'], type, `${path}: its type`)
    t.equal(got.headers['content-length'], String(Buffer.byteLength(body)), `${path}: its length`)

    const head = await client.send('HEAD', path)
    t.equal(head.status, 200, `HEAD ${path}`)
    t.equal(head.body, '', `HEAD ${path}: no content`)
    const { date, ...headers } = got.headers
    t.match(head.headers, headers, `HEAD ${path}: the same headers`)
  }
})

t.test('what it does not find', async (t) => {
  const rows = [
    '/nothing', '/sub/nothing', '/a.txt/', '/a.txt/b', '/bare/', `/${'n'.repeat(300)}`, // not there
    '/../outside.txt', '/sub/../../outside.txt', '/sub/..', '/..', '/../root/a.txt', // up
    '/./a.txt', '/.', '//a.txt', '//', '/sub//b.txt', '//example.org/', // spellings of what is there
    '/%2e%2e/outside.txt', '/%2E%2E/outside.txt', '/.%2e/outside.txt', // encoded
    '/..%2foutside.txt', '/%2e%2e%2foutside.txt', '/sub%2fb.txt', '/%2fetc%2fpasswd', // slashes within a name
    '/%252e%252e/outside.txt', '/%252e%252e%252foutside.txt', '/%25252e%25252e/outside.txt', '/a%252etxt', // twice
    '/..\\outside.txt', '/..%5coutside.txt', '/%5c..%5coutside.txt', '/sub\\b.txt', // Windows' slashes
    '/C:/outside.txt', '/a.txt::$DATA', '/%43%3a/outside.txt', // Windows' drives and streams
    '/a.txt%00', '/%00', '/outside.txt%00.html', '/a.txt%0a', '/a.txt%7f', '/a.txt%c2%85', // control characters
    '/%', '/%2', '/%zz', '/%ff', '/%c0%ae%c0%ae/outside.txt', '/%c0%af', '/%ed%a0%80', // no UTF-8
    '/%e2%80%a6/outside.txt', '/%ef%bc%8e%ef%bc%8e/outside.txt', '/%e2%80%ae.txt', // look like dots, or hide
    '/.hidden', '/%2ehidden', '/.git/config', // hidden
    '/link.txt', '/link-inside.txt', '/link-nowhere.txt', '/link-loop.txt', '/link-folder/', // symbolic links
    '/link-folder/index.html', '/link-folder',
    '/pipe', // no file
    '*', 'file:///a.txt', // no path
  ]
  for (const path of rows) {
    const { status, body, headers } = await client.get(path)
    t.equal(status, 404, path)
    t.notMatch(body, secret, `${path}: nothing of what is outside`)
    t.equal(headers['cache-control'], 'no-store', `${path}: not stored`)
  }
})

t.test('what node does not even read', async (t) => {
  const rows = ['/\0', '/a.txt\0', '/a b', '/\x7f', '/../outside.txt\0', '\\..\\outside.txt', 'a.txt', '~']
  for (const path of rows) {
    const answer = await exchange(origin, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    t.match(answer, /^HTTP\/1\.1 40[04] /, JSON.stringify(path))
    t.notMatch(answer, secret)
  }
})

t.test('a folder without its slash', async (t) => {
  const { status, headers } = await client.get('/sub?q')
  t.match({ status, headers }, { status: 301, headers: { location: '/sub/' } })
})

t.test('methods', async (t) => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
    const { status, headers } = await client.send(method, '/a.txt')
    t.equal(status, 405, method)
    t.equal(headers.allow, 'GET, HEAD', method)
  }
})

t.test('what a browser may store', async (t) => {
  const rows = [
    ['/', 'no-store'], ['/a.txt', 'no-store'], ['/mark.svg', 'no-store'], ['/UPPER.TXT', 'no-store'],
    ['/style.css', 'private, no-cache'],
  ] as const
  for (const [path, expected] of rows) {
    const { headers } = await client.get(path)
    t.equal(headers['cache-control'], expected, path)
    const again = await client.get(path, { 'If-None-Match': headers.etag })
    t.equal(again.status, 304, `${path}: not sent again`)
    t.equal(again.headers['cache-control'], expected, `${path}: the same when not sent again`)
  }
})

t.test('copies that are still good', async (t) => {
  const { etag = '', 'last-modified': last } = (await client.get('/a.txt')).headers
  t.match(etag, /^W\/"[\da-f]+-[\da-f]+"$/)
  t.equal(last, 'Fri, 02 Jan 2026 03:04:05 GMT')

  const good: Record<string, string>[] = [
    { 'If-None-Match': etag },
    { 'If-None-Match': `"x", ${etag}` },
    { 'If-None-Match': `${etag},"x"` },
    { 'If-None-Match': '*' },
    { 'If-None-Match': etag, 'If-Modified-Since': 'Thu, 01 Jan 2026 00:00:00 GMT' },
    { 'If-Modified-Since': 'Fri, 02 Jan 2026 03:04:05 GMT' },
    { 'If-Modified-Since': 'Sat, 03 Jan 2026 00:00:00 GMT' },
  ]
  for (const headers of good) {
    for (const method of ['GET', 'HEAD']) {
      const answer = await client.send(method, '/a.txt', headers)
      const name = `${method} ${JSON.stringify(headers)}`
      t.equal(answer.status, 304, name)
      t.equal(answer.body, '', name)
      t.match(answer.headers, { etag, 'last-modified': last, 'content-length': undefined }, name)
    }
  }

  const bad: Record<string, string>[] = [
    {},
    { 'If-None-Match': '"x"' },
    { 'If-None-Match': '' },
    { 'If-None-Match': '"x"', 'If-Modified-Since': 'Sat, 03 Jan 2026 00:00:00 GMT' },
    { 'If-Modified-Since': 'Fri, 02 Jan 2026 03:04:04 GMT' },
    { 'If-Modified-Since': 'yesterday' },
    { 'If-Modified-Since': '' },
  ]
  for (const headers of bad) {
    const { status, body } = await client.get('/a.txt', headers)
    t.match({ status, body }, { status: 200, body: 'a text' }, JSON.stringify(headers))
  }
})

t.test('a changed file has another tag', async (t) => {
  const before = (await client.get('/sub/b.txt')).headers.etag
  utimesSync(join(root, 'sub/b.txt'), modified, modified)
  t.equal((await client.get('/sub/b.txt', { 'If-None-Match': before })).status, 200)
})

t.test('a client that goes away harms nobody', async (t) => {
  const files = new FileServer(root)
  const done: Promise<void>[] = []
  const server = createServer((req, res) => done.push(files.listener(req, res)))
  const socket = connect(Number(new URL(await listen(t, server)).port), '127.0.0.1')
  socket.write('GET /large.txt HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'data')
  socket.destroy()
  await once(socket, 'close')
  t.same(await Promise.all(done), [undefined])
})

t.test('a file that shrinks while it is sent ends the connection: no next answer lies inside this one', async (t) => {
  const path = join(root, 'shrinking.txt')
  writeFileSync(path, large)
  const shrunk = await listen(t, new FileServer(root).listener)
  const socket = connect(Number(new URL(shrunk).port), '127.0.0.1')
  const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  socket.write(request('/shrinking.txt') + request('/a.txt'))
  await once(socket, 'readable') // it is under way, and the rest waits until somebody reads
  truncateSync(path, 1000)
  socket.on('error', () => {}) // a reset is as good as an end
  const received: Buffer[] = []
  socket.on('data', (chunk) => received.push(chunk))
  await once(socket, 'close')
  const answer = Buffer.concat(received).toString()
  t.match(answer, `Content-Length: ${large.length}\r\n`)
  t.ok(answer.length < large.length, `${answer.length} of ${large.length} bytes came`)
  t.equal(answer.split('HTTP/1.1 ').length, 2, 'one answer, and not the next one inside of it')
})

t.test('a folder that is not there is told at once', async (t) => {
  t.throws(() => new FileServer(join(folder, 'nothing')), { code: 'ENOENT' })
})

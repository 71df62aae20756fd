import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/*
 * Every way of sending headers, as rows of [name, respond(res, cookies, req), how]. `cookies` are the application's
 * own Set-Cookie lines; each row puts them where its way of sending has them. `how` may hold:
 *
 *   method, headers, version   of the request
 *   has                        the method of res that the row needs; a runtime without it has no such row
 *   http1: true                not in HTTP/2 (which has no reason phrases, no chunks, and no setHeaders)
 *   alone: true                without own cookies
 *   bypass: true               goes around any hook: SECURITY.md says so, and the answer is the bare one
 */

const set = (res, cookies) => {
  if (cookies.length > 0) res.setHeader('Set-Cookie', cookies.length === 1 ? cookies[0] : [...cookies])
}
/** A row that sets the own cookies first. */
const before = (name, respond, how) => [name, (res, cookies, req) => {
  set(res, cookies)
  return respond(res, cookies, req)
}, how]
/** A row that does something, and then ends with a body. */
const then = (name, act, how) => [name, (res, cookies) => {
  act(res, cookies)
  res.end('b')
}, how]
/** A row that sets the own cookies, does something, and then ends with a body. */
const between = (name, act, how) => before(name, (res) => {
  act(res)
  res.end('b')
}, how)
/** A row that gives writeHead these arguments, the own cookies among them, and ends with a body. */
const head = (name, argsOf, how) => then(name, (res, cookies) => res.writeHead(...argsOf(cookies)), how)
/** A row that sets the own cookies, gives writeHead these arguments, and ends with a body. */
const headAfter = (name, args, how) => between(name, (res) => res.writeHead(...args), how)
/** A row that sets headers by setHeader, gives writeHead others, the own cookies among them, and ends with a body. */
const setThenHead = (name, headers, othersOf, how) => then(name, (res, cookies) => {
  for (const [header, value] of Object.entries(headers)) res.setHeader(header, value)
  res.writeHead(200, othersOf(cookies))
}, how)
/** For the headers argument: nothing, a string, or an array. */
const own = (cookies) => cookies.length === 0 ? {}
  : { 'Set-Cookie': cookies.length === 1 ? cookies[0] : [...cookies] }
const pairs = (cookies) => cookies.map((cookie) => ['Set-Cookie', cookie])
const flat = (cookies) => pairs(cookies).flat()
const text = { 'Content-Type': 'text/plain' }
const stream = () => Readable.from(['a', 'b'])
const later = (run) => new Promise((resolve) => setImmediate(resolve)).then(run)
const [http1, alone, alias] = [{ http1: true }, { alone: true }, { has: 'writeHeader', http1: true }]

const frozen = Object.freeze(['shared=1', 'shared=2'])
const frozenHeaders = Object.freeze({ 'Set-Cookie': frozen, 'X-A': '1' })
const frozenFlat = Object.freeze(['Set-Cookie', 'shared=1', 'X-A', '1', 'Set-Cookie', 'shared=2'])
const frozenPairs = Object.freeze([Object.freeze(['Set-Cookie', 'shared=1']), Object.freeze(['X-A', '1'])])
const shared = ['shared=1']
const sharedHeaders = { 'Set-Cookie': shared, 'Vary': ['X-A'], 'Cache-Control': 'private' }
const sharedFlat = ['Set-Cookie', 'shared=1', 'X-A', '1']
const sharedPairs = [['Set-Cookie', 'shared=1'], ['X-A', '1']]

/** What the application shares between requests, as JSON: it must stay as it was. */
export const sharedByRequests = () => JSON.stringify([shared, sharedHeaders, sharedFlat, sharedPairs])

export const ways = [
  // No writeHead.
  before('end()', (res) => res.end()),
  before('end(body)', (res) => res.end('body')),
  before('end(buffer, callback)', (res) => res.end(Buffer.from('body'), () => {})),
  before('end(body, encoding)', (res) => res.end('626f6479', 'hex')),
  between('write, end', (res) => res.write('a')),
  before('write, later end', (res) => {
    res.write('a')
    return later(() => res.end('b'))
  }),
  before('later end', (res) => later(() => res.end('b'))),
  before('flushHeaders, later end', (res) => {
    res.flushHeaders()
    return later(() => res.end('b'))
  }),
  between('flushHeaders twice', (res) => {
    res.flushHeaders()
    res.flushHeaders()
  }),
  before('pipe', (res) => stream().pipe(res)),
  before('pipeline', (res) => pipeline(stream(), res)),
  before('pipeTo(Writable.toWeb)', (res) => Readable.toWeb(stream()).pipeTo(Writable.toWeb(res))),
  before('cork, write, uncork', (res) => {
    res.cork()
    res.write('a')
    res.write('b')
    res.uncork()
    res.end()
  }, { has: 'cork' }),
  between('statusCode assigned', (res) => { res.statusCode = 404 }),
  between('statusMessage assigned', (res) => Object.assign(res, { statusCode: 299, statusMessage: 'Odd' }), http1),
  before('204', (res) => {
    res.statusCode = 204
    res.end()
  }),
  before('304', (res) => {
    res.statusCode = 304
    res.setHeader('ETag', '"1"')
    res.end()
  }),
  before('HEAD', (res) => res.end('body'), { method: 'HEAD' }),
  before('HEAD, Content-Length', (res) => {
    res.setHeader('Content-Length', 9)
    res.end()
  }, { method: 'HEAD' }),
  before('POST', (res) => res.end('b'), { method: 'POST', headers: { 'Content-Length': '0' } }),
  between('Content-Length', (res) => res.setHeader('Content-Length', 1)),
  between('strictContentLength', (res) => {
    res.strictContentLength = true
    res.setHeader('Content-Length', 1)
  }, http1),
  between('no chunks', (res) => {
    res.useChunkedEncodingByDefault = false
    res.write('a')
  }, http1),
  between('HTTP/1.0', (res) => res.write('a'), { http1: true, version: '1.0' }),
  between('sendDate = false', (res) => { res.sendDate = false }),
  between('shouldKeepAlive = false', (res) => { res.shouldKeepAlive = false }, http1),
  before('trailers', (res) => {
    res.setHeader('Trailer', 'X-End')
    res.write('a')
    res.addTrailers({ 'X-End': '1' })
    res.end()
  }),
  between('writeContinue', (res) => res.writeContinue(), { has: 'writeContinue', http1: true }),
  between('writeProcessing', (res) => res.writeProcessing(), { has: 'writeProcessing', http1: true }),
  between('writeEarlyHints', (res) => res.writeEarlyHints({ link: '</a.css>; rel=preload' }), { has: 'writeEarlyHints' }),
  between('writeInformation', (res) => res.writeInformation(110, { 'X-A': '1' }), { has: 'writeInformation', http1: true }),

  // Headers set before.
  then('setHeader in lower case', (res, cookies) => cookies[0] && res.setHeader('set-cookie', cookies)),
  then('setHeader in two cases', (res, cookies) => {
    if (cookies[0]) res.setHeader('set-cookie', 'gone=1')
    if (cookies[0]) res.setHeader('SET-Cookie', cookies)
  }),
  before('setHeader, numbers', (res) => {
    res.setHeader('X-N', 7)
    res.setHeader('X-M', [1, 2])
    res.end()
  }),
  then('setHeader, value arrays', (res, cookies) => {
    res.setHeader('X-A', ['1', '2'])
    set(res, cookies)
  }),
  then('setHeader, before and after', (res, cookies) => {
    res.setHeader('X-A', '1')
    set(res, cookies)
    res.setHeader('X-Z', '1')
  }),
  before('setHeader, chained', (res) => res.setHeader('X-A', '1').setHeader('X-B', '2').end('b'), http1),
  then('appendHeader', (res, cookies) => {
    for (const one of cookies) res.appendHeader('Set-Cookie', one)
  }, { has: 'appendHeader' }),
  then('setHeader, appendHeader', (res, cookies) => {
    res.setHeader('Set-Cookie', 'first=1')
    for (const one of cookies) res.appendHeader('Set-Cookie', one)
  }, { has: 'appendHeader' }),
  then('setHeaders(Map)', (res, cookies) =>
    res.setHeaders(new Map([['X-A', '1'], ...cookies[0] ? [['Set-Cookie', cookies]] : []])), { has: 'setHeaders', http1: true }),
  then('setHeaders(Headers)', (res, cookies) => res.setHeaders(new Headers([['X-A', '1'], ...pairs(cookies)])),
    { has: 'setHeaders', http1: true }),
  then('removeHeader in between', (res, cookies) => {
    set(res, ['gone=1'])
    res.removeHeader('Set-Cookie')
    set(res, cookies)
  }),
  between('removeHeader of all', (res) => res.removeHeader('set-cookie')),
  between('removeHeader(Date)', (res) => res.removeHeader('Date'), http1),
  between('removeHeader(Connection)', (res) => res.removeHeader('Connection'), http1),
  then('setHeader(shared array)', (res) => res.setHeader('Set-Cookie', shared), alone),
  then('setHeader(frozen array)', (res) => res.setHeader('Set-Cookie', frozen), alone),

  // The headers that the library adds members to.
  between('own Vary', (res) => res.setHeader('Vary', 'Accept-Encoding')),
  between('own Vary in lower case', (res) => res.setHeader('vary', 'Accept, accept-encoding')),
  between('own Vary, two lines', (res) => res.setHeader('Vary', ['Accept', 'Origin'])),
  between('own Vary with Cookie', (res) => res.setHeader('Vary', 'Origin, cookie')),
  between('own Vary: *', (res) => res.setHeader('Vary', '*')),
  between('own Cache-Control', (res) => res.setHeader('Cache-Control', 'private, max-age=5')),
  between('own Cache-Control with no-store', (res) => res.setHeader('Cache-Control', 'No-Store')),
  head('own Vary and Cache-Control in writeHead', (cookies) =>
    [200, { 'Vary': 'Origin', 'cache-control': 'public', ...own(cookies) }]),
  head('own Vary twice in a flat array', (cookies) =>
    [200, ['Vary', 'Origin', 'X-A', '1', 'Vary', 'Accept', ...flat(cookies)]]),
  setThenHead('own Vary set, and another in writeHead', { Vary: 'Origin' }, (cookies) =>
    ({ vary: 'Accept', ...own(cookies) })),

  // writeHead.
  headAfter('writeHead(status)', [201]),
  before('writeHead(status).end', (res) => res.writeHead(201).end('b')),
  headAfter('writeHead("200")', ['202']),
  headAfter('writeHead(status, reason)', [201, 'Good']),
  headAfter('writeHead(status, "")', [201, '']),
  headAfter('writeHead(status, undefined)', [201, undefined]),
  head('writeHead(status, object)', (cookies) => [200, { ...text, ...own(cookies) }]),
  headAfter('writeHead(status, {})', [200, {}]),
  head('writeHead(status, reason, object)', (cookies) => [200, 'Good', { ...text, ...own(cookies) }]),
  head('writeHead(status, undefined, object)', (cookies) => [200, undefined, { ...text, ...own(cookies) }]),
  head('writeHead(status, null, object)', (cookies) => [200, null, { ...text, ...own(cookies) }]),
  headAfter('writeHead(status, reason, null)', [200, 'Good', null]),
  head('writeHead(status, object without prototype)', (cookies) =>
    [200, Object.assign(Object.create(null), text, own(cookies))]),
  head('writeHead(status, flat array)', (cookies) => [200, ['X-A', '1', ...flat(cookies)]]),
  head('writeHead(status, reason, flat array)', (cookies) => [200, 'Good', ['X-A', '1', ...flat(cookies)]]),
  headAfter('writeHead(status, [])', [200, []]),
  head('writeHead(status, flat array, repeated names)', (cookies) =>
    [200, ['X-A', '1', 'x-a', '2', ...flat(cookies), 'X-A', '3']]),
  head('writeHead(status, flat array with value array)', (cookies) =>
    [200, ['X-A', ['1', '2'], ...cookies[0] ? ['Set-Cookie', cookies] : []]]),
  head('writeHead(status, pairs)', (cookies) => [200, [['X-A', '1'], ...pairs(cookies)]]),
  head('writeHead(status, reason, pairs)', (cookies) => [200, 'Good', [['X-A', '1'], ...pairs(cookies)]]),
  head('writeHead(status, pairs, repeated names)', (cookies) => [200, [['X-A', '1'], ...pairs(cookies), ['x-a', '2']]]),
  head('writeHead, two letter cases', (cookies) => {
    const cases = cookies[0] && { 'set-cookie': cookies[0], 'Set-Cookie': cookies.slice(1) }
    return [200, { 'X-A': '1', 'x-a': '2', ...cases }]
  }),
  head('writeHead, value arrays', (cookies) => [200, { 'X-A': ['1', '2'], 'Set-Cookie': cookies }]),
  head('writeHead, numbers', (cookies) => [200, { 'X-N': 7, 'Content-Length': 1, ...own(cookies) }]),
  head('writeHead, Connection and Date', (cookies) =>
    [200, { Connection: 'close', Date: 'Thu, 01 Jan 1970 00:00:00 GMT', ...own(cookies) }], http1),
  then('writeHead, Transfer-Encoding', (res, cookies) =>
    res.writeHead(200, { 'Transfer-Encoding': 'chunked', ...own(cookies) }).write('a'), http1),
  headAfter('writeHead(Headers)', [200, new Headers({ 'X-A': '1' })]),
  ['writeHead(204, object)', (res, cookies) => res.writeHead(204, own(cookies)).end()],
  ['writeHead(304, object)', (res, cookies) => res.writeHead(304, { ETag: '"1"', ...own(cookies) }).end()],
  ['writeHead, HEAD', (res, cookies) => res.writeHead(200, { 'Content-Length': 4, ...own(cookies) }).end(),
    { method: 'HEAD' }],
  ['writeHead, later end', (res, cookies) => {
    res.writeHead(200, own(cookies))
    return later(() => res.end('b'))
  }],
  ['writeHead, flushHeaders, later end', (res, cookies) => {
    res.writeHead(200, own(cookies))
    res.flushHeaders()
    return later(() => res.end('b'))
  }],
  ['writeHead, pipe', (res, cookies) => stream().pipe(res.writeHead(200, own(cookies)))],
  ['writeHead, trailers', (res, cookies) => {
    res.writeHead(200, { Trailer: 'X-End', ...own(cookies) })
    res.write('a')
    res.addTrailers({ 'X-End': '1' })
    res.end()
  }],
  head('writeHead(shared object)', () => [200, sharedHeaders], alone),
  head('writeHead(shared flat array)', () => [200, sharedFlat], alone),
  head('writeHead(shared pairs)', () => [200, sharedPairs], alone),
  head('writeHead(frozen object)', () => [200, frozenHeaders], alone),
  head('writeHead(frozen flat array)', () => [200, frozenFlat], alone),
  head('writeHead(frozen pairs)', () => [200, frozenPairs], alone),
  setThenHead('setHeader(shared array), writeHead(object)', { 'Set-Cookie': shared }, () => ({ 'X-A': '1' }), alone),

  // setHeader and writeHead.
  headAfter('setHeader, writeHead(object)', [200, { 'X-A': '1' }]),
  setThenHead('setHeader, writeHead(own cookies)', { 'X-A': '1' }, (cookies) => ({ 'x-a': '2', ...own(cookies) })),
  setThenHead('setHeader cookies, writeHead(other cookies)', { 'Set-Cookie': ['first=1', 'first=2'] }, own),
  headAfter('setHeader, writeHead(flat array)', [200, ['X-A', '1']]),
  setThenHead('setHeader, writeHead(flat array, own cookies)', { 'X-A': '1' }, (cookies) =>
    ['X-B', '1', ...flat(cookies), 'X-A', '2']),
  setThenHead('setHeader, writeHead(pairs)', { 'X-A': '1' }, (cookies) => [['X-B', '1'], ...pairs(cookies)]),
  then('setHeader, removeHeader, writeHead(object)', (res, cookies) => {
    res.setHeader('X-A', '1')
    res.removeHeader('X-A')
    res.writeHead(200, { 'X-B': '1', ...own(cookies) })
  }),
  then('setHeader, removeHeader, writeHead(flat array)', (res, cookies) => {
    res.setHeader('X-A', '1')
    res.removeHeader('X-A')
    res.writeHead(200, ['X-B', '1', ...flat(cookies)])
  }),
  between('statusCode, then writeHead(another)', (res) => {
    res.statusCode = 404
    res.writeHead(201)
  }),

  // The deprecated alias.
  between('writeHeader(status)', (res) => res.writeHeader(201), alias),
  then('writeHeader(status, object)', (res, cookies) => res.writeHeader(200, { ...text, ...own(cookies) }), alias),
  then('writeHeader(status, reason, flat array)', (res, cookies) =>
    res.writeHeader(200, 'Good', ['X-A', '1', ...flat(cookies)]), alias),

  // Hooks of others on the same response, inside ours.
  then('a hook inside that sets headers', (res, cookies) => {
    const { writeHead } = res
    res.writeHead = function (...args) {
      set(this, cookies)
      return writeHead.apply(this, args)
    }
  }),
  between('a hook inside that changes the status', (res) => {
    const { writeHead } = res
    res.writeHead = function (status, ...rest) { return writeHead.call(this, status === 200 ? 418 : status, ...rest) }
  }),
  then('another prototype', (res, cookies) => {
    Object.setPrototypeOf(res, Object.create(Object.getPrototypeOf(res)))
    set(res, cookies)
  }),

  // What Node refuses: the application answers 500, with its cookies as they were.
  between('setHeader refused', (res) => res.setHeader('X-A', 'a\nb')),
  headAfter('writeHead(99)', [99]),
  headAfter('writeHead, refused value', [200, { 'X-A': 'a\nb' }]),
  headAfter('writeHead, refused value of another cookie', [200, { 'Set-Cookie': ['ok=1', 'a=\u0007'] }]),
  head('writeHead, refused value in a flat array', (cookies) => [200, ['X-A', 'a\nb', ...flat(cookies)]]),
  headAfter('writeHead, undefined value', [200, { 'X-A': undefined }]),
  setThenHead('writeHead, undefined cookie', { 'X-A': '1' }, () => ({ 'Set-Cookie': undefined }), alone),
  headAfter('writeHead, odd flat array', [200, ['X-A', '1', 'X-B']]),
  then('writeHead twice', (res, cookies) => {
    res.writeHead(200, own(cookies))
    res.writeHead(200)
  }),
  between('setHeader after the head', (res) => {
    res.flushHeaders()
    res.setHeader('X-A', '1')
  }),

  // Around any hook.
  between('prototype.writeHead.call(res)', (res) => Object.getPrototypeOf(res).writeHead.call(res, 200), { bypass: true }),
  ['stream.respond()', (res) => {
    res.stream.respond({ ':status': 200, 'x-a': '1' })
    res.stream.end('b')
  }, { alone: true, bypass: true, has: 'stream' }],
]

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
/** For the headers argument: nothing, a string, or an array. */
const own = (cookies) => cookies.length === 0 ? {}
  : { 'Set-Cookie': cookies.length === 1 ? cookies[0] : [...cookies] }
const pairs = (cookies) => cookies.map((cookie) => ['Set-Cookie', cookie])
const flat = (cookies) => pairs(cookies).flat()
const text = { 'Content-Type': 'text/plain' }
const stream = () => Readable.from(['a', 'b'])
const later = (run) => new Promise((resolve) => setImmediate(resolve)).then(run)

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
  before('write, end', (res) => {
    res.write('a')
    res.end('b')
  }),
  before('write, later end', (res) => {
    res.write('a')
    return later(() => res.end('b'))
  }),
  before('later end', (res) => later(() => res.end('b'))),
  before('flushHeaders, later end', (res) => {
    res.flushHeaders()
    return later(() => res.end('b'))
  }),
  before('flushHeaders twice', (res) => {
    res.flushHeaders()
    res.flushHeaders()
    res.end('b')
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
  before('statusCode assigned', (res) => {
    res.statusCode = 404
    res.end('b')
  }),
  before('statusMessage assigned', (res) => {
    res.statusCode = 299
    res.statusMessage = 'Odd'
    res.end('b')
  }, { http1: true }),
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
  before('Content-Length', (res) => {
    res.setHeader('Content-Length', 4)
    res.end('body')
  }),
  before('strictContentLength', (res) => {
    res.strictContentLength = true
    res.setHeader('Content-Length', 4)
    res.end('body')
  }, { http1: true }),
  before('no chunks', (res) => {
    res.useChunkedEncodingByDefault = false
    res.write('a')
    res.end()
  }, { http1: true }),
  before('HTTP/1.0', (res) => {
    res.write('a')
    res.end('b')
  }, { http1: true, version: '1.0' }),
  before('sendDate = false', (res) => {
    res.sendDate = false
    res.end('b')
  }),
  before('shouldKeepAlive = false', (res) => {
    res.shouldKeepAlive = false
    res.end('b')
  }, { http1: true }),
  before('trailers', (res) => {
    res.setHeader('Trailer', 'X-End')
    res.write('a')
    res.addTrailers({ 'X-End': '1' })
    res.end()
  }),
  before('writeContinue', (res) => {
    res.writeContinue()
    res.end('b')
  }, { has: 'writeContinue', http1: true }),
  before('writeProcessing', (res) => {
    res.writeProcessing()
    res.end('b')
  }, { has: 'writeProcessing', http1: true }),
  before('writeEarlyHints', (res) => {
    res.writeEarlyHints({ link: '</a.css>; rel=preload' })
    res.end('b')
  }, { has: 'writeEarlyHints' }),
  before('writeInformation', (res) => {
    res.writeInformation(110, { 'X-A': '1' })
    res.end('b')
  }, { has: 'writeInformation', http1: true }),

  // Headers set before.
  ['setHeader in lower case', (res, cookies) => {
    if (cookies[0]) res.setHeader('set-cookie', cookies)
    res.end('b')
  }],
  ['setHeader in two cases', (res, cookies) => {
    if (cookies[0]) res.setHeader('set-cookie', 'gone=1')
    if (cookies[0]) res.setHeader('SET-Cookie', cookies)
    res.end('b')
  }],
  before('setHeader, numbers', (res) => {
    res.setHeader('X-N', 7)
    res.setHeader('X-M', [1, 2])
    res.end()
  }),
  ['setHeader, value arrays', (res, cookies) => {
    res.setHeader('X-A', ['1', '2'])
    set(res, cookies)
    res.end('b')
  }],
  ['setHeader, before and after', (res, cookies) => {
    res.setHeader('X-A', '1')
    set(res, cookies)
    res.setHeader('X-Z', '1')
    res.end('b')
  }],
  before('setHeader, chained', (res) => res.setHeader('X-A', '1').setHeader('X-B', '2').end('b'), { http1: true }),
  ['appendHeader', (res, cookies) => {
    for (const one of cookies) res.appendHeader('Set-Cookie', one)
    res.end('b')
  }, { has: 'appendHeader' }],
  ['setHeader, appendHeader', (res, cookies) => {
    res.setHeader('Set-Cookie', 'first=1')
    for (const one of cookies) res.appendHeader('Set-Cookie', one)
    res.end('b')
  }, { has: 'appendHeader' }],
  ['setHeaders(Map)', (res, cookies) => {
    res.setHeaders(new Map([['X-A', '1'], ...cookies[0] ? [['Set-Cookie', cookies]] : []]))
    res.end()
  }, { has: 'setHeaders', http1: true }],
  ['setHeaders(Headers)', (res, cookies) => {
    res.setHeaders(new Headers([['X-A', '1'], ...pairs(cookies)]))
    res.end('b')
  }, { has: 'setHeaders', http1: true }],
  ['removeHeader in between', (res, cookies) => {
    set(res, ['gone=1'])
    res.removeHeader('Set-Cookie')
    set(res, cookies)
    res.end('b')
  }],
  before('removeHeader of all', (res) => {
    res.removeHeader('set-cookie')
    res.end('b')
  }),
  before('removeHeader(Date)', (res) => {
    res.removeHeader('Date')
    res.end('b')
  }, { http1: true }),
  before('removeHeader(Connection)', (res) => {
    res.removeHeader('Connection')
    res.end('b')
  }, { http1: true }),
  ['setHeader(shared array)', (res) => {
    res.setHeader('Set-Cookie', shared)
    res.end('b')
  }, { alone: true }],
  ['setHeader(frozen array)', (res) => {
    res.setHeader('Set-Cookie', frozen)
    res.end('b')
  }, { alone: true }],

  // The headers that the library adds members to.
  before('own Vary', (res) => {
    res.setHeader('Vary', 'Accept-Encoding')
    res.end('b')
  }),
  before('own Vary in lower case', (res) => {
    res.setHeader('vary', 'Accept, accept-encoding')
    res.end('b')
  }),
  before('own Vary, two lines', (res) => {
    res.setHeader('Vary', ['Accept', 'Origin'])
    res.end('b')
  }),
  before('own Vary with Cookie', (res) => {
    res.setHeader('Vary', 'Origin, cookie')
    res.end('b')
  }),
  before('own Vary: *', (res) => {
    res.setHeader('Vary', '*')
    res.end('b')
  }),
  before('own Cache-Control', (res) => {
    res.setHeader('Cache-Control', 'private, max-age=5')
    res.end('b')
  }),
  before('own Cache-Control with no-store', (res) => {
    res.setHeader('Cache-Control', 'No-Store')
    res.end()
  }),
  ['own Vary and Cache-Control in writeHead', (res, cookies) => {
    res.writeHead(200, { 'Vary': 'Origin', 'cache-control': 'public', ...own(cookies) })
    res.end('b')
  }],
  ['own Vary twice in a flat array', (res, cookies) => {
    res.writeHead(200, ['Vary', 'Origin', 'X-A', '1', 'Vary', 'Accept', ...flat(cookies)])
    res.end('b')
  }],
  ['own Vary set, and another in writeHead', (res, cookies) => {
    res.setHeader('Vary', 'Origin')
    res.writeHead(200, { vary: 'Accept', ...own(cookies) })
    res.end('b')
  }],

  // writeHead.
  before('writeHead(status)', (res) => {
    res.writeHead(201)
    res.end('b')
  }),
  before('writeHead(status).end', (res) => res.writeHead(201).end('b')),
  before('writeHead("200")', (res) => {
    res.writeHead('202')
    res.end('b')
  }),
  before('writeHead(status, reason)', (res) => {
    res.writeHead(201, 'Good')
    res.end('b')
  }),
  before('writeHead(status, "")', (res) => {
    res.writeHead(201, '')
    res.end('b')
  }),
  before('writeHead(status, undefined)', (res) => {
    res.writeHead(201, undefined)
    res.end('b')
  }),
  ['writeHead(status, object)', (res, cookies) => {
    res.writeHead(200, { ...text, ...own(cookies) })
    res.end('b')
  }],
  before('writeHead(status, {})', (res) => {
    res.writeHead(200, {})
    res.end('b')
  }),
  ['writeHead(status, reason, object)', (res, cookies) => {
    res.writeHead(200, 'Good', { ...text, ...own(cookies) })
    res.end()
  }],
  ['writeHead(status, undefined, object)', (res, cookies) => {
    res.writeHead(200, undefined, { ...text, ...own(cookies) })
    res.end('b')
  }],
  ['writeHead(status, null, object)', (res, cookies) => {
    res.writeHead(200, null, { ...text, ...own(cookies) })
    res.end('b')
  }],
  before('writeHead(status, reason, null)', (res) => {
    res.writeHead(200, 'Good', null)
    res.end('b')
  }),
  ['writeHead(status, object without prototype)', (res, cookies) => {
    res.writeHead(200, Object.assign(Object.create(null), text, own(cookies)))
    res.end('b')
  }],
  ['writeHead(status, flat array)', (res, cookies) => {
    res.writeHead(200, ['X-A', '1', ...flat(cookies)])
    res.end('b')
  }],
  ['writeHead(status, reason, flat array)', (res, cookies) => {
    res.writeHead(200, 'Good', ['X-A', '1', ...flat(cookies)])
    res.end('b')
  }],
  before('writeHead(status, [])', (res) => {
    res.writeHead(200, [])
    res.end('b')
  }),
  ['writeHead(status, flat array, repeated names)', (res, cookies) => {
    res.writeHead(200, ['X-A', '1', 'x-a', '2', ...flat(cookies), 'X-A', '3'])
    res.end('b')
  }],
  ['writeHead(status, flat array with value array)', (res, cookies) => {
    res.writeHead(200, ['X-A', ['1', '2'], ...cookies[0] ? ['Set-Cookie', cookies] : []])
    res.end('b')
  }],
  ['writeHead(status, pairs)', (res, cookies) => {
    res.writeHead(200, [['X-A', '1'], ...pairs(cookies)])
    res.end('b')
  }],
  ['writeHead(status, reason, pairs)', (res, cookies) => {
    res.writeHead(200, 'Good', [['X-A', '1'], ...pairs(cookies)])
    res.end()
  }],
  ['writeHead(status, pairs, repeated names)', (res, cookies) => {
    res.writeHead(200, [['X-A', '1'], ...pairs(cookies), ['x-a', '2']])
    res.end('b')
  }],
  ['writeHead, two letter cases', (res, cookies) => {
    const cases = cookies[0] && { 'set-cookie': cookies[0], 'Set-Cookie': cookies.slice(1) }
    res.writeHead(200, { 'X-A': '1', 'x-a': '2', ...cases })
    res.end('b')
  }],
  ['writeHead, value arrays', (res, cookies) => {
    res.writeHead(200, { 'X-A': ['1', '2'], 'Set-Cookie': cookies })
    res.end('b')
  }],
  ['writeHead, numbers', (res, cookies) => {
    res.writeHead(200, { 'X-N': 7, 'Content-Length': 1, ...own(cookies) })
    res.end('b')
  }],
  ['writeHead, Connection and Date', (res, cookies) => {
    res.writeHead(200, { Connection: 'close', Date: 'Thu, 01 Jan 1970 00:00:00 GMT', ...own(cookies) })
    res.end('b')
  }, { http1: true }],
  ['writeHead, Transfer-Encoding', (res, cookies) => {
    res.writeHead(200, { 'Transfer-Encoding': 'chunked', ...own(cookies) })
    res.write('a')
    res.end('b')
  }, { http1: true }],
  before('writeHead(Headers)', (res) => {
    res.writeHead(200, new Headers({ 'X-A': '1' }))
    res.end('b')
  }),
  ['writeHead(204, object)', (res, cookies) => {
    res.writeHead(204, own(cookies))
    res.end()
  }],
  ['writeHead(304, object)', (res, cookies) => {
    res.writeHead(304, { ETag: '"1"', ...own(cookies) })
    res.end()
  }],
  ['writeHead, HEAD', (res, cookies) => {
    res.writeHead(200, { 'Content-Length': 4, ...own(cookies) })
    res.end()
  }, { method: 'HEAD' }],
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
  ['writeHead(shared object)', (res) => {
    res.writeHead(200, sharedHeaders)
    res.end('b')
  }, { alone: true }],
  ['writeHead(shared flat array)', (res) => {
    res.writeHead(200, sharedFlat)
    res.end('b')
  }, { alone: true }],
  ['writeHead(shared pairs)', (res) => {
    res.writeHead(200, sharedPairs)
    res.end('b')
  }, { alone: true }],
  ['writeHead(frozen object)', (res) => {
    res.writeHead(200, frozenHeaders)
    res.end('b')
  }, { alone: true }],
  ['writeHead(frozen flat array)', (res) => {
    res.writeHead(200, frozenFlat)
    res.end('b')
  }, { alone: true }],
  ['writeHead(frozen pairs)', (res) => {
    res.writeHead(200, frozenPairs)
    res.end('b')
  }, { alone: true }],
  ['setHeader(shared array), writeHead(object)', (res) => {
    res.setHeader('Set-Cookie', shared)
    res.writeHead(200, { 'X-A': '1' })
    res.end('b')
  }, { alone: true }],

  // setHeader and writeHead.
  before('setHeader, writeHead(object)', (res) => {
    res.writeHead(200, { 'X-A': '1' })
    res.end('b')
  }),
  ['setHeader, writeHead(own cookies)', (res, cookies) => {
    res.setHeader('X-A', '1')
    res.writeHead(200, { 'x-a': '2', ...own(cookies) })
    res.end('b')
  }],
  ['setHeader cookies, writeHead(other cookies)', (res, cookies) => {
    set(res, ['first=1', 'first=2'])
    res.writeHead(200, own(cookies))
    res.end('b')
  }],
  before('setHeader, writeHead(flat array)', (res) => {
    res.writeHead(200, ['X-A', '1'])
    res.end('b')
  }),
  ['setHeader, writeHead(flat array, own cookies)', (res, cookies) => {
    res.setHeader('X-A', '1')
    res.writeHead(200, ['X-B', '1', ...flat(cookies), 'X-A', '2'])
    res.end('b')
  }],
  ['setHeader, writeHead(pairs)', (res, cookies) => {
    res.setHeader('X-A', '1')
    res.writeHead(200, [['X-B', '1'], ...pairs(cookies)])
    res.end('b')
  }],
  ['setHeader, removeHeader, writeHead(object)', (res, cookies) => {
    res.setHeader('X-A', '1')
    res.removeHeader('X-A')
    res.writeHead(200, { 'X-B': '1', ...own(cookies) })
    res.end('b')
  }],
  ['setHeader, removeHeader, writeHead(flat array)', (res, cookies) => {
    res.setHeader('X-A', '1')
    res.removeHeader('X-A')
    res.writeHead(200, ['X-B', '1', ...flat(cookies)])
    res.end('b')
  }],
  before('statusCode, then writeHead(another)', (res) => {
    res.statusCode = 404
    res.writeHead(201)
    res.end()
  }),

  // The deprecated alias.
  before('writeHeader(status)', (res) => {
    res.writeHeader(201)
    res.end('b')
  }, { has: 'writeHeader', http1: true }),
  ['writeHeader(status, object)', (res, cookies) => {
    res.writeHeader(200, { ...text, ...own(cookies) })
    res.end('b')
  }, { has: 'writeHeader', http1: true }],
  ['writeHeader(status, reason, flat array)', (res, cookies) => {
    res.writeHeader(200, 'Good', ['X-A', '1', ...flat(cookies)])
    res.end()
  }, { has: 'writeHeader', http1: true }],

  // Hooks of others on the same response, inside ours.
  ['a hook inside that sets headers', (res, cookies) => {
    const { writeHead } = res
    res.writeHead = function (...args) {
      set(this, cookies)
      return writeHead.apply(this, args)
    }
    res.end('b')
  }],
  ['a hook inside that changes the status', (res, cookies) => {
    const { writeHead } = res
    res.writeHead = function (status, ...rest) { return writeHead.call(this, status === 200 ? 418 : status, ...rest) }
    set(res, cookies)
    res.end('b')
  }],
  ['another prototype', (res, cookies) => {
    Object.setPrototypeOf(res, Object.create(Object.getPrototypeOf(res)))
    set(res, cookies)
    res.end('b')
  }],

  // What Node refuses: the application answers 500, with its cookies as they were.
  before('setHeader refused', (res) => {
    res.setHeader('X-A', 'a\nb')
    res.end('b')
  }),
  before('writeHead(99)', (res) => {
    res.writeHead(99)
    res.end('b')
  }),
  before('writeHead, refused value', (res) => {
    res.writeHead(200, { 'X-A': 'a\nb' })
    res.end('b')
  }),
  before('writeHead, refused value of another cookie', (res) => {
    res.writeHead(200, { 'Set-Cookie': ['ok=1', 'a=\u0007'] })
    res.end('b')
  }),
  ['writeHead, refused value in a flat array', (res, cookies) => {
    res.writeHead(200, ['X-A', 'a\nb', ...flat(cookies)])
    res.end('b')
  }],
  before('writeHead, undefined value', (res) => {
    res.writeHead(200, { 'X-A': undefined })
    res.end('b')
  }),
  ['writeHead, undefined cookie', (res) => {
    res.setHeader('X-A', '1')
    res.writeHead(200, { 'Set-Cookie': undefined })
    res.end('b')
  }, { alone: true }],
  before('writeHead, odd flat array', (res) => {
    res.writeHead(200, ['X-A', '1', 'X-B'])
    res.end('b')
  }),
  ['writeHead twice', (res, cookies) => {
    res.writeHead(200, own(cookies))
    res.writeHead(200)
    res.end('b')
  }],
  before('setHeader after the head', (res) => {
    res.flushHeaders()
    res.setHeader('X-A', '1')
    res.end('b')
  }),

  // Around any hook.
  before('prototype.writeHead.call(res)', (res) => {
    Object.getPrototypeOf(res).writeHead.call(res, 200)
    res.end('b')
  }, { bypass: true }),
  ['stream.respond()', (res) => {
    res.stream.respond({ ':status': 200, 'x-a': '1' })
    res.stream.end('b')
  }, { alone: true, bypass: true, has: 'stream' }],
]

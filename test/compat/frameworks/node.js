import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { certificate } from '../certificate.js'
import { nodeListener } from './node-listener.js'

const tls = certificate()

export default [
  { name: 'node:http', serve: (routes, wrap) => http.createServer(wrap(nodeListener(routes))) },
  { name: 'node:https', secure: true, serve: (routes, wrap) => https.createServer(tls, wrap(nodeListener(routes))) },
  {
    name: 'node:http2, clear',
    http2: true,
    serve: (routes, wrap) => http2.createServer(wrap(nodeListener(routes))),
  },
  ...[true, false].map((isHttp2) => ({
    name: `node:http2, TLS with allowHTTP1, HTTP/${isHttp2 ? 2 : 1.1} client`,
    http2: isHttp2,
    secure: true,
    serve: (routes, wrap) => http2.createSecureServer({ ...tls, allowHTTP1: true }, wrap(nodeListener(routes))),
  })),
]

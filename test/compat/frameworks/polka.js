import http from 'node:http'
import polka from 'polka'
import { middleware } from './connect.js'

function serve(routes, wrap) {
  return http.createServer(wrap(polka().use(middleware(routes)).handler))
}

export default [{ name: 'polka', serve }]

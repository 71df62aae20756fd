import { Server } from 'node:net'

/*
 * Loaded before a program that listens on a port of its choice: it gets a free one of this machine, and says which on
 * the standard output. JavaScript, since it is loaded on every runtime.
 */
const listen = Server.prototype.listen
Server.prototype.listen = function (...args) {
  const told = args.find((arg) => typeof arg === 'function')
  return listen.call(this, 0, '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${this.address().port}`)
    told?.()
  })
}

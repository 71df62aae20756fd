// The library as packed, which runtimes.js lays there: what users get, and nothing that a build changes meanwhile.
export * from './packed/node_modules/seshcookie-http/dist/index.js'

// The library as built. The packed one is looked at by packaging.js.
export * from '../../dist/index.js'

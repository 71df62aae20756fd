/** Runs one test file, which Stryker knows by its source, as JavaScript: `node one.js test/lib/codec.test.ts`. */
await import(`../../compiled/${process.argv[2].replace(/ts$/, 'js')}`)

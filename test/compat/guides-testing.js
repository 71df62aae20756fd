// The pages about tests: their tests run under the runners that they are for.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { blocksOf, compile, environment, key, lay, program } from './guides.js'
import { equal, row } from './report.js'

const bin = (...path) => join(import.meta.dirname, 'node_modules', ...path)

export async function testingRows(suite) {
  const { 'The sessions, for all of them': shared, Express: express, Fastify: fastify, Hono: hono } = blocksOf('README.md')
  const { 'Three functions': functions, 'With Jest': jest, ...others } = blocksOf('testing.md')
  const tests = Object.assign({}, ...Object.values(others))
  const files = ['app.test.ts', 'supertest.test.ts', 'fastify.test.ts', 'hono.test.ts', 'app.spec.ts', 'mocks.test.ts']
  equal(Object.keys(tests), files, 'the files of tests')
  const blocks = { ...shared, ...express, ...fastify, ...hono, ...functions, ...tests }
  const path = await lay('testing', blocks)

  await row(suite, 'testing.md', 'compiles with ts7', () => compile(path, Object.keys(blocks), 'ts7'))
  const counts = { app: 2, supertest: 2, fastify: 1, hono: 1, mocks: 1 }
  for (const [name, count] of Object.entries(counts)) {
    await row(suite, `${name}.test`, 'passes', async () => {
      const output = await program(['--test', `${name}.test.js`], path)
      const results = [...output.matchAll(/^. ((?:pass|fail) \d+)/gm)].map(([, result]) => result)
      equal(results, [`pass ${count}`, 'fail 0'], 'results')
    })
  }
  await row(suite, "Hono's app.request()", 'has no request of node:http', async () => {
    process.env.SESSION_KEY = key
    const { app } = await import(pathToFileURL(join(path, 'hono-app.js')))
    app.onError(({ message }, c) => c.text(message))
    equal(/reading 'incoming'/.test(await (await app.request('/')).text()), true, 'the message')
  })
  await row(suite, 'app.spec', 'passes under vitest', async () => {
    // The TypeScript, which vitest takes as it is, beside the JavaScript.
    const output = await program([bin('vitest', 'vitest.mjs'), 'run', '--root', '.', 'app.spec'], path)
    equal(/Tests +(\d+) passed \(\d+\)/.exec(output)?.[1], '4', `passed, in ${output}`)
  })

  const { 'jest.config.js': modules, 'jest.config.cjs': commonjs, ...jestTests } = jest
  const ignoring = commonjs.replace(/^ *transformIgnorePatterns.*\n/m, '')
  const passes = /^Tests: +1 passed, 1 total$/m
  for (const [name, files, NODE_OPTIONS, said] of [
    ['ES modules', { 'jest.config.js': modules }, '--experimental-vm-modules', passes],
    ['CommonJS', { 'package.json': '{}', 'jest.config.cjs': commonjs }, '', passes],
    ['CommonJS does need transformIgnorePatterns', { 'package.json': '{}', 'jest.config.cjs': ignoring }, '',
      /Must use import to load ES Module/],
  ]) {
    await row(suite, 'Jest', name, async () => {
      const folder = await lay(`jest-${name.replaceAll(' ', '-')}`, { ...files, ...jestTests })
      const run = program([bin('jest', 'bin', 'jest.js')], folder, { ...environment, NODE_OPTIONS })
      const output = await run.catch(({ message }) => message)
      equal(said.test(output), true, output)
    })
  }
}

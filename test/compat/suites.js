import { row } from './report.js'

const frameworks = ['node', 'express', 'koa', 'fastify', 'connect', 'polka', 'hono', 'h3', 'nest', 'http-proxy']

/** The suites by name. Modules are loaded late, since one that a runtime cannot load fails its own rows only. */
export const suites = {
  frameworks: (suite) => stories(suite, frameworks),
  stacks: (suite) => stories(suite, ['stacks']),
  http1: async (suite) => (await import('./wire/rows.js')).http1Rows(suite),
  http2: async (suite) => (await import('./wire/rows.js')).http2Rows(suite),
  connections: async (suite) => (await import('./wire/connections.js')).connectionRows(suite),
  clients: async (suite) => (await import('./clients.js')).clientRows(suite),
  sockets: async (suite) => (await import('./sockets.js')).socketRows(suite),
  next: (suite) => stories(suite, ['next']),
  packed: async (suite) => (await import('./packaging/packaging.js')).useRows(suite),
  guides: async (suite) => {
    await (await import('./guides-frameworks.js')).frameworkRows(suite)
    await (await import('./guides-express.js')).expressRows(suite)
    await (await import('./guides-sockets.js')).guideSocketRows(suite)
  },
  testing: async (suite) => {
    await (await import('./guides-testing.js')).testingRows(suite)
    await (await import('./guides-coming-from.js')).comingFromRows(suite)
    await (await import('./guides-moving.js')).movingRows(suite)
    await (await import('./nginx.js')).nginxRows(suite)
  },
  packaging: async (suite) => (await import('./packaging/packaging.js')).packagingRows(suite),
  release: async (suite) => (await import('./packaging/packaging.js')).releaseRows(suite),
}

async function stories(suite, names) {
  const { story } = await import('./story/story.js')
  for (const name of names) {
    let adapters = []
    await row(suite, name, 'loads', async () => { adapters = (await import(`./frameworks/${name}.js`)).default })
    for (const framework of adapters) await story(suite, framework)
  }
}

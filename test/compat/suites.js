import { row } from './report.js'

const frameworks = ['node', 'express', 'koa', 'fastify', 'connect', 'polka', 'hono', 'h3', 'nest', 'http-proxy']

/** The pages of example/frameworks, and what is more to be tried of them. */
const guides = [
  ['guides-frameworks', 'frameworkRows'],
  ['guides-express', 'expressRows'],
  ['guides-sockets', 'guideSocketRows'],
  ['guides-testing', 'testingRows'],
  ['guides-coming-from', 'comingFromRows'],
  ['nginx', 'nginxRows'],
]

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
  readme: async (suite) => {
    await (await import('./readme.js')).readmeRows(suite)
    for (const [name, rows] of guides) await (await import(`./${name}.js`))[rows](suite)
  },
  packaging: async (suite) => {
    const { packagingRows, releaseRows } = await import('./packaging/packaging.js')
    await packagingRows(suite)
    await releaseRows(suite)
  },
}

async function stories(suite, names) {
  const { story } = await import('./story/story.js')
  for (const name of names) {
    let adapters = []
    await row(suite, name, 'loads', async () => { adapters = (await import(`./frameworks/${name}.js`)).default })
    for (const framework of adapters) await story(suite, framework)
  }
}

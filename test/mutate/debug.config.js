/** The same for debug.ts: NODE_DEBUG is read when a process starts, so its tests start some, and all run for each break. */
import config from './stryker.config.js'

export default {
  ...config,
  mutate: ['lib/debug.ts'],
  tap: { ...config.tap, testFiles: ['test/lib/debug.test.ts'] },
  coverageAnalysis: 'off',
}

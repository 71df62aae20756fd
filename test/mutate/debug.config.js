// The same for debug.ts. NODE_DEBUG is read when a process starts, and Stryker's tap runner sees nothing of the
// processes that a test starts.
import config from './stryker.config.js'

export default {
  ...config,
  mutate: ['lib/debug.ts'],
  testRunner: 'command',
  commandRunner: { command: 'node test/mutate/one.js test/lib/debug.test.ts' },
  coverageAnalysis: 'off',
}

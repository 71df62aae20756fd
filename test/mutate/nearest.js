/** For each file of lib/, the tests most likely to notice what is wrong in it: cheap ones first. */
export const nearest = {
  'codec.ts': ['codec.test.ts', 'vectors.test.ts', 'codec-exhaustive.test.ts'],
  'cookie-header.ts': ['cookie-header.test.ts', 'fuzz.test.ts'],
  'errors.ts': ['errors.test.ts'],
  'events.ts': ['events.test.ts', 'crash.test.ts'],
  'handler.ts': ['handler.test.ts', 'options.test.ts'],
  'header-hook.ts': ['header-hook.test.ts', 'crash.test.ts', 'request-state.test.ts'],
  'keys.ts': ['keys.test.ts', 'vectors.test.ts'],
  'options.ts': ['options.test.ts'],
  'remembered.ts': ['remembered.test.ts', 'memory.test.ts'],
  'request-state.ts': ['request-state.test.ts', 'events.test.ts', 'stories-time.test.ts'],
  'session-cookie.ts': ['handler.test.ts', 'request-state.test.ts', 'events.test.ts', 'stories-time.test.ts', 'vectors.test.ts'],
  'session-json.ts': ['session-json.test.ts', 'request-state.test.ts'],
  'sessions.ts': ['handler.test.ts', 'options.test.ts', 'request-state.test.ts'],
  'set-cookie.ts': ['set-cookie.test.ts', 'options.test.ts'],
}

/** Tests that look at dist/, or at nothing of the library: they cannot notice what is broken in lib/. */
export const blind = [
  'browser-jar.test.ts', 'example-auth.test.ts', 'example-visited.test.ts', 'file-server.test.ts', 'readme.test.ts',
]

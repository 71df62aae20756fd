/** For each file of lib/, the tests most likely to notice what is wrong in it: cheap ones first. */
export const nearest = {
  'codec.ts': ['lib/codec.test.ts', 'vectors/vectors.test.ts', 'attacks/forgeries.test.ts'],
  'cookie-header.ts': ['lib/cookie-header.test.ts', 'lib/reading.test.ts', 'attacks/fuzz.test.ts'],
  'cookie-scope.ts': ['lib/cookie-scope.test.ts', 'lib/options.test.ts'],
  'debug.ts': ['lib/debug.test.ts'],
  'errors.ts': ['lib/errors.test.ts'],
  'events.ts': ['lib/events.test.ts', 'attacks/crash.test.ts'],
  'handler.ts': ['lib/handler.test.ts', 'lib/options.test.ts'],
  'header-fields.ts': ['lib/header-fields.test.ts', 'lib/write-head.test.ts'],
  'write-head.ts': ['lib/write-head.test.ts', 'attacks/crash.test.ts', 'lib/request-state.test.ts'],
  'hmac.ts': ['lib/hmac.test.ts', 'vectors/official.test.ts'],
  'keys.ts': ['lib/keys.test.ts', 'vectors/vectors.test.ts'],
  'keystream.ts': ['lib/keystream.test.ts', 'vectors/official.test.ts'],
  'lifetime.ts': ['lib/lifetime.test.ts', 'lib/request-state.test.ts', 'stories/time.test.ts'],
  'options.ts': ['lib/options.test.ts', 'lib/handler.test.ts', 'lib/request-state.test.ts'],
  'plain.ts': ['lib/plain.test.ts', 'lib/session-values.test.ts'],
  'quoted.ts': ['lib/quoted.test.ts'],
  'reading.ts': ['lib/reading.test.ts', 'lib/events.test.ts', 'lib/request-state.test.ts', 'lib/handler.test.ts'],
  'registry.ts': ['lib/registry.test.ts', 'lib/handler.test.ts', 'lib/options.test.ts'],
  'remembered.ts': ['lib/remembered.test.ts', 'attacks/memory.test.ts'],
  'request-state.ts': ['lib/request-state.test.ts', 'lib/events.test.ts', 'lib/handler.test.ts', 'stories/time.test.ts'],
  'session-cookie.ts': [
    'lib/handler.test.ts', 'lib/request-state.test.ts', 'lib/events.test.ts', 'stories/time.test.ts', 'vectors/vectors.test.ts',
  ],
  'session-json.ts': ['lib/session-json.test.ts', 'lib/request-state.test.ts'],
  'session-tokens.ts': ['lib/session-tokens.test.ts', 'lib/request-state.test.ts'],
  'session-values.ts': ['lib/session-values.test.ts', 'lib/request-state.test.ts', 'lib/handler.test.ts'],
  'sessions.ts': ['lib/handler.test.ts', 'lib/options.test.ts', 'lib/request-state.test.ts'],
  'set-cookie.ts': ['lib/set-cookie.test.ts', 'lib/options.test.ts'],
  'transport.ts': ['lib/transport.test.ts', 'lib/events.test.ts'],
  'warnings.ts': ['lib/warnings.test.ts', 'lib/events.test.ts'],
}

/** Tests that look at dist/, or at nothing of the library: they cannot notice what is broken in lib/. */
export const blind = [
  'support/browser-jar.test.ts', 'examples/auth.test.ts', 'examples/visited.test.ts', 'examples/file-server.test.ts',
  'examples/keys.test.ts', 'examples/login-queue.test.ts', 'examples/revoked.test.ts', 'repository/readme.test.ts',
  'repository/threats.test.ts',
]

const set = process.env['SESHCOOKIE_TEST_REMEMBER']

/** The `remember` of handlers in tests that name none: `SESHCOOKIE_TEST_REMEMBER=n` runs a suite with another. */
export const defaultRemember: number | undefined = set === undefined ? undefined : Number(set)

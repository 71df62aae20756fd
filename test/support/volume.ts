/** Set by `make test-slow`. */
export const slow = process.env['SLOW'] === '1'

/** How many of something a test tries: `some` in `make test`, and `all` in `make test-slow`. */
export function volume(some: number, all: number): number {
  return slow ? all : some
}

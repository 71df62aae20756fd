import { Transform } from 'node:stream'

/**
 * Shows a line for each process that passed, what tap says about the tests of one that failed, and closes with
 * `N passed, N failed`. Before that it asks `last`, which tells whether all else is well, too.
 */
export default class Reporter extends Transform {
  #rest = ''
  #held = [] // the lines of a process whose verdict has not come yet, less those of its tests that passed
  #kept = 0 // how many of them belong to no test that is running
  #verdict = 'none'
  #passed = 0
  #failed = 0
  #last

  constructor(last) {
    super({ encoding: 'utf8', decodeStrings: false })
    this.#last = last
  }

  _transform(chunk, _encoding, done) {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop()
    for (const line of lines) this.#line(line)
    done()
  }

  _flush(done) {
    if (this.#rest) this.#line(this.#rest)
    this.#show(...this.#held)
    if (!this.#last()) process.exitCode = 1
    if (process.exitCode && this.#failed === 0) {
      this.#failed = 1
      this.#show('not ok - no test failed, but tap did: the coverage is not 100 %, or it ended early')
    }
    this.#show(`${this.#passed} passed, ${this.#failed} failed`)
    done()
  }

  /** At the left margin: the start of a process, its verdict, and tap's own words. Indented: what it says. */
  #line(line) {
    const verdict = /^(ok|not ok) /.exec(line)?.[1]
    const counts = /^# \{ total: \d+(?:, pass: (\d+))?(?:, fail: (\d+))?/.exec(line)
    if (line.startsWith('# Subtest: ')) {
      this.#verdict = 'none'
      this.#held = [line]
      this.#kept = 1
    } else if (verdict) {
      if (verdict === 'not ok') this.#show(...this.#held)
      this.#show(line)
      this.#verdict = verdict
      this.#held = []
    } else if (counts) {
      this.#passed = Number(counts[1] ?? 0)
      this.#failed = Number(counts[2] ?? 0)
    } else if (/^(TAP version|1\.\.|# time=)/.test(line)) {
      // says nothing that the other lines leave out
    } else if (this.#verdict === 'none') {
      this.#hold(line)
    } else if (this.#verdict === 'not ok' || /^\S/.test(line)) {
      this.#show(line)
    }
  }

  #hold(line) {
    if (/^ {4}ok /.test(line)) {
      this.#held.length = this.#kept
    } else {
      this.#held.push(line)
      // The second is the end of what tap says about the first.
      if (/^( {4}not ok | {6}\.\.\.$)/.test(line)) this.#kept = this.#held.length
    }
  }

  #show(...lines) {
    for (const line of lines) this.push(`${line}\n`)
  }
}

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes in use once what waits for a collection to be let go is gone: memory of node:crypto needs more than one. */
export async function bytesInUse(): Promise<number> {
  for (let run = 0; run < 4; run++) {
    await new Promise((resolve) => { setImmediate(resolve) })
    collectGarbage()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

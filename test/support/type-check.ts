import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { root } from './root.js'

// Not by an import, for which Node would look through all of its code for names to export.
const ts = createRequire(import.meta.url)('typescript') as typeof import('typescript')

/**
 * What the compiler says about each of `pieces` of code, as `code: message`: one list for each piece, and a last one
 * for the prelude that comes before them. Each piece is a block of its own. All of them are one program, since
 * starting the compiler is what takes the time.
 */
export function compile(prelude: string, pieces: readonly string[]): string[][] {
  const lines = prelude.split('\n')
  const pieceOfLine = new Map<number, number>()
  for (const [index, piece] of pieces.entries()) {
    for (const line of `{ ${piece}\n}`.split('\n')) {
      pieceOfLine.set(lines.length, index)
      lines.push(line)
    }
  }

  const name = fileURLToPath(new URL('test/lib/pieces.ts', root))
  const { options } = ts.getParsedCommandLineOfConfigFile(
    fileURLToPath(new URL('tsconfig.json', root)),
    { noUnusedLocals: false, noUnusedParameters: false },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
  )!
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile } = host
  host.fileExists = (file) => file === name || fileExists.call(host, file)
  host.readFile = (file) => file === name ? lines.join('\n') : readFile.call(host, file)
  const program = ts.createProgram([name], options, host)
  const source = program.getSourceFile(name)!

  const said: string[][] = Array.from({ length: pieces.length + 1 }, () => [])
  for (const { code, start, messageText } of [
    ...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source),
  ]) {
    const index = pieceOfLine.get(source.getLineAndCharacterOfPosition(start!).line) ?? pieces.length
    said[index]!.push(`${code}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
  }
  return said
}

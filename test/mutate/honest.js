/**
 * Tells a broken library from a broken program. A mutant that does not compile, names what does not exist or cannot
 * be loaded makes any test fail, and proves nothing about the one that failed first.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'

// "Cannot find name" and "property does not exist", each with its variants. Other errors of types are no matter: what
// is run has none.
const missing = [2304, 2339, 2503, 2551, 2552, 2663, 18004]

const loadTimeout = 20_000 // milliseconds

/** A file of lib/ as JavaScript. */
export function compile(name, text) {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true }
  return ts.transpileModule(text, { compilerOptions, fileName: name }).outputText
}

/** A judge of mutants of the library in the folder `root`; `close` removes what it wrote. */
export function createJudge(root) {
  const lib = join(root, 'lib')
  const names = readdirSync(lib).filter((name) => name.endsWith('.ts'))
  const { options } = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} })
  const changed = new Map() // the text of a file of lib/, and how often it changed
  const service = ts.createLanguageService({
    ...ts.sys,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getCompilationSettings: () => options,
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    getScriptFileNames: () => names.map((name) => join(lib, name)),
    getScriptVersion: (path) => String(changed.get(path)?.version ?? 0),
    getScriptSnapshot: (path) => {
      const text = changed.get(path)?.text ?? ts.sys.readFile(path)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
  })

  const folder = mkdtempSync(join(tmpdir(), 'seshcookie-load-'))
  mkdirSync(join(folder, 'lib'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const write = (name, text) => writeFileSync(join(folder, 'lib', name.replace(/ts$/, 'js')), compile(name, text))
  const original = (name) => readFileSync(join(lib, name), 'utf8')
  for (const name of names) write(name, original(name))

  const set = (name, text) => {
    const path = join(lib, name)
    changed.set(path, { text, version: (changed.get(path)?.version ?? 0) + 1 })
  }
  const inOneLine = ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')

  /** What is wrong with a file by its text alone. */
  function wrongInText(name, text) {
    set(name, text)
    const path = join(lib, name)
    const [syntax] = service.getSyntacticDiagnostics(path)
    if (syntax) return `does not compile: ${inOneLine(syntax)}`
    // A property that only some types of a union have, or that of what no longer can be, is there when it runs.
    const [absent] = service.getSemanticDiagnostics(path).filter(({ code, messageText }) =>
      missing.includes(code) && typeof messageText === 'string' && !messageText.includes("type 'never'"))
    return absent && `names what does not exist: ${inOneLine(absent)}`
  }

  /** What Node says when it loads the library with this file in it. One that does not end is left to the tests. */
  async function wrongInLoading(name, text) {
    write(name, text)
    const url = pathToFileURL(join(folder, 'lib', 'index.js')).href
    const child = spawn(process.execPath, ['--input-type=module', '--eval', `await import(${JSON.stringify(url)})`],
      { stdio: ['ignore', 'ignore', 'pipe'], timeout: loadTimeout, killSignal: 'SIGKILL' })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (chunk) => { said += chunk })
    const [code] = await once(child, 'close')
    write(name, original(name))
    return code === 0 || code === null ? undefined : `does not load: ${/^\w*Error.*$/m.exec(said)?.[0] ?? `ended with ${code}`}`
  }

  return {
    /** Why a text of the file `name` of lib/ is no mutant, or undefined. One at a time. */
    async judge(name, text) {
      const wrong = wrongInText(name, text)
      set(name, original(name))
      return wrong ?? await wrongInLoading(name, text)
    },
    close: () => rmSync(folder, { recursive: true }),
  }
}

/** Errors of the engine, which a program makes that is broken in itself: they say nothing of what the library does. */
const ofTheEngine = new RegExp([
  'ReferenceError', 'SyntaxError', 'ERR_MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT', 'is not defined', 'is not a function',
  'is not a constructor', 'is not iterable', 'Cannot read propert', 'Cannot set propert', 'Cannot destructure',
  'Cannot access .* before initialization', 'Assignment to constant',
].join('|'))

/**
 * The first failure in what a test file printed as TAP, and its kind: `assertion`, `time-out`, `error` for one that
 * the library or the test threw, `engine` for one that proves nothing. Undefined where nothing says `not ok`.
 */
export function firstFailure(tap, accept = () => true) {
  const lines = tap.split('\n')
  let subtest
  for (const [index, line] of lines.entries()) {
    subtest = /^ *# Subtest: (.*)$/.exec(line)?.[1] ?? subtest
    const [, indent, title] = /^( *)not ok \d+ - (.*?)(?: # time=.*)?$/.exec(line) ?? []
    // The line of a test with others in it comes after their plan, and only repeats that one of them failed.
    if (title === undefined || new RegExp(`^${indent}    1\\.\\.\\d`).test(lines[index - 1])) continue
    const rest = lines.slice(index + 1)
    const end = rest.findIndex((next) => next === `${indent}  ...`)
    const diagnostics = rest[0] === `${indent}  ---` ? rest.slice(1, end).join('\n') : ''
    const kind = kindOf(title, diagnostics)
    if (accept(kind)) return { kind, text: subtest === undefined || subtest === title ? title : `${subtest}: ${title}` }
  }
  return undefined
}

function kindOf(title, diagnostics) {
  if (/^timeout!/.test(title) || /^ *expired:/m.test(diagnostics)) return 'time-out'
  if (!/^ *tapCaught:/m.test(diagnostics)) return 'assertion'
  const type = /^ *type: (.*)$/m.exec(diagnostics)?.[1] ?? ''
  const code = /^ *code: (.*)$/m.exec(diagnostics)?.[1] ?? ''
  return ofTheEngine.test(`${type} ${code} ${title}`) ? 'engine' : 'error'
}

// The pages of example/frameworks: every block is compiled and run as it stands there.
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const here = import.meta.dirname
const root = join(here, '..', '..')
const packed = join(here, 'packed') // where the packed library is found, and the packages of this folder
const anyPort = join(root, 'test', 'support', 'any-port.js')

export const key = 'the key of a test, at least 32 bytes long'
export const environment = {
  ...process.env, SESSION_KEY: key, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1',
  NO_COLOR: '1', FORCE_COLOR: undefined,
}

/** The named blocks of a page, by heading: { heading: { 'app.ts': code } }. */
export function blocksOf(page) {
  const text = readFileSync(join(root, 'example', 'frameworks', page), 'utf8')
  return Object.fromEntries(text.split(/^## /m).slice(1).map((section) => {
    const blocks = [...section.matchAll(/^```(?:tsx?|js)\n\/\/ (\S+)\n(.*?)^```$/gms)]
    return [section.split('\n', 1)[0], Object.fromEntries(blocks.map(([, name, code]) => [name, code]))]
  }))
}

/**
 * Writes blocks, as TypeScript and as JavaScript, into a folder that finds the library and, some of them under another
 * name, the packages.
 */
export async function lay(folder, blocks, packages = {}) {
  const { transform } = await import('esbuild')
  const path = join(packed, 'guides', folder)
  rmSync(path, { recursive: true, force: true })
  const files = { 'package.json': '{ "type": "module" }', ...blocks }
  for (const [name, code] of Object.entries(files)) {
    const file = join(path, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, code)
    const [, base, loader] = /^(.*)\.(tsx?)$/.exec(file) ?? []
    if (base === undefined) continue
    const tsconfigRaw = { compilerOptions: { experimentalDecorators: true, jsx: 'react-jsx', target: 'es2022' } }
    writeFileSync(`${base}.js`, (await transform(code, { loader, tsconfigRaw })).code)
  }
  for (const [name, target] of Object.entries(packages)) {
    const link = join(path, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(here, 'node_modules', target), link)
  }
  return path
}

/** Compiles the blocks of a folder; throws with what the compiler says. */
export async function compile(path, names, compiler, options = {}) {
  writeFileSync(join(path, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      module: 'nodenext', target: 'es2022', strict: true, skipLibCheck: true, noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true, noPropertyAccessFromIndexSignature: true, noEmit: true, rootDir: '.',
      experimentalDecorators: true, jsx: 'react-jsx', types: ['node'], esModuleInterop: true, ...options,
    },
    files: names.filter((name) => /\.c?tsx?$/.test(name)),
  }))
  await program([join(here, 'node_modules', compiler, 'bin', 'tsc'), '-p', 'tsconfig.json'], path)
}

/** Runs a program of JavaScript to its end; gives what it printed, which is the error's message when it fails. */
export async function program(args, cwd, env = environment) {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd, env })
    return stdout + stderr
  } catch ({ message, stdout, stderr }) {
    throw new Error(`${stdout}${stderr}`.slice(0, 3000) || message)
  }
}

/** A server that a block starts. */
export class Server {
  constructor(path, name) {
    this.output = ''
    this.child = spawn(process.execPath, ['--import', anyPort, join(path, name.replace(/tsx?$/, 'js'))],
      { cwd: path, env: environment })
    this.ended = new Promise((resolve) => { this.child.on('exit', (...how) => resolve(how)) })
    this.port = new Promise((resolve, reject) => {
      for (const stream of [this.child.stdout, this.child.stderr]) {
        stream.on('data', (part) => {
          this.output += part
          const port = /listening on http:\S+:(\d+)/.exec(this.output)?.[1]
          if (port !== undefined) resolve(port)
        })
      }
      this.ended.then(() => reject(new Error(`ended before it listened: ${this.output}`)))
    })
  }

  stop() {
    this.child.kill()
  }
}

/** A browser of one cookie. */
export class Visitor {
  cookie
  setCookie = []

  constructor(port) {
    this.origin = `http://127.0.0.1:${port}`
  }

  async go(path, form) {
    const answer = await fetch(`${this.origin}${path}`, {
      headers: this.cookie === undefined ? {} : { cookie: this.cookie },
      ...(form && { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' }),
    })
    this.setCookie = answer.headers.getSetCookie()
    for (const line of this.setCookie) this.cookie = line.split(';', 1)[0]
    this.status = answer.status
    this.headers = answer.headers
    return answer.text()
  }
}

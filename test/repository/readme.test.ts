import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { RequestSessions, SessionHandler, type SessionOptions } from '../../lib/index.js'
import { ask, type Answer } from '../support/client.js'
import { checkLinks } from '../support/links.js'
import { serveFile } from '../support/program.js'
import { root } from '../support/root.js'
import { tablesOf } from '../support/tables.js'
import { compile } from '../support/type-check.js'

const readme = readFileSync(new URL('README.md', root), 'utf8')

interface Block { heading: string, language: string, code: string }

const blocks: Block[] = readme.split(/^## /m).flatMap((section) => {
  const heading = section.split('\n', 1)[0]!
  return [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code]) => ({ heading, language: language!, code: code! }))
})

const key = 'the key of a test, at least 32 bytes long'
const folder = new URL('build/readme/', root) // within the package, so that it can be imported by its name
mkdirSync(folder, { recursive: true })

/** Runs a block as it stands, on a free port: where it listens. */
async function serve(t: Test, { heading, code }: Block): Promise<string> {
  const file = new URL(`${heading.replace(/\W+/g, '-')}.mjs`, folder)
  writeFileSync(file, code)
  const { origin, stop } = await serveFile(file.pathname, { SESSION_KEY: key })
  t.teardown(() => stop())
  return origin
}

const cookieOf = (answer: Answer) => answer.all('set-cookie')[0]!.split(';')[0]!

/** What a reader would see, by what stands in a block: headings may change. A block without a check fails. */
const checks: [RegExp, (t: Test, block: Block) => Promise<void>][] = [
  [/\blogOutEverywhere\b/, async (t, block) => {
    const code = `${block.code}
      import { createServer } from 'node:http'
      import { SessionHandler } from 'seshcookie-http'
      createServer(new SessionHandler((req, res) => {
        if (req.url === '/login') logIn(req, 'gopher')
        if (req.url === '/everywhere') logOutEverywhere('gopher')
        if (req.url === '/limited') {
          Session.get(req).cart = ['tea']
          Session.limit(req, { maxAge: 60 })
        }
        res.end(Session.get(req).user ?? 'nobody')
      }, process.env.SESSION_KEY).listener).listen(8080)`
    const origin = await serve(t, { ...block, code })
    const login = async () => cookieOf(await ask(origin, '/login'))
    const [one, other] = [await login(), await login()]
    t.equal((await ask(origin, '/', { cookie: other })).body, 'gopher')
    await ask(origin, '/everywhere', { cookie: one })
    for (const cookie of [one, other]) t.equal((await ask(origin, '/', { cookie })).body, 'nobody')
    t.equal((await ask(origin, '/', { cookie: await login() })).body, 'gopher', 'and in again')
    const limited = cookieOf(await ask(origin, '/limited'))
    t.match((await ask(origin, '/login', { cookie: limited })).all('set-cookie')[0], /; Max-Age=86400;/, 'a session of its own')
  }],
  [/\bheaders\.origin\b/, async (t, block) => {
    const origin = await serve(t, block)
    t.equal((await ask(origin, '/')).body, 'hello nobody\n')
    t.equal((await ask(origin, '/login', {}, 'POST')).status, 403)
    const login = await ask(origin, '/login', { origin }, 'POST')
    t.equal(login.status, 303)
    t.notMatch(login.setCookie[0], /Max-Age/)
    t.match((await ask(origin, '/login?remember', { origin }, 'POST')).setCookie[0], /; Max-Age=34560000;/)
    t.equal((await ask(origin, '/', { cookie: cookieOf(login) })).body, 'hello gopher\n')
    t.equal(cookieOf(await ask(origin, '/logout', { origin, cookie: cookieOf(login) }, 'POST')), 'session=')
  }],
  [/page view #/, async (t, block) => {
    const origin = await serve(t, block)
    const first = await ask(origin, '/')
    t.equal(first.body, 'page view #1\n')
    const told = blocks.find(({ language }) => language === 'http')!.code.trim()
    const [start, ...attributes] = told.replace(/Expires=[^;]*/, 'Expires=').split('; ')
    const [value, ...sent] = first.setCookie[0]!.replace(/Expires=[^;]*/, 'Expires=').split('; ')
    t.match(start, /^Set-Cookie: session=[\w-]+…$/)
    t.match(value, /^session=[\w-]{108,}$/)
    t.strictSame(attributes, sent)
    t.equal((await ask(origin, '/', { cookie: cookieOf(first) })).body, 'page view #2\n')
  }],
]

for (const [index, block] of blocks.entries()) {
  const { heading, language, code } = block
  // Blocks with frameworks are run where these are installed: in test/compat.
  const needs = [...code.matchAll(/from '([^']+)'/g)].map(([, name]) => name!).filter((name) => !/^node:|^seshcookie-http$/.test(name))
  if (!['js', 'ts'].includes(language) || needs.length > 0) continue
  t.test(`block ${index + 1}, ${heading}`, async (t) => {
    if (language === 'ts') t.strictSame(compile(code, []), [[]])
    else await checks.find(([sign]) => sign.test(code))![1](t, block)
  })
}

t.test('the commands', async (t) => {
  const makefile = readFileSync(new URL('Makefile', root), 'utf8')
  for (const { code, language } of blocks) {
    if (language !== 'sh') continue
    for (const [, target] of code.matchAll(/^make (\w+)/gm)) t.match(makefile, new RegExp(`^${target}:`, 'm'), `make ${target}`)
    for (const [, script] of code.matchAll(/\bnode -p "(.*?)"\)/g)) {
      t.match(spawnSync(process.execPath, ['-p', script!], { encoding: 'utf8' }).stdout, /^[\w-]{43}\n$/)
    }
  }
})

/** The one table of a page that begins with these heads. */
function table(page: string, ...header: string[]) {
  const found = tablesOf(page).filter((table) => header.every((head, column) => table.header[column] === head))
  if (found.length !== 1) throw new Error(`${found.length} tables begin with ${header.join(', ')}, not one`)
  return found[0]!
}

t.test('the options and their defaults', async (t) => {
  const rows = table('README.md', 'option', 'default').rows.map(([name, value]) => [name!.replaceAll('`', ''), value!] as const)
  const sessions = new RequestSessions()
  const shown = (value: unknown) => value === undefined ? 'none' : typeof value === 'string' ? `\`'${value}'\`` : `\`${value}\``
  const names = Object.entries(Object.getOwnPropertyDescriptors(RequestSessions.prototype))
    .filter(([, { set }]) => set !== undefined).map(([name]) => name)
  t.strictSame(rows.map(([name]) => name).toSorted(), names.toSorted())
  for (const [name, value] of rows) t.equal(value, shown(sessions[name as keyof RequestSessions]), name)
})

t.test('the events', async (t) => {
  const source = readFileSync(new URL('lib/events.ts', root), 'utf8')
  const types = (text: string) => [...text.matchAll(/\{ type: '(\w+)'/g)].map(([, type]) => type!)
  const union = /export type SessionEvent =([^]*?)\n\n/.exec(source)![1]!
  t.strictSame(table('README.md', 'event').rows.flatMap(([event]) => types(event!)).toSorted(), types(union).toSorted())
})

t.test('the cookie format in SECURITY.md is the one above the code', async (t) => {
  const comment = readFileSync(new URL('lib/codec.ts', root), 'utf8')
  const rows = [...comment.matchAll(/^ \* +(\d[\d +n]*?) {3,}(\d+|n) {3}(.*)$/gm)].map(([, ...cells]) => cells.map((cell) => cell!.trim()))
  t.equal(rows.length, 4)
  t.strictSame(table('SECURITY.md', 'offset', 'bytes', 'field').rows.map((row) => row.map((cell) => cell.replaceAll('`', ''))), rows)
})

t.test('how many bytes fit', async (t) => {
  const most = (options: SessionOptions) => {
    const handler = new SessionHandler(null, Buffer.from(key), new RequestSessions(options))
    const fits = (bytes: number) => {
      try {
        return handler.encodeSetCookie({ s: 'x'.repeat(bytes - '{"s":""}'.length) }) !== ''
      } catch {
        return false
      }
    }
    return Array.from({ length: 4096 }, (_, bytes) => bytes).slice(8).findLast(fits)!
  }
  const told = [...readme.matchAll(/\b2 9\d\d\b|\b2 8\d\d\b/g)].map(([figure]) => Number(figure.replace(' ', '')))
  t.strictSame(told, [most({ secure: false }), most({ secure: false }), most({ secure: true, domain: 'app.example.com' })])
})

t.test('it can be read: links lead somewhere, and it is neither long nor wide', async (t) => {
  checkLinks(t, 'README.md')
  const lines = readme.trimEnd().split('\n')
  t.ok(lines.length <= 230, `${lines.length} lines`)
  t.strictSame(lines.filter((line) => line.length > 140), [])
})

import t from 'tap'
import { everySession, type Login, margin, oneSession, Revoked } from '../../example/replicas/revoked.js'

const start = 1_800_000_000 // Unix seconds
const login = (changes: Partial<Login> = {}): Login => ({ id: 'a', user: 'ann', number: 0, until: start + 600, ...changes })

t.beforeEach((t) => {
  t.context.real = Date.now
  Date.now = () => start * 1000
})
t.afterEach((t) => { Date.now = t.context.real })

t.test('what is revoked', async (t) => {
  const revoked = new Revoked()
  revoked.add(oneSession('gone'), start + 600)
  revoked.add(everySession('everywhere'), start + 86_400)
  const rows: [name: string, login: Login, has: boolean][] = [
    ['another session of the same user', login(), false],
    ['a session that was logged out', login({ id: 'gone' }), true],
    ['a session from before "log out everywhere"', login({ user: 'everywhere' }), true],
    ['one with the number before', login({ user: 'everywhere', number: start + 86_399 }), true],
    ['one from after it', login({ user: 'everywhere', number: start + 86_400 }), false],
    ['a user with the name of a session', login({ user: 'gone' }), false],
    ['a session with the name of a user', login({ id: 'everywhere' }), false],
    ['a user whose name looks like an entry', login({ user: 'session gone' }), false],
    ['a session that has ended, whatever the settings say', login({ until: start }), true],
  ]
  for (const [name, login, has] of rows) t.equal(revoked.has(login), has, name)
})

t.test('entries that come twice, late, and in any order', async (t) => {
  const orders = [[100, 200, 150], [200, 100, 150], [150, 200, 200]]
  for (const order of orders) {
    const revoked = new Revoked()
    for (const seconds of order) revoked.add('entry', start + seconds)
    t.equal(revoked.until('entry'), start + 200, `${order}: the latest end counts`)
    t.equal(revoked.size, 1)
  }
})

t.test('an entry is kept until every machine has ended the session, and then it is dropped', async (t) => {
  const revoked = new Revoked()
  revoked.add('short', start + 60)
  revoked.add('long', start + 6000)
  revoked.add('raised', start + 60)
  revoked.add('raised', start + 6000)

  Date.now = () => (start + 60 + margin - 1) * 1000
  revoked.drop()
  t.equal(revoked.size, 3, 'clocks may disagree')
  Date.now = () => (start + 60 + margin + 60) * 1000
  revoked.drop()
  t.strictSame([...revoked.entries()], [['long', start + 6000], ['raised', start + 6000]])
  revoked.add('short', start + 60)
  t.equal(revoked.size, 2, 'what has ended is not taken in again')
  Date.now = () => (start + 6000 + margin + 60) * 1000
  revoked.drop()
  t.equal(revoked.size, 0)
})

t.test('memory does not grow with what came and went', async (t) => {
  const revoked = new Revoked()
  for (let minute = 0; minute < 1000; minute++) {
    Date.now = () => (start + minute * 60) * 1000
    for (let n = 0; n < 10; n++) revoked.add(oneSession(`${minute} ${n}`), start + minute * 60 + 600)
    revoked.drop()
    if (revoked.size > 10 * (10 + margin / 60 + 2)) t.fail(`${revoked.size} entries at minute ${minute}`)
  }
  t.ok(revoked.size > 0)
})

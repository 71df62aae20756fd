import { runInNewContext } from 'node:vm'
import t from 'tap'
import { isOfNoClass, isPlain } from '../../lib/plain.js'

const inherits = (prototype: object): object => Object.create(prototype) as object
const rows: [name: string, value: object, isPlainObject: boolean, isOfNone: boolean][] = [
  ['an object literal', {}, true, true],
  ['an object without a prototype', Object.create(null) as object, true, true],
  ['an object of another realm', runInNewContext('({})') as object, true, true],
  ['what inherits from a bare object', inherits(inherits(null as never)), false, false],
  ['what inherits from an object literal', inherits({}), false, false],
  ['an instance of a class', new (class {})(), false, false],
  ['a Map', new Map(), false, false],
  ['an array', [], false, true],
  ['an array of another realm', runInNewContext('[]') as object, false, true],
  ['an instance of a subclass of Array', new (class extends Array {})(), false, false],
]
for (const [name, value, isPlainObject, isOfNone] of rows) {
  t.test(name, async (t) => {
    t.equal(isPlain(value), isPlainObject)
    t.equal(isOfNoClass(value), isOfNone)
  })
}

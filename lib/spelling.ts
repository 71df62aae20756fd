/**
 * Whether `text` is what JSON.stringify makes of a session: the quick way to tell that it is as it was. Nothing is made
 * for it, and it goes no further than the text does, however large the session has become. It is false, too, for what
 * JSON would spell like something else: NaN where the text says null, a Map for {}, a function beside the rest.
 * @param strict whether it is to be false, too, for names that JSON never spells: symbols, and those of arrays. They are
 * to be refused when a session is stored; looking for them is a third of the work.
 */
export function isSpelledAs(session: object, text: string, strict: boolean): boolean {
  try {
    return afterObject(session, text, 0, strict) === text.length
  } catch {
    return false // a getter or proxy that throws
  }
}

const none = -1
const { getPrototypeOf, getOwnPropertySymbols, keys } = Object
const [quote, comma, colon, bracket, bracketEnd, brace, braceEnd] = [...'",:[]{}'].map((char) => char.charCodeAt(0))

/** Where the text of a value that begins at `at` ends, or -1 where it is the text of another one. So for all below. */
function afterValue(value: unknown, text: string, at: number, strict: boolean): number {
  switch (typeof value) {
    case 'string': return afterString(value, text, at)
    case 'object': return value === null ? after('null', text, at) : afterObject(value, text, at, strict)
    case 'number': case 'boolean': return after(String(value), text, at)
    default: return none
  }
}

function after(token: string, text: string, at: number): number {
  return text.startsWith(token, at) ? at + token.length : none
}

function afterString(value: string, text: string, at: number): number {
  const end = at + value.length + 1
  if (end >= text.length || text.charCodeAt(at) !== quote) return none
  const isEscaped = value.includes('"') || value.includes('\\') || !text.startsWith(value, at + 1)
  if (isEscaped) return after(JSON.stringify(value), text, at)
  return text.charCodeAt(end) === quote ? end + 1 : none
}

function afterObject(value: object, text: string, at: number, strict: boolean): number {
  const prototype: unknown = getPrototypeOf(value)
  if (strict && getOwnPropertySymbols(value).length > 0) return none
  if (prototype === null || prototype === Object.prototype) return afterProperties(value, text, at, strict)
  return prototype === Array.prototype ? afterElements(value as unknown[], text, at, strict) : none
}

function afterElements(array: unknown[], text: string, at: number, strict: boolean): number {
  if (text.charCodeAt(at++) !== bracket) return none
  for (let index = 0; index < array.length; index++) {
    if (index > 0 && text.charCodeAt(at++) !== comma) return none
    at = afterValue(array[index], text, at, strict)
    if (at === none) return none
  }
  const hasNames = strict && keys(array).length !== array.length
  return text.charCodeAt(at) === bracketEnd && !hasNames ? at + 1 : none
}

function afterProperties(object: object, text: string, at: number, strict: boolean): number {
  if (text.charCodeAt(at++) !== brace) return none
  let isFirst = true
  for (const name of keys(object)) {
    const value = object[name as keyof typeof object] as unknown
    if (value === undefined) continue
    if (!isFirst && text.charCodeAt(at++) !== comma) return none
    isFirst = false
    at = afterString(name, text, at)
    if (at === none || text.charCodeAt(at++) !== colon) return none
    at = afterValue(value, text, at, strict)
    if (at === none) return none
  }
  return text.charCodeAt(at) === braceEnd ? at + 1 : none
}

/** Whether it is an object literal, of this realm or another, or an object without a prototype. */
export function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
}

/** Whether it is a plain object or array: Array.prototype is plain, that of a subclass is not. */
export function isOfNoClass(value: object): boolean {
  return isPlain(Array.isArray(value) ? Object.getPrototypeOf(value) as object : value)
}

/**
 * Every way a session cannot be stored, and every way a handler can finish: the tables that crash.test.ts multiplies,
 * and that crash-child.ts plays in a process of its own.
 */
import { Readable } from 'node:stream'
import type { ServerResponse } from 'node:http'
import type { SessionOptions } from '../../lib/index.js'
import { breakCrypto } from './node-crypto.js'

type Undo = () => void

const store = (value: unknown) => (session: Record<string, unknown>): void => { session['b'] = value }
const throwing = () => { throw new Error('thrown by the handler\'s own code') }

function cycle(): object {
  const first: Record<string, unknown> = {}
  first['second'] = { first }
  return first
}

const without = (name: Parameters<typeof breakCrypto>[0]) => (session: Record<string, unknown>): Undo => {
  session['b'] = 2
  return breakCrypto(name)
}

type Fault = [damage: (session: Record<string, unknown>) => Undo | void, error: RegExp]

/**
 * What is done to the session `{ a: 1 }` so that it cannot be stored, which returns what is to be undone afterwards;
 * and the error that the `failed` event carries.
 */
export const faults: Record<string, Fault> = {
  'too large': [store('x'.repeat(5000)), /^SizeError: /],
  'a bigint': [store(1n), /^ValueError: session\.b is a bigint: store its toString\(\)$/],
  'a cycle': [store(cycle()), /^ValueError: session\.b\.second\.first is a cycle$/],
  'NaN, deep inside': [store([[[{ c: Number.NaN }]]]), /^ValueError: session\.b\[0\]\[0\]\[0\]\.c is NaN$/],
  'deeper than the stack': [(session) => {
    let inner: unknown[] = []
    for (let depth = 0; depth < 100_000; depth++) inner = [inner]
    session['b'] = inner
  }, /^ValueError: session\.b(\[0\])+ is nested more than 64 deep$/],
  'a getter that throws': [(session) => {
    Object.defineProperty(session, 'b', { enumerable: true, get: throwing })
  }, /^ValueError: session is not readable/],
  'a toJSON that throws': [store({ toJSON: throwing }), /^ValueError: session\.b\.toJSON is a function$/],
  'a proxy that throws': [
    store(new Proxy({}, { ownKeys: throwing, getPrototypeOf: throwing, get: throwing })),
    /^ValueError: session is not readable/,
  ],
  'no randomness': [without('randomBytes'), /^Error: no randomBytes$/],
  'no HMAC': [without('createHmac'), /^Error: no createHmac$/],
  'no cipher': [without('createCipheriv'), /^Error: no createCipheriv$/],
}

type Listener = [onEvent: SessionOptions['onEvent'], warning?: string]

/** What `onEvent` does with what it is told, and the process warning about it; without one the error is the warning. */
export const listeners: Record<string, Listener> = {
  'onEvent returns': [() => {}],
  'onEvent throws': [throwing, 'Error ERR_SESHCOOKIE_ON_EVENT'],
  'onEvent throws nothing': [() => { throw undefined }, 'Warning ERR_SESHCOOKIE_ON_EVENT'],
  'onEvent rejects': [(async () => throwing()) as () => void, 'Error ERR_SESHCOOKIE_ON_EVENT'],
  'no onEvent': [undefined, 'SizeError ERR_SESHCOOKIE_SIZE'],
}

/** How the head and the body leave. What is used of the response, HTTP/2's has too. */
export const finishes: Record<string, (res: ServerResponse) => unknown> = {
  'end': (res) => res.end('body'),
  'write and end': (res) => {
    res.write('bo')
    res.end('dy')
  },
  'writeHead': (res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain' })
    res.end('body')
  },
  'flushHeaders': (res) => {
    res.flushHeaders()
    res.end('body')
  },
  'a timer': (res) => setTimeout(() => res.end('body'), 0),
  'an async function': async (res) => {
    await new Promise(setImmediate)
    res.end('body')
  },
  'pipe': (res) => Readable.from(['bo', 'dy']).pipe(res),
  'pipe after an await': async (res) => {
    await null
    Readable.from(['bo', 'dy']).pipe(res)
  },
}

export const protocols = ['HTTP/1.1', 'HTTP/2'] as const

export interface Case {
  readonly protocol: typeof protocols[number]
  readonly fault: string
  readonly listener: string
  readonly finish: string
}

/** Each fault with each finish, and one fault with each listener and finish; over both protocols. */
export const cases: Case[] = protocols.flatMap((protocol) => Object.keys(finishes).flatMap((finish) => [
  ...Object.keys(faults).map((fault) => ({ protocol, fault, listener: 'onEvent returns', finish })),
  ...Object.keys(listeners).slice(1).map((listener) => ({ protocol, fault: 'too large', listener, finish })),
]))

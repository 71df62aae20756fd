import type { IncomingMessage } from 'node:http'

const maxLength = 4096 // bytes: a name and a password

/** Why a request's body is no form of ours. */
export class FormError extends Error {
  readonly status: number

  constructor(status: 413 | 415) {
    super(`form refused: ${status}`)
    this.status = status
  }
}

/**
 * The fields of a form that was posted.
 * @throws FormError for another type of content, and for too much of it
 */
export async function readForm(req: IncomingMessage): Promise<URLSearchParams> {
  const type = req.headers['content-type'] ?? ''
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(type)) throw new FormError(415)

  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length
    // What is too much is read and dropped, as long as the server's timeout allows: a browser that is cut off while it
    // sends shows its own error, and not our answer.
    if (length <= maxLength) chunks.push(chunk)
  }
  if (length > maxLength) throw new FormError(413)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

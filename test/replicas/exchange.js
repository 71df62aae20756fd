/** One request, over HTTP or HTTPS: `error` when no answer comes, and no `body` when the answer breaks off. */
export function exchange(request, { accept = 'application/json', cookie, body, proxied = false, ...options }) {
  const headers = {
    accept,
    ...(proxied && { 'x-forwarded-proto': 'https' }),
    ...(body !== undefined && {
      'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body),
    }),
    ...(cookie !== undefined && { cookie }),
  }
  return new Promise((resolve) => {
    const req = request({ ...options, headers, timeout: 30_000 })
    req.on('timeout', () => req.destroy())
    req.on('error', (error) => resolve({ error: error.code ?? error.message }))
    req.on('response', (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (part) => { text += part })
      res.on('close', () => (
        resolve({ status: res.statusCode, headers: res.headers, body: res.complete ? text : undefined })
      ))
    })
    req.end(body)
  })
}

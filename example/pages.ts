import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'

/** The folder for people who are logged in. */
export const secured = new URL('secured/', import.meta.url)

// A stranger gets nothing but /login, so its page brings along the style and the mark that the other pages link to.
const style = readFileSync(new URL('style.css', secured), 'utf8')
const mark = `data:image/svg+xml;base64,${readFileSync(new URL('mark.svg', secured), 'base64')}`

/** For every answer of the site. No script runs on it, and no other site shows it in a frame. */
export const securityHeaders = new Map([
  [
    'Content-Security-Policy',
    "default-src 'none'; img-src 'self' data:; " +
      `style-src 'self' 'sha256-${createHash('sha256').update(style).digest('base64')}'; ` +
      "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  ],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Referrer-Policy', 'same-origin'], // no-referrer would turn the Origin of our own forms into null
  ['X-Content-Type-Options', 'nosniff'],
])

/** Sends a page; node leaves its body out when the request is a HEAD. */
export function sendPage(res: ServerResponse, status: number, html: string): void {
  res.statusCode = status
  res.setHeader('Content-Type', 'text/html; charset=utf-8')
  res.setHeader('Content-Length', Buffer.byteLength(html))
  res.setHeader('Cache-Control', 'no-store')
  res.end(html)
}

/** The login form; after a wrong try with what went wrong and the name that was tried. */
export function loginPage(message = '', name = ''): string {
  const described = message && ' aria-invalid="true" aria-describedby="error"'
  return page(
    message ? 'Error: log in' : 'Log in',
    `<h1>Log in</h1>
${message && `<p class="error" id="error" role="alert">${escape(message)}</p>\n`}<form method="post" action="/login">
<label for="name">Name</label>
<input id="name" name="name" value="${escape(name)}" autocomplete="username" autocapitalize="none" spellcheck="false"
  maxlength="64" required${described}${name ? '' : ' autofocus'}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
  required${described}${name ? ' autofocus' : ''}>
<button>Log in</button>
</form>
<p class="hint">This is a demonstration. Come in as <b>user1</b> with the password <b>teapot</b>.</p>`,
  )
}

const errors = new Map([
  [403, ['Refused', 'Another site asked for this, or somebody who is not logged in.']],
  [404, ['Not found', 'There is nothing at this address.']],
  [405, ['Not allowed', 'This address does not answer that kind of request.']],
  [413, ['Too long', 'That was more than a name and a password.']],
  [415, ['Not a form', 'This address reads what the login form sends, and nothing else.']],
  [503, ['One moment', 'Too many people log in at once. Try again in a few seconds.']],
  [500, ['Something went wrong', 'It is not your fault. The server has written down what happened.']],
])

/** Sends the page that tells a person what is wrong. */
export function sendError(res: ServerResponse, status: number): void {
  const [title, text] = errors.get(status) as [string, string]
  sendPage(res, status, page(title, `<h1>${title}</h1>\n<p>${text}</p>\n<p><a href="/">Go to the start</a></p>`))
}

function page(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} · seshcookie-http</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${mark}">
<style>${style}</style>
</head>
<body class="door">
<main>
<img class="mark" src="${mark}" alt="" width="36" height="36">
${main}
</main>
</body>
</html>
`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

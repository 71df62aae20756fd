import { readFileSync } from 'node:fs'
import { secured } from '../pages.js'
import type { Visit } from './app.js'
import type { Listed } from './logins.js'

const style = readFileSync(new URL('style.css', secured), 'utf8') + `
table { border-collapse: collapse; margin: 2rem 0; width: 100% }
th, td { border-top: 1px solid var(--line); padding: .5rem 1rem .5rem 0; text-align: left }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.75rem 0 }
`

/** What a person sees: who answered this time, and what the browser's cookie holds. */
export function visitPage({ login, note = '', views, answered }: Visit, machine: string): string {
  const rows = Object.entries(answered).sort(([a], [b]) => a.localeCompare(b))
  return page(`Machine ${machine}`, `<h1>${escape(login.user)}, this is page view ${views}</h1>
<p class="lead">Machine ${escape(machine)} has answered. Reload the page: another one answers, and counts on.</p>
<table>
<tr><th scope="col">Machine</th><th scope="col">Answers to you</th></tr>
${rows.map(([key, count]) => `<tr><td>${escape(key)}</td><td>${count}</td></tr>`).join('\n')}
</table>
<p>All of this is in your browser's cookie, sealed. No machine remembers you, so any of them can end at any time:
try <code>kill -9 ${process.pid}</code> and reload.</p>
<form method="post" action="/">
<label for="note">A note</label>
<input id="note" name="note" maxlength="500" value="${escape(note)}">
<p class="buttons"><button>Keep it in the cookie</button></p>
</form>
<h2>Log out</h2>
<p>Then a copy of your cookie counts for nothing either, on any machine.</p>
<form method="post" class="buttons"><button class="quiet" formaction="/logout">Log out this browser</button>
<button class="quiet" formaction="/logout-everywhere">Log out everywhere</button></form>
<p><a href="/logins">Your other browsers</a></p>`)
}

export function loginPage(): string {
  return page('Log in', `<h1>Log in</h1>
<form method="post" action="/login">
<label for="name">Your name</label>
<input id="name" name="name" maxlength="64" required autocomplete="username">
<p class="buttons"><button>Log in</button></p>
</form>
<p class="hint">This is a demonstration. Any name will do, and no password is asked.</p>`)
}

/** The logins of a user that have not ended, each but this very one with a button that ends it. */
export function loginsPage(logins: Listed[], own: string): string {
  const row = ({ id, since, browser }: Listed): string => `<tr><td>${escape(browser)}</td>
<td>${new Date(since * 1000).toISOString().slice(0, 16).replace('T', ' ')}</td>
<td>${id === own ? 'this browser' : `<form method="post" action="/logout-other">
<input type="hidden" name="id" value="${escape(id)}"><button class="quiet">Log out</button></form>`}</td></tr>`
  return page('Your browsers', `<h1>Where you are logged in</h1>
<table>
<tr><th scope="col">Browser</th><th scope="col">Since (UTC)</th><th scope="col"></th></tr>
${logins.map(row).join('\n')}
</table>
<p>These are your latest logins. “Log out everywhere” ends older ones too.</p>
<form method="post" class="buttons"><button class="quiet" formaction="/logout">Log out this browser</button>
<button class="quiet" formaction="/logout-everywhere">Log out everywhere</button></form>
<p><a href="/">Back to the start</a></p>`)
}

/** What a person reads when Redis is away and that makes a difference to them. */
export function sorryPage(text: string): string {
  return page('Not quite', `<h1>Not quite</h1>\n<p>${text}</p>\n<p><a href="/">Go to the start</a></p>`)
}

function page(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escape(title)} · seshcookie-http</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>${style}</style>
<header><span class="home">${escape(title)}, process ${process.pid}</span></header>
<main>
${main}
</main>
</html>
`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

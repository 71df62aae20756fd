import { readFileSync } from 'node:fs'
import { secured } from '../pages.js'
import type { Visit } from './app.js'

const style = readFileSync(new URL('style.css', secured), 'utf8') + `
table { border-collapse: collapse; margin: 2rem 0 }
th, td { border-top: 1px solid var(--line); padding: .5rem 2.5rem .5rem 0; text-align: left }
td { font-variant-numeric: tabular-nums }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.75rem }
button.quiet { min-height: 3rem }
`

/** What a person sees: who answered this time, and what the browser's cookie holds. */
export function visitPage({ name = '', note = '', views = 1, answered = {} }: Partial<Visit>, machine: string): string {
  const rows = Object.entries(answered).sort(([a], [b]) => a.localeCompare(b))
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Machine ${escape(machine)} · seshcookie-http</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>${style}</style>
<header><span class="home">Machine ${escape(machine)}, process ${process.pid}</span></header>
<main>
<h1>${name ? `${escape(name)}, this` : 'This'} is page view ${views}</h1>
<p class="lead">Machine ${escape(machine)} has answered. Reload the page: another one answers, and counts on.</p>
<table>
<tr><th scope="col">Machine</th><th scope="col">Answers to you</th></tr>
${rows.map(([key, count]) => `<tr><td>${escape(key)}</td><td>${count}</td></tr>`).join('\n')}
</table>
<p>All of this is in your browser's cookie, sealed. No machine remembers you, so any of them can end at any time:
try <code>kill -9 ${process.pid}</code> and reload.</p>
<form method="post" action="/">
<label for="name">Your name</label>
<input id="name" name="name" maxlength="64" value="${escape(name)}" autocomplete="given-name">
<label for="note">A note</label>
<input id="note" name="note" maxlength="500" value="${escape(note)}">
<p class="buttons"><button>Keep it in the cookie</button>
<button class="quiet" formaction="/forget">Forget me</button></p>
</form>
</main>
</html>
`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

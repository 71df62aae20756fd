import type { Visit } from './app.js'

/** What a person sees: who answered this time, and what the browser's cookie holds. */
export function visitPage({ name = '', note = '', views = 1, answered = {} }: Partial<Visit>, machine: string): string {
  const rows = Object.entries(answered).sort(([a], [b]) => a.localeCompare(b))
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Machine ${escape(machine)} · seshcookie-http</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
body { max-width: 34rem; margin: 8vh auto; padding: 0 1.25rem; font: 1.0625rem/1.6 system-ui, sans-serif }
h1 { font-size: 1.75rem; line-height: 1.2 }
table { border-collapse: collapse; margin: 1.5rem 0 }
th, td { padding: .25rem 1.5rem .25rem 0; text-align: left; border-bottom: 1px solid #8886 }
td { font-variant-numeric: tabular-nums }
label { display: block; margin-top: 1rem; font-weight: 600 }
input { box-sizing: border-box; width: 100%; padding: .5rem; font: inherit }
button { margin: 1rem .5rem 0 0; padding: .5rem 1rem; font: inherit }
</style>
<main>
<h1>${name ? `${escape(name)}, this` : 'This'} is page view ${views}, and machine ${escape(machine)} answered</h1>
<p>This answer is from process ${process.pid}. Reload the page: another one answers, and counts on.</p>
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
<button>Keep it in the cookie</button><button formaction="/forget">Forget me</button>
</form>
</main>
</html>
`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** Somebody else's site: frames, links and forms that lead wherever its address says. */
export function otherSite(req, res) {
  const { pathname, searchParams } = new URL(req.url, 'http://other.test')
  const to = escape(searchParams.get('to') ?? '')
  const fields = [...searchParams].filter(([name]) => name !== 'to')
    .map(([name, value]) => `<input name="${escape(name)}" value="${escape(value)}">`)
  const bodies = {
    '/frame': `<iframe src="${to}" width="600" height="400"></iframe>`,
    '/link': `<a href="${to}">go on</a>`,
    '/form': `<form method="post" action="${to}">${fields.join('')}<button>send</button></form>`,
    // What a sibling domain can try: any cookie it likes, for the whole of app.test.
    '/plant': '<p>planted</p>',
  }
  res.setHeader('content-type', 'text/html; charset=utf-8')
  if (pathname === '/plant') res.setHeader('set-cookie', searchParams.getAll('cookie'))
  res.statusCode = pathname in bodies ? 200 : 404
  res.end(`<!doctype html><title>Another site</title>${bodies[pathname] ?? ''}`)
}

function escape(text) {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

// The custom server leaves its routes on the request: what next bundles is another instance of every module.
export default async function handler(req, res) {
  const route = req.routes.get(`/${req.query.route}`)
  if (route === undefined) return res.status(404).send('nothing here')
  const { headers = {}, text, json, stream } = await route(req)
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  if (stream !== undefined) {
    for await (const part of stream) res.write(part)
    res.end()
  } else if (json !== undefined) {
    res.json(json)
  } else {
    res.send(text)
  }
}

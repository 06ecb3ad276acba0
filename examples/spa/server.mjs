// Serves the single-page app: four files and its settings. Any web server would do.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'

function setting(name) {
  const value = process.env[name]
  if (!value) {
    console.error(`set ${name}, as README.md says`)
    process.exit(1)
  }
  return value
}

const port = Number(setting('PORT'))
const settings = JSON.stringify({ issuer: setting('ISSUER'), clientId: setting('CLIENT_ID') })
const here = (file) => fileURLToPath(new URL(file, import.meta.url))
const library = new URL('../browser/oidc-client-ts.min.js', import.meta.resolve('oidc-client-ts'))

const files = {
  '/': [here('index.html'), 'text/html; charset=utf-8'],
  '/callback': [here('index.html'), 'text/html; charset=utf-8'],
  '/app.js': [here('app.js'), 'text/javascript; charset=utf-8'],
  '/oidc-client-ts.js': [fileURLToPath(library), 'text/javascript; charset=utf-8'],
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost')
  if (pathname === '/settings.json') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(settings)
    return
  }
  const found = files[pathname]
  if (!found) {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, { 'content-type': found[1], 'cache-control': 'no-store' }).end(await readFile(found[0]))
})
server.listen(port, '127.0.0.1', () => console.log(JSON.stringify({ listening: `http://127.0.0.1:${port}` })))

// A web app on Express whose people sign in with Lanyard, by @auth/express (Auth.js).
// It keeps who is signed in in a cookie of its own that only it can read.

import { ExpressAuth, getSession } from '@auth/express'
import express from 'express'

// setting reads what has to be said from outside.
function setting(name) {
  const value = process.env[name]
  if (!value) {
    console.error(`set ${name}, as README.md says`)
    process.exit(1)
  }
  return value
}

const issuer = setting('ISSUER')
const clientId = setting('CLIENT_ID')
const port = Number(setting('PORT'))

const auth = {
  providers: [
    { id: 'lanyard', name: 'Lanyard', type: 'oidc', issuer, clientId, clientSecret: setting('CLIENT_SECRET') },
  ],
  basePath: '/auth',
  secret: setting('AUTH_SECRET'),
  trustHost: true,
}

const escaped = (text) => String(text ?? '').replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

const page = (body) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Express with Lanyard</title>
<h1>Express with Lanyard</h1>
${body}
</html>`

const app = express()
// Express 5 has no "/auth/*", and the library finds its base path by the group.
app.use(/^\/auth\/(.*)$/, ExpressAuth(auth))

app.get('/', async (request, response) => {
  const session = await getSession(request, auth)
  if (!session) {
    const everywhere = `${issuer}/oauth/logout?client_id=${encodeURIComponent(clientId)}`
    response.send(page(`<p id="who">nobody</p>
<p><a id="sign-in" href="/auth/signin">Sign in</a></p>
<p><a id="sign-out-everywhere" href="${escaped(everywhere)}">Sign out of Lanyard, too</a></p>`))
    return
  }
  response.send(page(`<p id="who">${escaped(session.user.name)} ${escaped(session.user.email)}</p>
<p><a id="sign-out" href="/auth/signout">Sign out</a></p>`))
})

app.listen(port, '127.0.0.1', () => console.log(JSON.stringify({ listening: `http://127.0.0.1:${port}` })))

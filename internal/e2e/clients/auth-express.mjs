// A web app on @auth/express (Auth.js). Its page says who is signed in; it starts
// and ends a session on its own pages below /auth. It says one line of JSON when
// it listens.
//
//   node auth-express.mjs --issuer URL --client-id ID --port PORT
//     the secret is in CLIENT_SECRET

import { parseArgs } from 'node:util'
import { ExpressAuth, getSession } from '@auth/express'
import express from 'express'

const { values: options } = parseArgs({
  options: { issuer: { type: 'string' }, 'client-id': { type: 'string' }, port: { type: 'string' } },
})

const auth = {
  providers: [
    {
      id: 'lanyard',
      name: 'Lanyard',
      type: 'oidc',
      issuer: options.issuer,
      clientId: options['client-id'],
      clientSecret: process.env.CLIENT_SECRET,
    },
  ],
  basePath: '/auth',
  secret: 'a secret of the app alone, for its cookies',
  trustHost: true,
}

const app = express()
// Express 5 has no "/auth/*", and the library finds its base path by the group.
app.use(/^\/auth\/(.*)$/, ExpressAuth(auth))
app.get('/', async (request, response) => {
  const session = await getSession(request, auth)
  const who = session ? `${session.user.name} ${session.user.email}` : 'nobody'
  response.type('html').send(`<!doctype html><title>App</title><p id="who">${who}</p>`)
})
app.listen(Number(options.port), '127.0.0.1', () => console.log(JSON.stringify({ event: 'listening' })))

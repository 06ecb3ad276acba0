// An upstream on oidc-provider, with the pages that it brings for development: whoever
// types a name at its sign-in is that person, with an address at upstream.test. The
// line on standard output says that it listens.
//
//   node oidc-provider.mjs --port PORT --redirect-uri URI
//     the client is "downstream", its secret is in CLIENT_SECRET

import { generateKeyPairSync } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Provider } from 'oidc-provider'

const { values: options } = parseArgs({
  options: { port: { type: 'string' }, 'redirect-uri': { type: 'string' } },
})

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const issuer = `http://127.0.0.1:${options.port}`

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'downstream',
    client_secret: process.env.CLIENT_SECRET,
    redirect_uris: [options['redirect-uri']],
  }],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'first' }] },
  cookies: { keys: ['only a test reads these cookies'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  // The address stands in the ID token, where it is believed; the name only at userinfo.
  conformIdTokenClaims: true,
  async findAccount(ctx, id) {
    return {
      accountId: id,
      async claims(use) {
        return { sub: id, email: `${id}@upstream.test`, email_verified: true, name: `Madam ${id}`, asked: use }
      },
    }
  },
})

provider.listen(Number(options.port), '127.0.0.1', () => {
  console.log(JSON.stringify({ event: 'listening', issuer }))
})

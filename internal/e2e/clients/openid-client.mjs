// A relying party on openid-client that does all a web app does: it sends a
// person to sign in, exchanges the code, reads userinfo, refreshes, introspects,
// and signs out or revokes. Each step is one line of JSON on standard output; the
// person's part (following the "authorize" and "logout" addresses in a browser)
// is the caller's.
//
//   node openid-client.mjs --issuer URL --client-id ID --redirect-uri URI
//     [--post-logout-redirect-uri URI]  sign out at the end; revoke without it
//     [--scope "openid ..."] [--resource URI] [--response-mode form_post]
//     [--auth basic|post|none]          the secret is in CLIENT_SECRET
//
// Nothing is trusted that the library can check: the ID token's signature is
// verified although it came straight from the token endpoint.

import { createServer } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import * as oidc from 'openid-client'

const { values: options } = parseArgs({
  options: {
    issuer: { type: 'string' },
    'client-id': { type: 'string' },
    'redirect-uri': { type: 'string' },
    'post-logout-redirect-uri': { type: 'string' },
    scope: { type: 'string', default: 'openid profile email offline_access' },
    resource: { type: 'string' },
    'response-mode': { type: 'string' },
    auth: { type: 'string', default: 'basic' },
  },
})

const tell = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }))

const authentication = {
  basic: () => oidc.ClientSecretBasic(process.env.CLIENT_SECRET),
  post: () => oidc.ClientSecretPost(process.env.CLIENT_SECRET),
  none: () => oidc.None(),
}[options.auth]()

// requests serves the relying party's own address and yields what the browser
// sends there, as fetch Requests; anything else (a favicon) is answered 404.
async function* requests(addresses) {
  const arrived = []
  let wake = () => {}
  const server = createServer(async (incoming, answer) => {
    const url = new URL(incoming.url, options['redirect-uri'])
    if (!addresses.includes(url.pathname)) {
      answer.writeHead(404).end()
      return
    }
    const body = incoming.method === 'POST' ? await text(incoming) : undefined
    answer.setHeader('Content-Type', 'text/html')
    answer.end(`<!doctype html><title>App</title><p id="app">${url.pathname}</p>`)
    arrived.push(new Request(url, { method: incoming.method, headers: incoming.headers, body }))
    wake()
  })
  const { hostname, port } = new URL(options['redirect-uri'])
  await once(server.listen(Number(port), hostname === 'localhost' ? undefined : hostname), 'listening')
  try {
    for (;;) {
      while (arrived.length === 0) await new Promise((resolve) => (wake = resolve))
      yield arrived.shift()
    }
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

// refused runs a step that must fail and returns the OAuth error it fails with.
async function refused(step) {
  try {
    await step()
  } catch (error) {
    // The token endpoint says it in JSON, a protected resource in WWW-Authenticate.
    return error.error ?? error.cause?.[0]?.parameters?.error ?? `${error.name}: ${error.message}`
  }
  return 'nothing: it was accepted'
}

const config = await oidc.discovery(
  new URL(options.issuer),
  options['client-id'],
  undefined,
  authentication,
  { execute: [oidc.allowInsecureRequests] }, // the issuer is plain http on loopback
)
oidc.enableNonRepudiationChecks(config)

const afterLogout = options['post-logout-redirect-uri']
const paths = [options['redirect-uri'], afterLogout].filter(Boolean).map((uri) => new URL(uri).pathname)
const browser = requests(paths)
const next = async () => (await browser.next()).value

// Sign in.
const verifier = oidc.randomPKCECodeVerifier()
const state = oidc.randomState()
const nonce = oidc.randomNonce()
const arriving = next() // listen before the address is told
const parameters = {
  redirect_uri: options['redirect-uri'],
  scope: options.scope,
  state,
  nonce,
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
}
if (options.resource) parameters.resource = options.resource
if (options['response-mode']) parameters.response_mode = options['response-mode']
tell('authorize', { url: oidc.buildAuthorizationUrl(config, parameters).href })

const callback = await arriving
const tokens = await oidc.authorizationCodeGrant(
  config,
  callback.method === 'POST' ? callback : new URL(callback.url),
  { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
)
const claims = tokens.claims()
tell('tokens', {
  method: callback.method,
  claims,
  scope: tokens.scope,
  token_type: tokens.token_type,
  expires_in: tokens.expires_in,
  refresh_token: Boolean(tokens.refresh_token),
})

tell('userinfo', { claims: await oidc.fetchUserInfo(config, tokens.access_token, claims.sub) })

const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token)
tell('refresh', {
  rotated: refreshed.refresh_token !== tokens.refresh_token,
  new_access_token: refreshed.access_token !== tokens.access_token,
  claims: refreshed.claims() ?? null,
})

if (options.auth !== 'none') {
  tell('introspect', { answer: await oidc.tokenIntrospection(config, refreshed.access_token) })
}

// Sign out, or hand the tokens back.
if (afterLogout) {
  const logoutState = oidc.randomState()
  const leaving = next()
  const url = oidc.buildEndSessionUrl(config, {
    id_token_hint: refreshed.id_token ?? tokens.id_token,
    post_logout_redirect_uri: afterLogout,
    state: logoutState,
  })
  tell('logout', { url: url.href })
  const back = new URL((await leaving).url)
  tell('signed-out', { path: back.pathname, state_matches: back.searchParams.get('state') === logoutState })
} else {
  await oidc.tokenRevocation(config, refreshed.refresh_token)
  tell('revoked')
}

tell('after', {
  refresh: await refused(() => oidc.refreshTokenGrant(config, refreshed.refresh_token)),
  userinfo: await refused(() => oidc.fetchUserInfo(config, refreshed.access_token, claims.sub)),
})
await browser.return()

// The app itself, on oidc-client-ts. It is a public client: it has no secret, PKCE is
// what protects its codes, and its tokens live as long as this tab.

/* global oidc */
const show = (id, text) => {
  document.getElementById(id).textContent = text
}

const { issuer, clientId } = await (await fetch('/settings.json')).json()
const manager = new oidc.UserManager({
  authority: issuer,
  client_id: clientId,
  redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile email',
  loadUserInfo: true, // the ID token has no name in it
  userStore: new oidc.WebStorageStateStore({ store: sessionStorage }),
})

// attempt does one step and shows what it led to, errors too.
async function attempt(state, step) {
  try {
    const user = await step()
    if (user) {
      show('who', user.profile.name)
      show('claims', JSON.stringify(user.profile, null, 2))
    }
    show('state', state)
  } catch (error) {
    show('state', `${state}: that failed. ${error.message}`)
  }
}

document.getElementById('sign-in').onclick = () => attempt('leaving', () => manager.signinRedirect())
document.getElementById('refresh').onclick = () => attempt('refreshed', () => manager.signinSilent())
document.getElementById('sign-out').onclick = () => attempt('leaving', () => manager.signoutRedirect())

if (location.pathname === '/callback') {
  await attempt('signed in', () => manager.signinCallback())
  history.replaceState(null, '', '/') // the code is spent: loading the page again is no second try
} else {
  const user = await manager.getUser()
  await attempt(user ? 'signed in' : 'ready', () => user)
}

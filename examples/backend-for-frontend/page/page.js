// The page has no token and needs none: its requests carry the cookie.
const answer = await fetch('/api/me')
const me = answer.ok ? await answer.json() : undefined
document.getElementById('who').textContent = me ? `${me.name} ${me.email}` : 'nobody'
document.getElementById(me ? 'sign-in' : 'sign-out').hidden = true

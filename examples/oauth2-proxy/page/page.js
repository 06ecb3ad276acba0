// The proxy tells the page who it let in. Servers behind it read X-Forwarded-Email.
const who = await (await fetch('/oauth2/userinfo')).json()
document.getElementById('who').textContent = `${who.preferredUsername} ${who.email}`

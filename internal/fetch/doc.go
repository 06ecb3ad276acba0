// Package fetch is the only outbound HTTP client for addresses that a client,
// a user or an organization can influence: key sets, sector identifiers, logos,
// webhooks, logout notifications, upstream providers.
//
// It stands between a stranger's URL and the network the server lives in:
//
//   - the URL is read strictly: https, port 443, a public name or a canonical
//     public address, no userinfo, no zone, no other spelling of a number;
//   - the address is checked when the socket is about to connect, after every
//     resolution, so that a name that answers differently the second time
//     changes nothing;
//   - no redirect is followed, no proxy is taken from the environment, no
//     cookie is kept, no connection is reused;
//   - one request takes at most [Timeout] and an answer has at most [MaxBody]
//     bytes.
//
// The operator, never a tenant, may name peers (exact host and port) that are
// exempt, and a proxy. With a proxy it is the proxy that resolves names, so it
// is the proxy that must refuse private destinations; the rules for the text of
// a URL still hold.
//
// Callers learn [ErrRefused] or [ErrUnavailable] and nothing of the cause; the
// cause goes to the log. A caller must show strangers one text for both, because
// the difference tells whether a name resolves to a private address here.
//
// Not here: caching, retries, and the meaning of what was fetched.
package fetch

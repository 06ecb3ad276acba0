// Package loginui is what people see: the sign-in pages, the pages around signing
// out, the set-up page, every error page, and the pages of the development server.
//
// A handler parses, calls one deed and renders. The steps of a sign-in and
// whether they are due are decided in provider/flow; signing out and answering a
// client in provider; the console has a package of its own below this one.
// Endpoints of provider render through methods of [Pages], whose parameters are
// words of the root package and of internal/web.
//
// Pages are plain HTML that works without script; the modules in assets only add
// (showing a password, a hint, sending a form_post answer by itself). Nothing is
// in line: one stylesheet, one more for a tenant's colour, small script files,
// all from our own origin under names with a hash of their content.
//
// A form that is shown again with a message has the status 200: the request was
// understood and answered, 401 would demand a WWW-Authenticate challenge
// (RFC 9110 §15.5.2), and password managers take errors for a lost page. A throttled
// form has a status of its own, 429, because programs must heed it, and one of the
// account pages that what is there forbids has 409.
//
// The way to an upstream leads over a page of our own with a Refresh header: a redirect
// would follow a form, and browsers hold it against form-action.
//
// The language is the person's own choice (parameter lang, then a cookie), else
// the application's (ui_locales), else the browser's (Accept-Language).
//
// Invariant: everything shown passes html/template; what clients and tenants call
// themselves is cleaned first (see plain), so that no name can dress up as text
// of ours.
package loginui

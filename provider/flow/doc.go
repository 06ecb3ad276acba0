// Package flow is the sign-in as a state machine without HTTP: a table of steps,
// each due or not, and one function that finishes every sign-in.
//
// The endpoints in provider begin and resume a request, the pages in login-ui
// show a step and post its form. Nothing here knows cookies, redirects or HTML;
// a Visitor carries what the cookies prove.
//
// Invariant: a request moves only with the binding secret of the browser that
// began it, and a code is made only when no step is due.
package flow

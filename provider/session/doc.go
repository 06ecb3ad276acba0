// Package session starts and ends the sessions of a browser.
//
// Start is the only way a session begins: it gives the browser a new cookie secret
// and kills the old one (session fixation), while row and sid of a person who
// proves again stay. What decides that a person may sign in is in provider/flow.
package session

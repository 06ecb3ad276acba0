// Package mail makes mails of letters and hands them to a mail server.
//
// A Letter says what a mail is about; templates per kind and language, ours or
// the tenant's, give it words. When a mail is sent, and what happens when it can
// not be, is decided by the job that delivers.
//
// Invariant: nothing that a person or a tenant chose can add a header, a recipient
// or a link to a mail.
package mail

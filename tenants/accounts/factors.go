package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Factors are what a user can prove who they are with, on the browser with the cookie hash.
func (a *Accounts) Factors(ctx context.Context, t Tenancy, user lanyard.UserID, browserHash []byte, now time.Time) (lanyard.Factors, error) {
	return t.Scope.Factors(ctx, user, browserHash, now)
}

// Enrolment is a second factor that was shown to work and is not active yet.
type Enrolment struct {
	Method lanyard.Method
	// Session is the session that the factor is added in, if there is one; it goes
	// on when the others end.
	Session lanyard.SessionID

	tenancy Tenancy
	user    lanyard.User
	from    From
	now     time.Time
	event   lanyard.EventType
	detail  map[string]string
	// subject is what the notice calls the factor.
	subject string
	// enrol stores the factor, given what there is already.
	enrol func(ctx context.Context, tx storage.Scope, f lanyard.Factors) error
	apply func(ctx context.Context, tx storage.Scope, e Enrolment) ([]lanyard.Secret, error)
}

// Apply makes the factor active inside the transaction of what it is used for. The
// first second factor of a user brings recovery codes, to be shown this once. The
// user's revision grows. A user who is turned off is lanyard.ErrUserDisabled, a
// change at the same time lanyard.ErrConflict.
func (e Enrolment) Apply(ctx context.Context, tx storage.Scope) ([]lanyard.Secret, error) {
	return e.apply(ctx, tx, e)
}

func (a *Accounts) applyEnrolment(ctx context.Context, tx storage.Scope, e Enrolment) ([]lanyard.Secret, error) {
	f, err := holdFactors(ctx, tx, e.user.ID, e.now)
	if err != nil {
		return nil, err
	}
	if err := e.enrol(ctx, tx, f); err != nil {
		return nil, err
	}
	var codes []lanyard.Secret
	if f.RecoveryCodes == 0 {
		if codes, err = putRecoveryCodes(ctx, tx, e.tenancy.MACs, e.user.ID, e.now); err != nil {
			return nil, err
		}
	}
	return codes, a.changed(ctx, tx, change{
		user: e.user, except: e.Session, event: e.event, detail: e.detail,
		notice: lanyard.MailFactorAdded, subject: e.subject, from: e.from, now: e.now,
	})
}

// addFactor applies an enrolment on the account page.
func (a *Accounts) addFactor(ctx context.Context, t Tenancy, actor Actor, e Enrolment, now time.Time) ([]lanyard.Secret, error) {
	e.Session = actor.Session.ID
	var codes []lanyard.Secret
	err := risky(ctx, t, actor, now, func(tx storage.Scope, _ lanyard.Factors) error {
		var err error
		codes, err = e.Apply(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// removal takes a second factor away.
type removal struct {
	event   lanyard.EventType
	detail  map[string]string
	subject string
	// check refuses the removal, given what there is.
	check func(ctx context.Context, tx storage.Scope, f lanyard.Factors) error
	// left is what the user has afterwards.
	left   func(lanyard.Factors) lanyard.Factors
	remove func(ctx context.Context, tx storage.Scope) error
}

func (a *Accounts) removeFactor(ctx context.Context, t Tenancy, actor Actor, r removal, now time.Time) error {
	return risky(ctx, t, actor, now, func(tx storage.Scope, f lanyard.Factors) error {
		if err := r.check(ctx, tx, f); err != nil && (actor.By == "" || !errors.Is(err, lanyard.ErrLastWayIn)) {
			return err
		}
		last := !r.left(f).Second()
		if last && actor.By == "" && t.Tenant.Policy.SecondFactor == lanyard.SecondFactorRequired {
			return lanyard.ErrConflict.Saying("a second factor is required here: add another one first")
		}
		if err := r.remove(ctx, tx); err != nil {
			return err
		}
		if last {
			if err := tx.DropSecondFactor(ctx, actor.User.ID); err != nil {
				return err
			}
		}
		return a.changed(ctx, tx, change{
			user: actor.User, by: actor.By, except: actor.Session.ID, event: r.event, detail: r.detail,
			notice: lanyard.MailFactorRemoved, subject: r.subject, from: actor.From, now: now,
		})
	})
}

// risky runs a change in one transaction, after a look at how fresh the proof is,
// with the user's factors as they are until it is over.
func risky(ctx context.Context, t Tenancy, actor Actor, now time.Time, do func(tx storage.Scope, f lanyard.Factors) error) error {
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		f, err := actor.hold(ctx, tx, now)
		if err != nil {
			return err
		}
		if err := actor.checkFresh(f, now); err != nil {
			return err
		}
		return do(tx, f)
	})
}

// hold is holdFactors; for somebody else than the person also of an account that is turned off.
func (p Actor) hold(ctx context.Context, tx storage.Scope, now time.Time) (lanyard.Factors, error) {
	if p.By == "" {
		return holdFactors(ctx, tx, p.User.ID, now)
	}
	if err := tx.LockUser(ctx, p.User.ID); err != nil {
		return lanyard.Factors{}, err
	}
	return tx.Factors(ctx, p.User.ID, nil, now)
}

// holdFactors reads what a user has and keeps it so until the end of the transaction.
func holdFactors(ctx context.Context, tx storage.Scope, user lanyard.UserID, now time.Time) (lanyard.Factors, error) {
	f, err := tx.Factors(ctx, user, nil, now)
	if err != nil {
		return lanyard.Factors{}, err
	}
	if f.Disabled {
		return lanyard.Factors{}, lanyard.ErrUserDisabled
	}
	return f, tx.HoldUser(ctx, user, f.Revision)
}

// orElse is another error in place of lanyard.ErrNotFound: a proof that somebody
// else was faster to use, or that nobody has.
func orElse(err error, absent *lanyard.Error) error {
	if errors.Is(err, lanyard.ErrNotFound) {
		return absent
	}
	return err
}

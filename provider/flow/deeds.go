package flow

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// Page gives what is needed to show the step that is due. StepDone means that
// /oauth/resume has the next word.
func (f *Flow) Page(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor) (Page, error) {
	s, err := f.load(ctx, live, id, v)
	if err != nil {
		page := Page{}
		if s != nil {
			page.Client = s.client
		}
		return page, err
	}
	page := Page{
		Step: s.due(), Request: s.request, Client: s.client, Accounts: s.shown(), Account: s.account(), Person: s.person,
		KeepSignedIn: !live.Tenant.Policy.NoKeepSignedIn, RedirectOrigin: lanyard.Origin(s.request.Params.RedirectURI),
		Factors: s.factors, Policy: s.policy,
	}
	if s.request.Denied {
		page.Step = StepDone
	}
	page.Reproof = page.Account != nil && s.proving()
	page.Ways = s.ways(page.Step)
	if page.Step == StepFactor {
		page.Way = s.factorWay()
	}
	page.MayRemember = page.Step == StepFactor && !s.policy.NoRememberDevice && !s.sudo()
	page.MaySkip = page.Step == StepEnrol && s.maySkip()
	page.Asked = s.asked(live)
	page.Token = stepToken(v.Binding, id, page.Step)
	s.showConnections(&page)
	if err := f.choices(ctx, live, s, &page); err != nil {
		return Page{}, err
	}
	if page.Step == StepEnrol {
		page.TOTP, err = f.Accounts.BeginTOTP(ctx, live.Tenancy(), *s.whose(), string(id), s.now)
	}
	return page, err
}

// asked are the scopes that the consent page explains: those not agreed to
// before, all of them when the client wants them shown.
func (s *state) asked(live *tenants.Live) []ScopeText {
	var out []ScopeText
	a := s.account()
	for _, scope := range s.request.Params.Scopes {
		known := a != nil && a.Consented.Has(scope) && !s.request.Params.Prompts(lanyard.PromptConsent)
		if scope != lanyard.ScopeOpenID && !strings.HasPrefix(scope, lanyard.ScopeOrganization) && !known {
			out = append(out, describe(live, s.request.Params.Resources, scope))
		}
	}
	return out
}

func describe(live *tenants.Live, resources []string, scope string) ScopeText {
	if lanyard.StandardScope(scope) {
		return ScopeText{Name: scope}
	}
	for _, indicator := range resources {
		r, err := live.Resource(indicator)
		if err != nil {
			continue
		}
		for _, known := range r.Scopes {
			if known.Name == scope {
				return ScopeText{Name: scope, Description: known.Description, Resource: r.Name}
			}
		}
	}
	return ScopeText{Name: scope}
}

// stepToken is the value that a form has to carry. It is made under the binding
// secret, that only the browser has, and holds for one step of one request.
func stepToken(binding lanyard.Secret, id lanyard.AuthRequestID, step Step) string {
	h := hmac.New(sha256.New, []byte(binding.Reveal()))
	h.Write([]byte("step " + string(step) + " " + string(id)))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// accept loads the request for a form of one of the steps. A forged form is
// lanyard.ErrForgedForm. ok is false when the step is not due (any more): a form
// sent twice leads on instead of failing.
func (f *Flow) accept(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, of ...Step) (s *state, ok bool, err error) {
	s, err = f.load(ctx, live, id, v)
	if err != nil {
		return nil, false, err
	}
	i := slices.IndexFunc(of, func(step Step) bool { return hmac.Equal([]byte(token), []byte(stepToken(v.Binding, id, step))) })
	if i < 0 {
		return nil, false, lanyard.ErrForgedForm
	}
	s.request.Refusal = "" // it was seen
	return s, !s.request.Denied && s.due() == of[i], nil
}

// save stores the progress and tells the step that follows.
func (f *Flow) save(ctx context.Context, scope storage.Scope, s *state) error {
	err := scope.UpdateAuthRequest(ctx, s.request, s.now)
	if errors.Is(err, lanyard.ErrConflict) {
		return lanyard.ErrStaleFlow
	}
	return err
}

// Identify takes the sign-in name. It tells nobody whether somebody has it.
func (f *Flow) Identify(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token, username string) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepIdentify)
	if err != nil || !ok {
		return s.moved(), err
	}
	const longest = 254
	if username == "" || len(username) > longest {
		return Moved{}, lanyard.ErrBadInput.Saying("the sign-in name is empty or too long")
	}
	s.request.Identifier = username
	if err := f.homeRealm(ctx, live, s, username); err != nil {
		return Moved{}, err
	}
	if s.request.Way.Connection() != "" {
		if err := f.loadPeople(ctx, live, s, v); err != nil {
			return Moved{}, err
		}
	}
	return s.moved(), f.save(ctx, live.Scope, s)
}

// Choose takes the account to go on with; an empty session means another account.
func (f *Flow) Choose(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, chosen lanyard.SessionID) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepChoose)
	if err != nil || !ok {
		return s.moved(), err
	}
	s.request.Chosen = true
	if chosen != "" {
		a := find(s.shown(), func(a lanyard.Account) bool { return a.Session.ID == chosen })
		if a == nil {
			return Moved{}, lanyard.ErrNotFound
		}
		if a.Session.Usable(s.now) && !a.User.Disabled {
			s.request.SessionID = chosen
		} else {
			s.request.Identifier = a.User.SignInName()
		}
	}
	return s.moved(), f.save(ctx, live.Scope, s)
}

// Back gives up the way that was chosen, the typed name, the account that would
// have to prove itself again, or what was proved so far.
func (f *Flow) Back(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepPassword, StepPasskey, StepEmailCode, StepSignUp, StepSignUpCode, StepForgot, StepFactor,
		StepInvitation, StepNotMember, StepOrganization, StepConnection, StepLink)
	if err != nil || !ok {
		return s.moved(), err
	}
	if s.due() == StepSignUpCode { // another address for the new account
		s.request.Identifier = ""
		return s.moved(), f.save(ctx, live.Scope, s)
	}
	s.request.Identifier, s.request.SessionID, s.request.Chosen = "", "", true
	s.request.Way, s.request.Progress, s.request.Arrival, s.person = "", nil, nil, nil
	if !s.request.Joined { // another name may lead to another organization
		s.request.OrganizationID = ""
		if s.request.Params.Organization == "" && s.offer == nil {
			s.home = lanyard.Organization{}
		}
	}
	return s.moved(), f.save(ctx, live.Scope, s)
}

// Consent takes the person's yes or no. What is agreed to is what the request
// asked for, never what the form says; it is remembered with the yes.
func (f *Flow) Consent(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, allow bool) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepConsent)
	if err != nil || !ok {
		return s.moved(), err
	}
	if !allow {
		s.request.Denied = true
		return Moved{Next: StepDone}, f.save(ctx, live.Scope, s)
	}
	a := s.account()
	s.request.Agreed, s.request.SessionID = true, a.Session.ID
	err = live.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := f.save(ctx, tx, s); err != nil || !a.Session.Opens("") {
			return err // an organization's word is no consent of the person's for other sign-ins
		}
		return s.remember(ctx, tx, a)
	})
	return s.moved(), err
}

// remember adds the request's scopes and resources to what the person agreed to before.
func (s *state) remember(ctx context.Context, tx storage.Scope, a *lanyard.Account) error {
	resources := append([]string(nil), a.ConsentedResources...)
	for _, r := range s.request.Params.Resources {
		if !covers(resources, []string{r}) {
			resources = append(resources, r)
		}
	}
	if err := tx.PutConsent(ctx, lanyard.Consent{
		UserID: a.User.ID, ClientID: s.client.ID, Scopes: a.Consented.With(s.request.Params.Scopes), Resources: resources, GrantedAt: s.now,
	}); err != nil {
		return err
	}
	return tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventConsentGranted, At: s.now, Actor: string(a.User.ID), UserID: a.User.ID, ClientID: s.client.ID,
		SessionID: a.Session.ID, Detail: map[string]string{"scope": s.request.Params.Scopes.String()},
	})
}

// moved names the step that is due after a form.
func (s *state) moved() Moved {
	if s == nil || s.request.Denied {
		return Moved{Next: StepDone}
	}
	return Moved{Next: s.due()}
}

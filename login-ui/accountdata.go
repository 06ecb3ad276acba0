package loginui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// dataDeeds hand out and delete what is kept about a person.
type dataDeeds interface {
	ExportData(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, now time.Time) (accounts.Export, error)
	AskDeletion(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, now time.Time) error
	UndoDeletion(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, now time.Time) error
}

// dataView is the page of what is kept about the person (A9).
type dataView struct {
	*accountPage
	// Name has to be typed to delete the account.
	Name string
	// Typed is what was typed for it.
	Typed string
	// Grace is for how many days the account can be kept after all.
	Grace int
	// Deletion is the day on which the account is erased; empty for never.
	Deletion string
}

func (p *Pages) dataScreen() screen {
	return screen{path: pathData, area: pathData, heading: "account.data.heading", template: "accountdata.html", view: p.viewData}
}

func (p *Pages) dataForms() []accountForm {
	at := p.dataScreen()
	return []accountForm{
		{path: pathData + "/export", at: at, do: p.export, explain: noMistakes},
		{path: pathData + "/delete", at: at, do: p.askDeletion, explain: either(wrongFields, onlyOwner)},
		{path: pathData + "/keep", at: at, do: p.undoDeletion, explain: noMistakes},
	}
}

func (p *Pages) viewData(c *gin.Context, v *accountPage) (any, error) {
	factors, err := p.factors(c, v.me)
	if err != nil {
		return nil, err
	}
	const day = 24 * time.Hour
	out := dataView{accountPage: v, Name: plain(nameToType(v.me.User)), Typed: typed(c, "username", "")}
	out.Grace = int((live(c).Tenant.Policy.GraceBeforeDeletion() + day - 1) / day)
	out.Deletion, err = v.deletion(factors)
	return out, err
}

func (p *Pages) export(c *gin.Context, me self, _ posted) (web.Handler, error) {
	data, err := p.Accounts.ExportData(c.Request.Context(), live(c).Tenancy(), me.Actor, p.Clock.Now())
	if err != nil {
		return nil, err
	}
	body, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write an export: %w", err)
	}
	return download("account.json", append(body, '\n')), nil
}

// nameToType is what a person types to show that they mean it.
func nameToType(u lanyard.User) string {
	if name := u.SignInName(); name != "" {
		return name
	}
	return u.Subject
}

func (p *Pages) askDeletion(c *gin.Context, me self, f posted) (web.Handler, error) {
	if !sameName(f.value("username"), nameToType(me.User)) {
		return nil, wrongField{mistake{field: "username", key: "account.data.other_name", args: []any{"Name", plain(nameToType(me.User))}}}
	}
	return done(pathData, "deletion_asked"), p.Accounts.AskDeletion(c.Request.Context(), live(c).Tenancy(), me.Actor, p.Clock.Now())
}

// sameName compares sign-in names as the sign-in does.
func sameName(typed, name string) bool {
	typed = strings.TrimSpace(typed)
	if typed == name {
		return true
	}
	a, err := lanyard.CanonicalName(typed)
	if err != nil {
		return false
	}
	b, err := lanyard.CanonicalName(name)
	return err == nil && a == b
}

// onlyOwner names the organizations that would be left without one.
func onlyOwner(err error) words {
	var e *lanyard.Error
	if !errors.As(err, &e) || e.Code != lanyard.ErrConflict.Code {
		return nil
	}
	names := plain(strings.TrimPrefix(e.Message, "you are the only owner of "))
	return func(s *step) error { return s.problem("", "account.data.only_owner", "Names", names) }
}

func (p *Pages) undoDeletion(c *gin.Context, me self, _ posted) (web.Handler, error) {
	return done(pathAccount, "deletion_undone"), p.Accounts.UndoDeletion(c.Request.Context(), live(c).Tenancy(), me.Actor, p.Clock.Now())
}

package loginui

import (
	"context"
	"errors"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// maxPassword is the longest password that is looked at, in bytes.
const maxPassword = accounts.MaxPassword

// passwordView is the page that asks for the password (L3, L16).
type passwordView struct {
	*step
	Keep bool
}

func (p *Pages) password(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	password, err := f.password()
	if err != nil {
		return flow.Moved{}, err
	}
	return p.Flow.Password(ctx, live, f.id, v, f.token, password, f.ticked("keep"))
}

// password is what was typed into the field for one.
func (f posted) password() (lanyard.Secret, error) {
	password := f.value("password")
	switch {
	case password == "":
		return lanyard.Secret{}, errEmptyField
	case len(password) > maxPassword:
		return lanyard.Secret{}, errLongPassword
	}
	return lanyard.SecretOf(password), nil
}

// errLongPassword is no mistake of a person: the field takes no more.
var errLongPassword = lanyard.ErrInvalidRequest.Saying("the password is longer than 1024 bytes")

// A wrong password and an unknown name are one and the same.
var passwordMistakes = among(
	mistake{errEmptyField, "password", "password.empty", nil},
	mistake{lanyard.ErrWrongCredentials, "password", "password.wrong", nil},
	mistake{lanyard.ErrBadInput, "password", "password.wrong", nil},
)

func renderPassword(p *Pages, c *gin.Context, s *step, status int) error {
	key := "password.heading"
	if s.Page.Reproof {
		key = "password.heading_again"
	}
	title, err := s.T("password.title", "App", s.App)
	s.title = title
	if err := errors.Join(err, s.heading(key, "App", s.App)); err != nil {
		return err
	}
	return p.show(c, status, "password.html", passwordView{s, c.Request.PostForm.Get("keep") != ""})
}

// back lets the person type another sign-in name, or begin otherwise.
func (p *Pages) back(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	return p.Flow.Back(ctx, live, f.id, v, f.token)
}

// maxWay bounds the name of a way; longer ones name nothing.
const maxWay = 128

// takeWay goes on by another way; an empty one leads back to the usual page.
func (p *Pages) takeWay(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	way := f.value("way")
	if len(way) > maxWay {
		return flow.Moved{}, lanyard.ErrNotOffered
	}
	return p.Flow.TakeWay(ctx, live, f.id, v, f.token, lanyard.Way(way))
}

package console

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// part is a list that belongs to a thing: the first page of it.
type part[T any] struct {
	title, none string
	heads       []string
	deed        func(ctx context.Context, a management.Administrator, q management.Query) (management.List[T], error)
	row         func(T) []cell
	actions     []link
	// limit is how much is shown; 0 for partLimit.
	limit int
}

// partLimit is how much of a list a page shows that is about something else.
const partLimit = 25

func partOf[T any](x *visit, p part[T]) (block, error) {
	if p.limit == 0 {
		p.limit = partLimit
	}
	found, err := p.deed(x.ctx(), x.Administrator, management.Query{Limit: p.limit})
	if err != nil {
		return nil, err
	}
	t := table{Title: p.title, Part: true, Columns: p.heads, Empty: empty{Text: p.none}, Actions: p.actions}
	for _, each := range found.Items {
		t.Rows = append(t.Rows, p.row(each))
	}
	if found.Next != "" {
		t.Title += ", the first " + strconv.Itoa(p.limit)
	}
	return t, nil
}

// press is a button for a thing of the page's thing, for those who may.
func (x *visit) press(permission, text, path, item, about string) []button {
	if !x.may(permission) {
		return nil
	}
	return []button{{Text: text, Action: x.at(path, "id", x.id(), "org", x.q("org"), "item", item), Label: text + " " + about}}
}

func (c *Console) user(x *visit) (*view, error) {
	u, err := c.Management.User(x.ctx(), x.Administrator, x.userID())
	if err != nil {
		return nil, err
	}
	v := &view{Title: userName(u), Crumbs: []link{{"Users", x.at("/users")}}, Copy: []command{
		{CLI: "lanyard user get " + x.id(), Method: "GET", Path: "/users/" + x.id()},
	}}
	if x.may(lanyard.MayManageUsers) {
		v.Actions = []link{{"Change", x.at("/user/edit", "id", x.id())}, {"Set password", x.at("/user/password", "id", x.id())}, {"Delete", x.at("/user/remove", "id", x.id())}}
	}
	v.add(userFacts(x, u))
	for _, more := range []func(*visit) (block, error){c.userEmails, c.userAuthenticators, c.userSessions, c.userGrants, c.userIdentities} {
		b, err := more(x)
		if err != nil {
			return nil, err
		}
		v.add(b)
	}
	if !x.may(lanyard.MayManageUsers) {
		return v, nil
	}
	v.add(form{Title: "Add an address", Folded: true, Action: x.at("/user/email", "id", x.id()), Submit: "Add", Fields: []field{
		{Name: "address", Label: "E-mail address", Kind: kindEmail, Required: true}, check("verified", "The address is verified", false, ""),
	}})
	return v.add(userSwitch(x, u)), nil
}

func userSwitch(x *visit, u management.User) form {
	if u.Disabled {
		return form{Title: "Turn the account on", Text: "The person can sign in again.", Action: x.at("/user/enable", "id", x.id()), Submit: "Turn on"}
	}
	return form{
		Title: "Turn the account off", Text: "All sessions and grants end at once, and nobody can sign in with it. Nothing is deleted.",
		Action: x.at("/user/disable", "id", x.id()), Submit: "Turn off", Danger: true,
	}
}

func userFacts(x *visit, u management.User) facts {
	f := facts{Title: "Profile"}
	email := or(u.Email, "none")
	if u.Email != "" {
		email = email.with(verified(u.EmailVerified))
	}
	f.put("Status", userState(u)).put("Sign-in address", email).put("Username", or(u.Username, "none"))
	f.put("Roles in the tenant", named(u.Roles, "none")).put("Language and time zone", or(strings.TrimSpace(u.Locale+" "+u.Zoneinfo), "not known"))
	f.put("Subject (sub)", copyable(u.Subject)).put("Id", copyable(string(u.ID))).put("Created", x.moment(u.CreatedAt, "not known"))
	if !u.DeleteAt.IsZero() {
		f.put("Will be erased", x.moment(u.DeleteAt, ""))
	}
	if x.may(lanyard.MayReadEvents) {
		f.Actions = []link{{"What happened", x.at("/events", "user", x.id())}}
	}
	return f
}

func verified(yes bool) cell {
	if yes {
		return tag("verified", "good")
	}
	return tag("not verified", "warn")
}

func (c *Console) userEmails(x *visit) (block, error) {
	return partOf(x, part[management.UserEmail]{
		title: "E-mail addresses", none: "There is no address.", heads: []string{"Address", "Status", "Added", ""}, deed: forUser(x, c.Management.UserEmails),
		row: func(e management.UserEmail) []cell {
			state := tags(verified(e.Verified))
			var can []button
			if e.Primary {
				state = state.with(tag("primary", "plain"))
			} else {
				can = append(can, x.press(lanyard.MayManageUsers, "Make primary", "/user/email/primary", e.ID, e.Address)...)
				can = append(can, x.press(lanyard.MayManageUsers, "Remove", "/user/email/remove", e.ID, e.Address)...)
			}
			if !e.Verified {
				can = append(x.press(lanyard.MayManageUsers, "Mark as verified", "/user/email/verify", e.ID, e.Address), can...)
			}
			return []cell{text(e.Address), state, x.moment(e.CreatedAt, ""), buttons(can...)}
		},
	})
}

// forUser makes a list of what belongs to a user one that needs no user.
func forUser[T any](x *visit, deed func(context.Context, management.Administrator, lanyard.UserID, management.Query) (management.List[T], error)) func(context.Context, management.Administrator, management.Query) (management.List[T], error) {
	return func(ctx context.Context, a management.Administrator, q management.Query) (management.List[T], error) {
		return deed(ctx, a, x.userID(), q)
	}
}

// authenticatorNames are what people call them.
var authenticatorNames = map[string]string{"password": "Password", "totp": "Authenticator app", "recovery_codes": "Recovery codes", "passkey": "Passkey"}

func (c *Console) userAuthenticators(x *visit) (block, error) {
	return partOf(x, part[management.Authenticator]{
		title: "Ways to sign in", none: "There is no password, passkey or app.", heads: []string{"Kind", "Details", "Added", "Last used", ""}, deed: forUser(x, c.Management.UserAuthenticators),
		row: func(a management.Authenticator) []cell {
			name := authenticatorNames[a.Type]
			return []cell{text(name), authenticatorDetails(a), x.moment(a.CreatedAt, ""), x.moment(a.UsedAt, ""), buttons(x.press(lanyard.MayManageUsers, "Reset", "/user/authenticator/remove", a.ID, name+" "+a.Name)...)}
		},
	})
}

func authenticatorDetails(a management.Authenticator) cell {
	switch {
	case a.MustChange:
		return tag("has to be replaced", "warn")
	case a.Type == "recovery_codes":
		return text(counted(int(a.Remaining), "code") + " left")
	}
	return text(strings.TrimSpace(a.Name + " " + a.Provider))
}

func (c *Console) userSessions(x *visit) (block, error) {
	b, err := partOf(x, part[management.UserSession]{
		title: "Sessions", none: "Nobody is signed in with this account.", heads: []string{"Browser", "Address", "Signed in", "Last used", ""}, deed: forUser(x, c.Management.UserSessions),
		row: func(s management.UserSession) []cell {
			return []cell{or(browserName(s.UserAgent), "unknown").below(strings.Join(s.AMR, ", ")), or(s.Address, "unknown"), x.moment(s.AuthTime, ""), x.moment(s.UsedAt, ""),
				buttons(x.press(lanyard.MayManageUsers, "End", "/user/session/end", string(s.ID), "the session of "+browserName(s.UserAgent))...)}
		},
	})
	if t, ok := b.(table); ok && len(t.Rows) > 1 && x.may(lanyard.MayManageUsers) {
		last := &t.Rows[0][len(t.Columns)-1]
		last.Buttons = append(last.Buttons, button{Text: "End all", Action: x.at("/user/sessions/end", "id", x.id()), Danger: true})
	}
	return b, err
}

// browserName is a guess for people.
func browserName(agent string) string {
	for _, b := range []struct{ mark, name string }{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}} {
		if strings.Contains(agent, b.mark) {
			for _, s := range []struct{ mark, name string }{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"Linux", "Linux"}} {
				if strings.Contains(agent, s.mark) {
					return b.name + " on " + s.name
				}
			}
			return b.name
		}
	}
	name, _, _ := strings.Cut(agent, " ")
	return name
}

func (c *Console) userGrants(x *visit) (block, error) {
	return partOf(x, part[management.UserGrant]{
		title: "Applications in use", none: "No application has tokens for this account.", heads: []string{"Application", "Scopes", "Since", "Ends", ""}, deed: forUser(x, c.Management.UserGrants),
		row: func(g management.UserGrant) []cell {
			name := g.ClientName
			if name == "" {
				name = string(g.ClientID)
			}
			return []cell{x.clientLink(name, g.ClientID), named(g.Scopes, "none"), x.moment(g.CreatedAt, ""), x.moment(g.ExpiresAt, "never"), buttons(x.press(lanyard.MayManageUsers, "Revoke", "/user/grant/revoke", string(g.ID), name)...)}
		},
	})
}

// clientLink names an application; it leads there for those who may see it.
func (x *visit) clientLink(name string, id lanyard.ClientID) cell {
	if !x.may(lanyard.MayReadClients) || id == lanyard.ConsoleClient {
		return text(name)
	}
	return to(name, x.at("/application", "id", string(id)))
}

func (c *Console) userIdentities(x *visit) (block, error) {
	return partOf(x, part[management.UserIdentity]{
		title: "Accounts at other providers", none: "None is linked.", heads: []string{"Provider", "Account", "Linked", "Last used", ""}, deed: forUser(x, c.Management.UserIdentities),
		row: func(i management.UserIdentity) []cell {
			name := i.Issuer
			if u, err := url.Parse(i.Issuer); err == nil && u.Host != "" {
				name = u.Host
			}
			return []cell{or(name, string(i.ConnectionID)), or(i.Label, i.Subject), x.moment(i.CreatedAt, ""), x.moment(i.UsedAt, "never"), buttons(x.press(lanyard.MayManageUsers, "Unlink", "/user/identity/remove", i.ID, name)...)}
		},
	})
}

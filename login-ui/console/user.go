package console

import (
	"context"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// users are the pages of people.
func (c *Console) users() {
	const (
		area = "/users"
		read = lanyard.MayReadUsers
		do   = lanyard.MayManageUsers
	)
	c.page(screen{path: area, area: area, permission: read, show: c.userList})
	c.editor(deed{path: "/new/user", area: area, permission: do, from: c.newUser, do: c.createUser})
	c.page(screen{path: "/user", area: area, permission: read, show: c.user})
	c.editor(deed{path: "/user/edit", area: area, permission: do, from: c.editUser, do: c.changeUser})
	c.editor(deed{path: "/user/password", area: area, permission: do, from: c.userPassword, do: c.setPassword})
	c.removal(removal{path: "/user/remove", area: area, permission: do, verb: "Delete", subject: c.userToRemove, do: c.removeUser})
	for path, act := range map[string]func(x *visit) (string, error){
		"/user/disable": c.switchUser(true), "/user/enable": c.switchUser(false),
		"/user/email": c.addEmail, "/user/email/verify": c.changeEmail(func(e *management.UserEmail) { e.Verified = true }),
		"/user/email/primary": c.changeEmail(func(e *management.UserEmail) { e.Primary = true }), "/user/email/remove": c.removeEmail,
		"/user/authenticator/remove": c.removeAuthenticator, "/user/session/end": c.endSession, "/user/sessions/end": c.endSessions,
		"/user/grant/revoke": c.revokeGrant, "/user/identity/remove": c.removeIdentity,
	} {
		c.form(deed{path: path, area: area, permission: do, from: c.user, do: func(x *visit) (outcome, error) {
			word, err := act(x)
			if err != nil {
				return outcome{}, err
			}
			return x.done(word, "/user", "id", x.id())
		}})
	}
}

func (x *visit) userID() lanyard.UserID { return lanyard.UserID(x.id()) }

// roleOptions are the roles of the tenant, with what they allow.
func (x *visit) roleOptions() []option {
	var out []option
	for _, r := range x.Live.Roles {
		out = append(out, option{Value: r.Name, Text: r.Name, Hint: strings.Join(r.Permissions, ", ")})
	}
	return out
}

func userName(u management.User) string {
	return lanyard.User{Subject: u.Subject, Username: u.Username, Profile: u.Profile}.DisplayName()
}

func (c *Console) userList(x *visit) (*view, error) {
	add := link{"Add a user", x.at("/new/user")}
	roles := []option{{Text: "Any role"}}
	for _, r := range x.Live.Roles {
		roles = append(roles, option{Value: r.Name, Text: r.Name})
	}
	t, err := listOf(x, listing[management.User]{
		path: "/users", columns: management.UserColumns, search: "Search by name, username or address",
		selects: []field{
			choose("disabled", "Status", "", option{Text: "All"}, option{Value: "false", Text: "Active"}, option{Value: "true", Text: "Turned off"}),
			choose("role", "Role", "", roles...),
			choose("sort", "Order", "", option{Value: "-created", Text: "Newest first"}, option{Value: "created", Text: "Oldest first"}, option{Value: "name", Text: "Name"}),
		},
		heads: []string{"Name", "Sign-in", "Roles", "Status", "Created"}, deed: newestFirst(c.Management.Users),
		row: func(u management.User) []cell {
			return []cell{
				to(userName(u), x.at("/user", "id", string(u.ID))), or(lanyard.User{Username: u.Username, Profile: u.Profile}.SignInName(), "none"),
				named(u.Roles, ""), userState(u), x.moment(u.CreatedAt, ""),
			}
		},
		empty: empty{"There is nobody yet. Add people yourself, invite them, or let them sign up.", x.onlyFor(lanyard.MayManageUsers, add)},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Users", Actions: append(x.whoMay(lanyard.MayManageUsers, add), link{"Invitations", x.at("/invitations")}), Copy: []command{{CLI: "lanyard user list", Method: "GET", Path: "/users?sort=-created"}}}
	return v.add(t), nil
}

// newestFirst is the order of a list that nobody ordered.
func newestFirst[T any](deed func(context.Context, management.Administrator, management.Query) (management.List[T], error)) func(context.Context, management.Administrator, management.Query) (management.List[T], error) {
	return func(ctx context.Context, a management.Administrator, q management.Query) (management.List[T], error) {
		if q.Sort == "" {
			q.Sort = "-created"
		}
		return deed(ctx, a, q)
	}
}

func userState(u management.User) cell {
	switch {
	case u.Disabled:
		return tag("Turned off", "bad")
	case !u.DeleteAt.IsZero():
		return tag("Being deleted", "warn")
	}
	return tag("Active", "good")
}

func (c *Console) profileFields(x *visit, u management.User) []field {
	email := input("email", "E-mail address", u.Email, "")
	email.Kind = kindEmail
	fields := []field{
		input("name", "Name", u.Name, ""), input("given_name", "Given name", u.GivenName, ""), input("family_name", "Family name", u.FamilyName, ""),
		email, check("email_verified", "The address is verified", u.EmailVerified, "Tick it only if you know that it belongs to this person."),
		input("username", "Username", u.Username, "Another name to sign in with."),
		input("locale", "Language", u.Locale, "Such as en or de-CH."), input("zoneinfo", "Time zone", u.Zoneinfo, "Such as Europe/Zurich."),
	}
	if options := x.roleOptions(); len(options) > 0 {
		fields = append(fields, several("roles", "Roles in the tenant", u.Roles, options...))
	}
	return fields
}

func (x *visit) readProfile(u management.User) management.User {
	u.Name, u.GivenName, u.FamilyName = x.field("name"), x.field("given_name"), x.field("family_name")
	u.Email, u.EmailVerified, u.Username = x.field("email"), x.ticked("email_verified"), x.field("username")
	u.Locale, u.Zoneinfo, u.Roles = x.field("locale"), x.field("zoneinfo"), x.form["roles"]
	return u
}

func (c *Console) newUser(x *visit) (*view, error) {
	fields := append(c.profileFields(x, management.User{}), passwordFields("A first password. Without one the person signs in by another way that the tenant offers.")...)
	v := &view{Title: "Add a user", Crumbs: []link{{"Users", x.at("/users")}}, Copy: []command{{
		CLI: "lanyard user create name='Ada Lovelace' email=ada@example.com", Method: "POST", Path: "/users", Body: `{"name":"Ada Lovelace","email":"ada@example.com"}`,
	}}}
	return v.add(form{Action: x.at("/new/user"), Submit: "Add", Fields: fields, Cancel: x.at("/users")}), nil
}

func passwordFields(hint string) []field {
	return []field{
		{Name: "password", Label: "Password", Kind: kindPassword, Hint: hint, Autocomplete: "new-password"},
		check("must_change", "It has to be replaced at the next sign-in", true, ""),
	}
}

func (c *Console) createUser(x *visit) (outcome, error) {
	n := management.NewUser{User: x.readProfile(management.User{}), Password: x.form.Get("password")}
	n.MustChangePassword = n.Password != "" && x.ticked("must_change")
	made, err := c.Management.CreateUser(x.ctx(), x.Administrator, n)
	if err != nil {
		return outcome{}, err
	}
	return x.done("created", "/user", "id", string(made.ID))
}

func (c *Console) editUser(x *visit) (*view, error) {
	u, err := c.Management.User(x.ctx(), x.Administrator, x.userID())
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Change " + userName(u), Crumbs: userCrumbs(x, u), Copy: []command{{
		CLI: "lanyard user update " + x.id() + " name='Ada King'", Method: "PATCH", Path: "/users/" + x.id(), Body: `{"name":"Ada King"}`,
	}}}
	f, err := versioned(form{Action: x.at("/user/edit", "id", x.id()), Submit: "Save", Fields: c.profileFields(x, u), Cancel: x.at("/user", "id", x.id())}, u)
	return v.add(f), err
}

func userCrumbs(x *visit, u management.User) []link {
	return []link{{"Users", x.at("/users")}, {userName(u), x.at("/user", "id", x.id())}}
}

func (c *Console) changeUser(x *visit) (outcome, error) {
	_, err := c.Management.ChangeUser(x.ctx(), x.Administrator, x.userID(), changed(x, func(u management.User) (management.User, error) {
		return x.readProfile(u), nil
	}))
	if err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/user", "id", x.id())
}

func (c *Console) userPassword(x *visit) (*view, error) {
	u, err := c.Management.User(x.ctx(), x.Administrator, x.userID())
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Set the password of " + userName(u), Crumbs: userCrumbs(x, u)}
	v.add(note{Text: "Other sessions of this person end. They are told by e-mail that their password was changed.", Tone: "warn"})
	v.Copy = []command{{Method: "POST", Path: "/users/" + x.id() + "/password", Body: `{"password":"…","must_change_password":true}`}}
	return v.add(form{Action: x.at("/user/password", "id", x.id()), Submit: "Set the password", Fields: passwordFields(""), Cancel: x.at("/user", "id", x.id())}), nil
}

func (c *Console) setPassword(x *visit) (outcome, error) {
	n := management.NewPassword{Password: x.form.Get("password"), MustChangePassword: x.ticked("must_change")}
	if err := c.Management.SetUserPassword(x.ctx(), x.Administrator, x.userID(), n); err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/user", "id", x.id())
}

func (c *Console) userToRemove(x *visit) (string, []string, link, error) {
	u, err := c.Management.User(x.ctx(), x.Administrator, x.userID())
	return userName(u), []string{
		"The account is erased at once, with profile, passkeys, sessions, grants and memberships. This can not be undone.",
		"Applications keep what they stored about this person under their subject.",
	}, link{userName(u), x.at("/user", "id", x.id())}, err
}

func (c *Console) removeUser(x *visit) (outcome, error) {
	if err := c.Management.RemoveUser(x.ctx(), x.Administrator, x.userID(), nil); err != nil {
		return outcome{}, err
	}
	return x.done("removed", "/users")
}

func (c *Console) switchUser(off bool) func(x *visit) (string, error) {
	return func(x *visit) (string, error) {
		_, err := c.Management.ChangeUser(x.ctx(), x.Administrator, x.userID(), func(u management.User) (management.User, error) {
			u.Disabled = off
			return u, nil
		})
		if off {
			return "disabled", err
		}
		return "enabled", err
	}
}

func (c *Console) addEmail(x *visit) (string, error) {
	_, err := c.Management.AddUserEmail(x.ctx(), x.Administrator, x.userID(), management.UserEmail{Address: x.field("address"), Verified: x.ticked("verified")})
	return "saved", err
}

func (c *Console) changeEmail(change func(*management.UserEmail)) func(x *visit) (string, error) {
	return func(x *visit) (string, error) {
		_, err := c.Management.ChangeUserEmail(x.ctx(), x.Administrator, x.userID(), x.q("item"), func(e management.UserEmail) (management.UserEmail, error) {
			change(&e)
			return e, nil
		})
		return "saved", err
	}
}

func (c *Console) removeEmail(x *visit) (string, error) {
	return "removed", c.Management.RemoveUserEmail(x.ctx(), x.Administrator, x.userID(), x.q("item"), nil)
}

func (c *Console) removeAuthenticator(x *visit) (string, error) {
	return "removed", c.Management.RemoveUserAuthenticator(x.ctx(), x.Administrator, x.userID(), x.q("item"), nil)
}

func (c *Console) endSession(x *visit) (string, error) {
	return "ended", c.Management.RemoveUserSession(x.ctx(), x.Administrator, x.userID(), lanyard.SessionID(x.q("item")), nil)
}

func (c *Console) endSessions(x *visit) (string, error) {
	_, err := c.Management.EndUserSessions(x.ctx(), x.Administrator, x.userID())
	return "ended", err
}

func (c *Console) revokeGrant(x *visit) (string, error) {
	return "revoked", c.Management.RemoveUserGrant(x.ctx(), x.Administrator, x.userID(), lanyard.GrantID(x.q("item")), nil)
}

func (c *Console) removeIdentity(x *visit) (string, error) {
	return "removed", c.Management.RemoveUserIdentity(x.ctx(), x.Administrator, x.userID(), x.q("item"), nil)
}

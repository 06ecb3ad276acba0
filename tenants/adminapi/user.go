package adminapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// users are the operations on people.
func (a *API) users() {
	m := a.management
	list(a, operation{Path: "/users", ID: "listUsers", Summary: "List users", Permission: lanyard.MayReadUsers},
		management.UserColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.User], error) {
			return m.Users(ctx, c.Administrator, q)
		})
	create(a, operation{Path: "/users", ID: "createUser", Summary: "Add a user", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, n management.NewUser) (management.User, error) {
			return m.CreateUser(ctx, c.Administrator, n)
		})
	get(a, operation{Path: "/users/{user}", ID: "getUser", Summary: "Show a user", Permission: lanyard.MayReadUsers},
		func(ctx context.Context, c call) (management.User, error) {
			return m.User(ctx, c.Administrator, userID(c))
		})
	change(a, operation{Path: "/users/{user}", ID: "updateUser", Summary: "Change a user", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, change management.Change[management.User]) (management.User, error) {
			return m.ChangeUser(ctx, c.Administrator, userID(c), change)
		})
	remove(a, operation{Path: "/users/{user}", ID: "deleteUser", Summary: "Erase a user", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, when management.Condition[management.User]) error {
			return m.RemoveUser(ctx, c.Administrator, userID(c), when)
		})
	a.userWays()
	a.userEmails()
	a.userSessions()
	a.userGrants()
}

func userID(c call) lanyard.UserID { return lanyard.UserID(c.in("user")) }

// nothing is the body of an action that takes, or answers, nothing.
type nothing struct{}

func (a *API) userWays() {
	m := a.management
	act(a, operation{Path: "/users/{user}/password", ID: "setUserPassword", Summary: "Set a password", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, n management.NewPassword) (nothing, error) {
			return nothing{}, m.SetUserPassword(ctx, c.Administrator, userID(c), n)
		})
	list(a, operation{Path: "/users/{user}/authenticators", ID: "listUserAuthenticators", Summary: "List what a user signs in with", Permission: lanyard.MayReadUsers},
		management.UserPartColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Authenticator], error) {
			return m.UserAuthenticators(ctx, c.Administrator, userID(c), q)
		})
	remove(a, operation{Path: "/users/{user}/authenticators/{authenticator}", ID: "deleteUserAuthenticator", Summary: "Reset a lost factor", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, when management.Condition[management.Authenticator]) error {
			return m.RemoveUserAuthenticator(ctx, c.Administrator, userID(c), c.in("authenticator"), when)
		})
	list(a, operation{Path: "/users/{user}/identities", ID: "listUserIdentities", Summary: "List a user's accounts elsewhere", Permission: lanyard.MayReadUsers},
		management.UserPartColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.UserIdentity], error) {
			return m.UserIdentities(ctx, c.Administrator, userID(c), q)
		})
	remove(a, operation{Path: "/users/{user}/identities/{identity}", ID: "deleteUserIdentity", Summary: "Unlink an account elsewhere", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, when management.Condition[management.UserIdentity]) error {
			return m.RemoveUserIdentity(ctx, c.Administrator, userID(c), c.in("identity"), when)
		})
}

func (a *API) userEmails() {
	m := a.management
	list(a, operation{Path: "/users/{user}/emails", ID: "listUserEmails", Summary: "List a user's addresses", Permission: lanyard.MayReadUsers},
		management.UserPartColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.UserEmail], error) {
			return m.UserEmails(ctx, c.Administrator, userID(c), q)
		})
	create(a, operation{Path: "/users/{user}/emails", ID: "createUserEmail", Summary: "Add an address", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, e management.UserEmail) (management.UserEmail, error) {
			return m.AddUserEmail(ctx, c.Administrator, userID(c), e)
		})
	get(a, operation{Path: "/users/{user}/emails/{email}", ID: "getUserEmail", Summary: "Show an address", Permission: lanyard.MayReadUsers},
		func(ctx context.Context, c call) (management.UserEmail, error) {
			return m.UserEmail(ctx, c.Administrator, userID(c), c.in("email"))
		})
	change(a, operation{Path: "/users/{user}/emails/{email}", ID: "updateUserEmail", Summary: "Vouch for an address, or make it the primary one", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, change management.Change[management.UserEmail]) (management.UserEmail, error) {
			return m.ChangeUserEmail(ctx, c.Administrator, userID(c), c.in("email"), change)
		})
	remove(a, operation{Path: "/users/{user}/emails/{email}", ID: "deleteUserEmail", Summary: "Remove an address", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, when management.Condition[management.UserEmail]) error {
			return m.RemoveUserEmail(ctx, c.Administrator, userID(c), c.in("email"), when)
		})
}

func (a *API) userSessions() {
	m := a.management
	list(a, operation{Path: "/users/{user}/sessions", ID: "listUserSessions", Summary: "List where a user is signed in", Permission: lanyard.MayReadUsers},
		management.UserPartColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.UserSession], error) {
			return m.UserSessions(ctx, c.Administrator, userID(c), q)
		})
	removeAll(a, operation{Path: "/users/{user}/sessions", ID: "deleteUserSessions", Summary: "Sign a user out everywhere", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call) (management.Ended, error) {
			return m.EndUserSessions(ctx, c.Administrator, userID(c))
		})
	remove(a, operation{Path: "/users/{user}/sessions/{session}", ID: "deleteUserSession", Summary: "Sign a user out on one device", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, when management.Condition[management.UserSession]) error {
			return m.RemoveUserSession(ctx, c.Administrator, userID(c), lanyard.SessionID(c.in("session")), when)
		})
}

// removeAll registers the removal of all things of a kind, answered with how many there were.
func removeAll(a *API, o operation, deed func(context.Context, call) (management.Ended, error)) {
	o.Method, o.Status = http.MethodDelete, http.StatusOK
	huma.Register(a.huma, o.of(), func(ctx context.Context, _ *struct{}) (*struct{ Body management.Ended }, error) {
		c := callOf(ctx)
		if err := c.noQuery(); err != nil {
			return nil, c.problem(err)
		}
		out, err := deed(ctx, c)
		if err != nil {
			return nil, c.problem(err)
		}
		return &struct{ Body management.Ended }{out}, nil
	})
}

func (a *API) userGrants() {
	m := a.management
	list(a, operation{Path: "/users/{user}/grants", ID: "listUserGrants", Summary: "List what a user gave to applications", Permission: lanyard.MayReadUsers},
		management.UserPartColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.UserGrant], error) {
			return m.UserGrants(ctx, c.Administrator, userID(c), q)
		})
	remove(a, operation{Path: "/users/{user}/grants/{grant}", ID: "deleteUserGrant", Summary: "End what a user gave to an application", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, when management.Condition[management.UserGrant]) error {
			return m.RemoveUserGrant(ctx, c.Administrator, userID(c), lanyard.GrantID(c.in("grant")), when)
		})
	list(a, operation{Path: "/users/{user}/consents", ID: "listUserConsents", Summary: "List what a user agreed to", Permission: lanyard.MayReadUsers},
		management.UserPartColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.UserConsent], error) {
			return m.UserConsents(ctx, c.Administrator, userID(c), q)
		})
	remove(a, operation{Path: "/users/{user}/consents/{client}", ID: "deleteUserConsent", Summary: "Take back what a user agreed to", Permission: lanyard.MayManageUsers},
		func(ctx context.Context, c call, when management.Condition[management.UserConsent]) error {
			return m.RemoveUserConsent(ctx, c.Administrator, userID(c), lanyard.ClientID(c.in("client")), when)
		})
}

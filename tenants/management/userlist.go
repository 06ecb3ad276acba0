package management

import (
	"context"
	"errors"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// UserColumns are those of Users.
var UserColumns = Columns{Sorts: []string{"created", "name"}, Filters: []string{"email", "disabled", "role", "organization"}}

// Users lists the tenant's users. The search is part of a name, username or address.
func (m *Management) Users(ctx context.Context, a Administrator, q Query) (List[User], error) {
	if err := a.Need(lanyard.MayReadUsers); err != nil {
		return List[User]{}, err
	}
	w, err := q.window(a, "users", UserColumns)
	if err != nil {
		return List[User]{}, err
	}
	asked, err := userQuery(ctx, a, q, w)
	if errors.Is(err, lanyard.ErrNotFound) { // an address or organization that nobody has
		return List[User]{Items: []User{}}, nil
	}
	if err != nil {
		return List[User]{}, err
	}
	found, err := a.Scope().UserList(ctx, asked)
	if err != nil {
		return List[User]{}, err
	}
	var ids []lanyard.UserID
	for _, u := range found {
		ids = append(ids, u.ID)
	}
	roles, err := a.Scope().RolesOf(ctx, ids)
	if err != nil {
		return List[User]{}, err
	}
	where := func(u lanyard.User) storage.Position {
		if w.Sort == "name" {
			return storage.Position{Key: strings.ToLower(u.Profile.Name), ID: string(u.ID)}
		}
		return storage.Position{ID: string(u.ID)}
	}
	return pageOf(a, &q, "users", found, where, func(u lanyard.User) User { return userOf(u, roles[u.ID]) })
}

// userQuery reads the filters; what nobody has is lanyard.ErrNotFound.
func userQuery(ctx context.Context, a Administrator, q Query, w storage.Window) (storage.UserQuery, error) {
	out := storage.UserQuery{Search: q.Search, Role: q.Filter["role"], Window: w}
	disabled, err := q.yesNo("disabled")
	if err != nil {
		return out, err
	}
	out.Disabled = disabled
	if email := q.Filter["email"]; email != "" {
		if out.Email, err = lanyard.CanonicalEmail(email); err != nil {
			return out, lanyard.ErrNotFound
		}
	}
	if name := q.Filter["organization"]; name != "" {
		organization, err := organizationNamed(ctx, a.Scope(), name)
		if err != nil {
			return out, err
		}
		out.Organization = organization.ID
	}
	return out, nil
}

// yesNo is a filter that is true or false; nil without it.
func (q *Query) yesNo(name string) (*bool, error) {
	switch q.Filter[name] {
	case "":
		return nil, nil //nolint:nilnil // no filter at all
	case "true":
		return new(true), nil
	case "false":
		return new(false), nil
	}
	return nil, lanyard.ErrBadInput.Saying(name + " is true or false")
}

package manifest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Difference is one thing that applying a file would change.
type Difference struct {
	// Path says where: clients[web].redirect_uris[0].
	Path string
	// Before and After are what is and what would be, as text; empty for nothing.
	Before, After string
}

// String is the difference as people read it: + added, - removed, ~ changed.
func (d Difference) String() string {
	switch {
	case d.Before == "":
		return "+ " + d.Path + ": " + d.After
	case d.After == "":
		return "- " + d.Path + ": " + d.Before
	}
	return "~ " + d.Path + ": " + d.Before + " → " + d.After
}

// errUndo ends a transaction that was only tried.
var errUndo = errors.New("tried, and undone")

// Diff says what applying the file would change, tenant by tenant: it is applied in a
// transaction that is undone, so that it finds, and refuses, exactly what Apply does.
// Secrets are compared and not shown.
func Diff(ctx context.Context, deps Deps, f File, now time.Time) (map[string][]Difference, error) {
	out := map[string][]Difference{}
	for i := range f.Tenants {
		t := &f.Tenants[i]
		found, err := deps.Store.TenantBySlug(ctx, t.Slug)
		exists := err == nil
		if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
			return nil, err
		}
		if !exists {
			found.ID = lanyard.NewTenantID()
		}
		scope := deps.Store.Tenant(found.ID)
		passwords, err := newPasswords(ctx, deps, scope, t)
		if err != nil {
			return nil, err
		}
		err = scope.InTx(ctx, func(tx storage.Scope) error {
			differences, err := try(ctx, &run{scope: tx, deps: deps, now: now, actor: deps.Actor, prune: f.Prune}, t, exists, passwords)
			out[t.Slug] = differences
			return errors.Join(err, errUndo)
		})
		if !errors.Is(err, errUndo) || len(flattenErrors(err)) > 1 {
			return nil, fmt.Errorf("tenant %s: %w", t.Slug, err)
		}
	}
	return out, nil
}

// flattenErrors lists what was joined.
func flattenErrors(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	return []error{err}
}

func try(ctx context.Context, r *run, t *Tenant, exists bool, passwords []storage.Password) ([]Difference, error) {
	before := map[string]string{}
	if exists {
		var err error
		if before, err = r.snapshot(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.tenant(ctx, t, exists, passwords); err != nil {
		return nil, err
	}
	after, err := r.snapshot(ctx)
	return differences(before, after), err
}

// snapshot is everything of the tenant by path.
func (r *run) snapshot(ctx context.Context) (map[string]string, error) {
	hidden := func(name string, value lanyard.Secret) (Secret, error) {
		return Secret{Env: "(not shown: " + fmt.Sprintf("%x", value.Hash()[:4]) + ")"}, nil
	}
	x := &exporter{scope: r.scope, sealer: r.deps.Keeper.Sealer, keep: hidden, now: r.now}
	t, err := x.tenant(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	walk(out, "", reflect.ValueOf(t))
	return out, nil
}

// hiddenPaths end in what is compared and not shown.
var hiddenPaths = []string{"password_hash", "sha256", "code_sha256"}

// shownHash is how much of a hash names something, in characters.
const shownHash = 8

// walk notes every leaf by its path; elements of lists are named by their natural key.
func walk(out map[string]string, path string, v reflect.Value) {
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && !v.IsNil() {
		walk(out, path, v.Elem())
		return
	}
	_, text := v.Interface().(interface{ MarshalText() ([]byte, error) })
	_, moment := v.Interface().(Moment)
	switch {
	case v.IsZero():
	case v.Kind() == reflect.Struct && !text && !moment && v.Type() != reflect.TypeFor[Hash]():
		for _, f := range flat(v) {
			walk(out, join(path, f.name), f.value)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		for i := range v.Len() {
			walk(out, path+"["+keyOf(v.Index(i), i)+"]", v.Index(i))
		}
	case v.Kind() == reflect.Map:
		for _, key := range v.MapKeys() {
			walk(out, join(path, fmt.Sprint(key)), v.MapIndex(key))
		}
	default:
		tree, err := plain(v)
		shown := strings.TrimSpace(fmt.Sprint(tree))
		if err != nil || slices.ContainsFunc(hiddenPaths, func(end string) bool { return strings.HasSuffix(path, end) }) {
			shown = "(not shown: " + fmt.Sprintf("%x", lanyard.SecretOf(shown).Hash()[:4]) + ")"
		}
		out[path] = shown
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// naturalKeys name the elements of lists, the first that is there.
var naturalKeys = []string{"slug", "client_id", "identifier", "sub", "domain", "user", "organization", "issuer", "id", "name", "address", "url", "code_sha256", "sha256"}

func keyOf(v reflect.Value, at int) string {
	if v.Kind() != reflect.Struct {
		return fmt.Sprint(v)
	}
	if v.Type() == reflect.TypeFor[Connection]() {
		return fmt.Sprint(v.FieldByName("ID"))
	}
	all := flat(v)
	for _, key := range naturalKeys {
		for _, f := range all {
			if f.name != key || f.value.IsZero() {
				continue
			}
			name := fmt.Sprint(f.value)
			if slices.Contains(hiddenPaths, key) { // enough to tell them apart
				name = name[:min(len(name), shownHash)]
			}
			return name
		}
	}
	return fmt.Sprint(at)
}

func differences(before, after map[string]string) []Difference {
	var out []Difference
	for path, was := range before {
		if is := after[path]; is != was {
			out = append(out, Difference{Path: path, Before: was, After: is})
		}
	}
	for path, is := range after {
		if _, known := before[path]; !known {
			out = append(out, Difference{Path: path, After: is})
		}
	}
	slices.SortFunc(out, func(a, b Difference) int { return strings.Compare(a.Path, b.Path) })
	return out
}

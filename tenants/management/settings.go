package management

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// Settings are what a tenant is, besides what is in it.
type Settings struct {
	Slug   string `json:"slug" readOnly:"true"`
	Issuer string `json:"issuer" readOnly:"true"`
	Name   string `json:"name"`
	// Host and RedirectHosts are for administrators of the instance to change.
	Host          string           `json:"host,omitempty"`
	RedirectHosts []string         `json:"redirect_hosts,omitempty"`
	Policy        lanyard.Policy   `json:"policy"`
	Branding      lanyard.Branding `json:"branding"`
	Mail          MailSender       `json:"mail"`
}

// MailSender is how a tenant's mails look, besides their templates.
type MailSender struct {
	FromName string `json:"from_name,omitempty"`
	ReplyTo  string `json:"reply_to,omitempty"`
	Language string `json:"language,omitempty"`
}

func (a Administrator) settingsOf(t lanyard.Tenant) Settings {
	return Settings{
		Slug: t.Slug, Issuer: a.Live.Issuer, Name: t.Name, Host: t.Host, RedirectHosts: t.RedirectHosts, Policy: t.Policy, Branding: t.Branding,
		Mail: MailSender{FromName: t.Mail.FromName, ReplyTo: t.Mail.ReplyTo, Language: t.Mail.Language},
	}
}

// onto lays settings over a tenant.
func (s Settings) onto(t lanyard.Tenant) lanyard.Tenant {
	t.Name, t.Host, t.RedirectHosts, t.Policy, t.Branding = s.Name, s.Host, s.RedirectHosts, s.Policy, s.Branding
	t.Mail.FromName, t.Mail.ReplyTo, t.Mail.Language = s.Mail.FromName, s.Mail.ReplyTo, s.Mail.Language
	return t
}

// Settings are those of the tenant.
func (m *Management) Settings(ctx context.Context, a Administrator) (Settings, error) {
	if err := a.Need(lanyard.MayReadSettings); err != nil {
		return Settings{}, err
	}
	t, err := a.Scope().Tenant(ctx)
	return a.settingsOf(t), err
}

// ChangeSettings changes them. Hosts need lanyard.MayManageInstance: they lead to the
// tenant whatever another one is called. Roles for everybody need their powers.
func (m *Management) ChangeSettings(ctx context.Context, a Administrator, change Change[Settings]) (Settings, error) {
	var out Settings
	err := m.change(ctx, a, lanyard.MayManageSettings, true, func(tx storage.Scope) error {
		before, err := tx.Tenant(ctx)
		if err != nil {
			return err
		}
		wanted, err := change(a.settingsOf(before))
		if err != nil {
			return err
		}
		after := wanted.onto(before)
		if err := checkSettings(after); err != nil {
			return err
		}
		if err := m.mayDecide(ctx, tx, a, before, after); err != nil {
			return err
		}
		if err := tx.UpdateTenant(ctx, after); err != nil {
			return hostTaken(err)
		}
		out = a.settingsOf(after)
		if m.Directory != nil {
			out.Issuer = m.Directory.Issuer(after)
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventTenantUpdated})
	})
	return out, err
}

// maxTenantName is the longest name of a tenant, in characters.
const maxTenantName = 200

func checkSettings(t lanyard.Tenant) error {
	if t.Name == "" || utf8.RuneCountInString(t.Name) > maxTenantName {
		return lanyard.ErrBadInput.Saying("name: a tenant has a name of at most 200 characters")
	}
	return errors.Join(tenants.FaultOf("settings", tenants.CheckHosts(t)), tenants.FaultOf("policy", tenants.CheckPolicy(t.Policy)),
		tenants.FaultOf("branding", tenants.CheckBranding(t.Branding)), tenants.FaultOf("mail", tenants.CheckMail(t.Mail)))
}

// mayDecide looks at what the settings name: hosts, roles and resources.
func (m *Management) mayDecide(ctx context.Context, tx storage.Scope, a Administrator, before, after lanyard.Tenant) error {
	if after.Host != before.Host || !slices.Equal(after.RedirectHosts, before.RedirectHosts) {
		if err := a.Need(lanyard.MayManageInstance); err != nil {
			return lanyard.ErrNotAllowed.Saying("hosts are for administrators of the instance")
		}
		if err := m.hostsFree(ctx, after); err != nil {
			return err
		}
	}
	for _, names := range [][]string{before.Policy.DefaultRoles, after.Policy.DefaultRoles} {
		if err := a.Above(ctx, tx, names); err != nil {
			return err
		}
	}
	for _, name := range after.Policy.DefaultRoles {
		if _, err := tx.RolePermissions(ctx, "", name); err != nil {
			return missing(err, "there is no role of one of these names")
		}
	}
	if r := after.Policy.DefaultResource; r != "" && r != before.Policy.DefaultResource {
		return a.mayNameResources(ctx, tx, []string{r})
	}
	return nil
}

// hostsFree is lanyard.ErrConflict if one of the tenant's hosts leads somewhere else.
func (m *Management) hostsFree(ctx context.Context, t lanyard.Tenant) error {
	for _, host := range append([]string{t.Host}, t.RedirectHosts...) {
		if host == "" {
			continue
		}
		if m.Directory != nil && m.Directory.Base != nil && host == m.Directory.Base.Host {
			return lanyard.ErrConflict.Saying("it is the host of the default tenant")
		}
		other, err := m.Store.TenantByHost(ctx, host)
		if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
			return err
		}
		if err == nil && other.ID != t.ID {
			return lanyard.ErrConflict.Saying("another tenant has this host")
		}
	}
	return nil
}

func hostTaken(err error) error {
	if errors.Is(err, lanyard.ErrConflict) {
		return lanyard.ErrConflict.Saying("another tenant has this host")
	}
	return err
}

// missing makes lanyard.ErrBadInput of something that is named and not there.
func missing(err error, message string) error {
	if errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.ErrBadInput.Saying(message)
	}
	return err
}

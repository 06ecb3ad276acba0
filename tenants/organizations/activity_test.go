package organizations_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
)

func TestActivityNamesPeopleAndComesInPages(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme, other := h.Context(), h.organization("acme"), h.organization("other")
		s, mia := h.seated("olga", acme, lanyard.RoleOwner), h.person("mia")
		for i := range 51 {
			h.must(h.t.Scope.InsertEvent(ctx, lanyard.Event{
				Type: lanyard.EventMemberUpdated, At: h.now, Actor: string(s.Actor.User.ID), UserID: mia.User.ID, OrganizationID: acme.ID, Detail: map[string]string{"n": fmt.Sprint(i)},
			}))
		}
		h.must(h.t.Scope.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventMemberUpdated, At: h.now, OrganizationID: other.ID}))
		h.must(h.t.Scope.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventUserUpdated, At: h.now}))
		page, more, err := h.Activity(ctx, s, "")
		if err != nil || len(page) != 50 || !more || page[0].ActorName != "olga" || page[0].UserName != "mia" || page[0].Event.Detail["n"] != "50" {
			h.Fatalf("%d, more is %v: %v", len(page), more, err)
		}
		rest, more, err := h.Activity(ctx, s, page[49].Event.ID)
		if err != nil || len(rest) != 1 || more || rest[0].Event.Detail["n"] != "0" {
			h.Errorf("%v, more is %v: %v", rest, more, err)
		}
	})
}

// A spreadsheet that opens the export calculates nothing.
func TestExportHasNoFormulas(t *testing.T) {
	inTown(t, func(h *town) {
		ctx := h.Context()
		for i, evil := range []string{
			`=HYPERLINK("http://evil.example","x")`, "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "＝1+1", `a",=1+1,"b`, "a\r\n=1+1", "%0A=1", "|cmd",
		} {
			acme := h.organization(fmt.Sprintf("acme-%d", i))
			acme.Name = evil
			h.must(h.t.Scope.UpdateOrganization(ctx, acme))
			s := h.seated(fmt.Sprintf("olga-%d", i), acme, lanyard.RoleOwner)
			s.Actor.User.Profile.Name = evil
			h.must(h.t.Scope.UpdateProfile(ctx, s.Actor.User.ID, s.Actor.User.Profile, h.now))
			h.must(h.t.Scope.InsertEvent(ctx, lanyard.Event{
				Type: lanyard.EventMemberUpdated, At: h.now, Actor: string(s.Actor.User.ID), UserID: s.Actor.User.ID, OrganizationID: acme.ID, Detail: map[string]string{evil: evil},
			}))
			var out bytes.Buffer
			h.must(h.ExportActivity(ctx, h.seat(s.Actor, acme), &out, h.now))
			rows, err := csv.NewReader(&out).ReadAll()
			if err != nil || len(rows) != 2 || len(rows[1]) != len(rows[0]) || len(rows[0]) != 9 {
				h.Fatalf("%q: %v %v", evil, rows, err)
			}
			for _, cell := range rows[1] {
				if strings.ContainsAny(cell, "\t\r\n") || strings.IndexAny(strings.TrimSpace(cell), "=+-@＝%|") == 0 {
					h.Errorf("%q gives the cell %q", evil, cell)
				}
			}
			if !slices.Contains(rows[1], string(s.Actor.User.ID)) {
				h.Errorf("%q: %v", evil, rows[1])
			}
		}
	})
}

func TestExportIsBounded(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		s := h.seated("olga", acme, lanyard.RoleOwner)
		for i := range 1001 {
			h.must(h.t.Scope.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventMemberUpdated, At: h.now, OrganizationID: acme.ID, Detail: map[string]string{"n": fmt.Sprint(i)}}))
		}
		var out bytes.Buffer
		h.must(h.ExportActivity(ctx, s, &out, h.now))
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != 1002 || rows[1][8] != "n=1000" || rows[1001][8] != "n=0" {
			h.Errorf("%d rows: %v", len(rows), err)
		}
		if err := h.ExportActivity(ctx, s, broken{}, h.now); err == nil || lanyard.KindOf(err) != lanyard.Internal {
			h.Errorf("a broken line: %v", err)
		}
	})
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

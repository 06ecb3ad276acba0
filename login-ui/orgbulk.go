package loginui

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

const (
	// maxBulkFile bounds a list of addresses, in bytes, and maxBulk its length.
	maxBulkFile = 64 << 10
	maxBulk     = 200
)

// bulkRow is what became of one address of a list.
type bulkRow struct {
	Address, Text string
	OK            bool
}

func (p *Pages) inviteMany(c *gin.Context, d desk, f posted) (web.Handler, error) {
	form, err := p.readInvite(c, f, "bulk-")
	if err != nil {
		return nil, err
	}
	list := f.value("list")
	if len(list) > maxBulkFile {
		return nil, wrongField{mistake{field: "bulk-list", key: "org.bulk.large"}}
	}
	addresses, err := addressesOf(list + "\n" + f.value(fileField))
	switch {
	case err != nil:
		return nil, wrongField{mistake{field: "bulk-list", key: "org.bulk.unreadable"}}
	case len(addresses) == 0:
		return nil, wrongField{mistake{field: "bulk-list", key: "org.bulk.none"}}
	case len(addresses) > maxBulk:
		return nil, wrongField{mistake{field: "bulk-list", key: "org.bulk.many", args: []any{"Count", len(addresses), "Most", maxBulk}}}
	}
	rows, err := p.Organizations.InviteMany(c.Request.Context(), d.seat, addresses, form, p.Clock.Now())
	if err != nil {
		return nil, err
	}
	return p.shown(p.orgInvitationsScreen(), d, rows), nil
}

// addressesOf finds the addresses of a list, one to a line, or of a table with commas,
// semicolons or tabs between its columns: of each line the first that looks like one.
// Lines without any are headings or notes. Each address is given once.
func addressesOf(text string) ([]string, error) {
	text = strings.NewReplacer("\ufeff", "", ";", ",", "\t", ",").Replace(text)
	table := csv.NewReader(strings.NewReader(text))
	table.FieldsPerRecord, table.LazyQuotes, table.TrimLeadingSpace = -1, true, true
	var out []string
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, lanyard.ErrBadInput
		}
		for _, cell := range row {
			cell = strings.TrimSpace(cell)
			if !strings.Contains(cell, "@") {
				continue
			}
			if !slices.Contains(out, cell) {
				out = append(out, cell)
			}
			break
		}
	}
}

// bulk puts into words what became of each address.
func (v *orgInvitationsView) bulk(rows []organizations.BulkRow) error {
	for _, row := range rows {
		key := "org.bulk.sent"
		switch {
		case row.Err == nil:
		case errors.Is(row.Err, lanyard.ErrAlreadyMember):
			key = "org.bulk.already"
		case errors.Is(row.Err, lanyard.ErrQuota), errors.Is(row.Err, lanyard.ErrThrottled):
			key = "org.bulk.quota"
		case lanyard.KindOf(row.Err) == lanyard.Invalid:
			key = "org.bulk.bad"
		default:
			key = "org.bulk.failed"
		}
		text, err := v.T(key)
		if err != nil {
			return err
		}
		v.Rows = append(v.Rows, bulkRow{Address: plain(row.Email), Text: text, OK: row.Err == nil})
	}
	return nil
}

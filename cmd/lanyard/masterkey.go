package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
)

type masterKeyCommands struct {
	Create masterKeyCreate `cmd:"" help:"Make a random master key in a new file."`
	Status masterKeyStatus `cmd:"" help:"Say under which master keys the secrets are sealed; exits with 3 if some are under an older one."`
	Reseal masterKeyReseal `cmd:"" help:"Seal what is under an older master key under the first one."`
}

type masterKeyCreate struct {
	File string `short:"f" required:"" type:"path" placeholder:"FILE" help:"The file, which must not be there yet."`
}

// Run makes the file, for its owner only.
func (c masterKeyCreate) Run(p *program) error {
	err := keys.CreateMasterFile(c.File)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and a master key is never overwritten", c.File)
	}
	if err != nil {
		return err
	}
	master, err := keys.LoadMasterFile(c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "the master key %s is in %s\n", master.ID(), c.File)
	fmt.Fprintln(p.errOut, "Keep a copy apart from the backups of the database: without it nothing that was sealed can be read.")
	return nil
}

type masterKeyStatus struct {
	configSource
	Output string `short:"o" enum:"table,json,yaml" default:"table" help:"table, json or yaml."`
}

// Run counts the sealed records.
func (c masterKeyStatus) Run(ctx context.Context, p *program) (err error) {
	r, closeStore, err := resealer(ctx, p, c.configSource)
	if err != nil {
		return err
	}
	defer closeStore(&err)
	census, err := r.Census(ctx)
	if err != nil {
		return err
	}
	if err := p.showCensus(c.Output, r.Master, census); err != nil {
		return err
	}
	verdict, err := judge(r.Master, census)
	if c.Output == "table" && verdict != "" {
		fmt.Fprintln(p.out, verdict)
	}
	return err
}

// sealingColumns are those of the table of master-key status.
var sealingColumns = []string{"column", "key", "standing", "records"}

// masterKeyReport is master-key status for programs.
type masterKeyReport struct {
	// Keys are the ids of the keys of the configuration; the first one seals.
	Keys     []string       `json:"keys"`
	Sealings []keys.Sealing `json:"sealings"`
}

func (p *program) showCensus(form string, master *keys.Master, census []keys.Sealing) error {
	if form != "table" {
		return p.show(form, masterKeyReport{master.IDs(), census}, nil)
	}
	var rows []any
	for _, s := range census {
		rows = append(rows, map[string]any{"column": s.Column, "key": s.Key, "standing": string(s.Standing), "records": fmt.Sprint(s.Records)})
	}
	return p.show(form, rows, sealingColumns)
}

// recordsBy adds the records of a census up by what can be done with them.
func recordsBy(census []keys.Sealing) map[keys.KeyStanding]int64 {
	out := map[keys.KeyStanding]int64{}
	for _, s := range census {
		out[s.Standing] += s.Records
	}
	return out
}

// judge says what a census means. Records under an older key are a difference, those under
// an unknown one a failure, of which the verdict is empty if there is nothing else to say.
func judge(master *keys.Master, census []keys.Sealing) (string, error) {
	by := recordsBy(census)
	var verdict string
	switch {
	case by[keys.KeyOlder] > 0:
		verdict = fmt.Sprintf("%d records are under an older key, which has to stay: run 'lanyard master-key reseal' when every server has %s first", by[keys.KeyOlder], master.ID())
	case by[keys.KeyUnknown] > 0: // the failure says it
	default:
		verdict = fmt.Sprintf("all %d records are sealed under %s, the first key", by[keys.KeyCurrent], master.ID())
		if len(master.IDs()) > 1 {
			verdict += "; the others seal nothing and can be dropped, once every server seals with the first"
		}
	}
	switch {
	case by[keys.KeyUnknown] > 0:
		return verdict, fmt.Errorf("%d records are under a key that keys.master_key does not have: add it behind the first one", by[keys.KeyUnknown])
	case by[keys.KeyOlder] > 0:
		return verdict, errDifferent
	}
	return verdict, nil
}

type masterKeyReseal struct{ configSource }

// mostStuck bounds how many records are named that do not open.
const mostStuck = 20

// Run seals again, says how far it is, and names what does not open.
func (c masterKeyReseal) Run(ctx context.Context, p *program) (err error) {
	r, closeStore, err := resealer(ctx, p, c.configSource)
	if err != nil {
		return err
	}
	defer closeStore(&err)
	fmt.Fprintf(p.errOut, "Sealing under %s. Every server has to know this key by now.\n", r.Master.ID())
	r.Progress = func(t lanyard.Tenant, column string, records int) {
		fmt.Fprintf(p.errOut, "%s: %s, %d records so far\n", t.Slug, column, records)
	}
	done, err := r.Reseal(ctx)
	fmt.Fprintf(p.out, "sealed %d records again\n", done.Records)
	if err != nil {
		return err
	}
	if len(done.Stuck) > 0 {
		return stuck(done.Stuck)
	}
	fmt.Fprintln(p.errOut, "A server that did not have this key first may have sealed something meanwhile: 'lanyard master-key status' says whether the old one can be dropped.")
	return nil
}

func stuck(records []keys.Stuck) error {
	lines := []string{fmt.Sprintf("%d records do not open and were left as they are:", len(records))}
	for _, s := range records[:min(len(records), mostStuck)] {
		lines = append(lines, fmt.Sprintf("  tenant %s, %s.%s of %q: %v", s.Place.Tenant, s.Place.Table, s.Place.Column, s.Place.Row, s.Cause))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// resealer opens what the configuration names, and how to close it.
func resealer(ctx context.Context, p *program, source configSource) (*keys.Resealer, func(*error), error) {
	config, err := source.load(p, needs{database: true, keys: true})
	if err != nil {
		return nil, nil, err
	}
	master, err := config.master()
	if err != nil {
		return nil, nil, err
	}
	config.patient, config.existing = true, true // counting reads every sealed record
	store, err := config.openStore(ctx, false)
	if err != nil {
		return nil, nil, err
	}
	if err := needCurrent(ctx, store); err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return &keys.Resealer{Store: store, Master: master, Now: p.clock.Now}, func(err *error) { closeAfter(err, store) }, nil
}

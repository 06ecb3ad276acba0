package keys

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lanyard-id/lanyard"
)

// LoadMasterFile reads master keys from a file in the form of ParseMaster.
func LoadMasterFile(path string) (*Master, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	m, err := ParseMaster(lanyard.SecretOf(string(text)))
	if err != nil {
		return nil, fmt.Errorf("read the master key from %s: %w", path, err)
	}
	return m, nil
}

// CreateMasterFile makes a random master key in a new file that only its owner
// may read. The file appears whole and durable or not at all; one that exists is
// never touched (fs.ErrExist).
func CreateMasterFile(path string) error {
	key := make([]byte, MasterKeySize)
	_, _ = rand.Read(key)                                        // never fails since Go 1.24
	draft, err := os.CreateTemp(filepath.Dir(path), ".master-*") // 0600
	if err != nil {
		return fmt.Errorf("create the master key: %w", err)
	}
	err = writeDurably(draft, base64.StdEncoding.EncodeToString(key)+"\n")
	if err == nil {
		err = os.Link(draft.Name(), path)
	}
	if err = errors.Join(err, os.Remove(draft.Name())); err != nil {
		return fmt.Errorf("create the master key: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

func writeDurably(f *os.File, text string) error {
	_, err := f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the folder of the master key: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}

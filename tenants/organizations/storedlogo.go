package organizations

import (
	"encoding/base64"

	"github.com/lanyard-id/lanyard"
)

// StoredLogo reads a logo that was exported, as PNG in base64, by the rules of SetLogo;
// empty is none. Anything else is lanyard.ErrBadInput.
func StoredLogo(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	content, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, lanyard.ErrBadInput.Saying("a logo is a PNG file in base64")
	}
	return drawLogo(content)
}

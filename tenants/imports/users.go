package imports

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// columns are those that a CSV file may have, by the kind of their values. They are the
// members of a user in a declarative file.
var columns = map[string]string{
	"sub": "text", "username": "text", "email": "text", "email_verified": "bool", "name": "text", "given_name": "text", "family_name": "text",
	"middle_name": "text", "nickname": "text", "preferred_username": "text", "profile": "text", "picture": "text", "website": "text", "gender": "text",
	"birthdate": "text", "zoneinfo": "text", "locale": "text", "phone_number": "text", "phone_number_verified": "bool", "password_hash": "text",
	"must_change_password": "bool", "disabled": "bool", "roles": "words", "updated_at": "number",
}

// CSV reads users from a table whose first line names the columns; roles are divided by
// spaces. A line that can not be read is lanyard.ErrBadInput with its number.
func CSV(r io.Reader) (Result, error) {
	var out Result
	lines := csv.NewReader(r)
	header, err := lines.Read()
	if err != nil {
		return out, lanyard.ErrBadInput.Saying("the first line has to name the columns")
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
		if columns[header[i]] == "" {
			return out, lanyard.ErrBadInput.Saying(fmt.Sprintf("the column %q is not known", header[i]))
		}
		if slices.Contains(header[:i], header[i]) {
			return out, lanyard.ErrBadInput.Saying(fmt.Sprintf("the column %q stands there twice", header[i]))
		}
	}
	for {
		record, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		line, _ := lines.FieldPos(0)
		if err != nil {
			return out, lanyard.ErrBadInput.Saying(fmt.Sprintf("line %d can not be read", line))
		}
		user, err := fromRecord(header, record)
		if err != nil {
			return out, lanyard.ErrBadInput.Saying(fmt.Sprintf("line %d: %s", line, err))
		}
		out.Users = append(out.Users, user)
	}
}

func fromRecord(header, record []string) (Entry, error) {
	user := Entry{}
	for i, text := range record {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		var err error
		switch columns[header[i]] {
		case "bool":
			user[header[i]], err = strconv.ParseBool(text)
		case "number":
			user[header[i]], err = strconv.ParseInt(text, 10, 64)
		case "words":
			user[header[i]] = strings.Fields(text)
		default:
			user[header[i]] = text
		}
		if err != nil {
			return nil, fmt.Errorf("%s is not what it should be", header[i])
		}
	}
	return user, nil
}

// maxLine is the longest line of JSON lines, in bytes.
const maxLine = 1 << 20

// JSONLines reads users, one JSON object to a line, with the members of a declarative file.
func JSONLines(r io.Reader) (Result, error) {
	var out Result
	err := eachLine(r, func(line int, data []byte) error {
		var user Entry
		if json.Unmarshal(data, &user) != nil || user == nil {
			return lanyard.ErrBadInput.Saying(fmt.Sprintf("line %d is not a JSON object", line))
		}
		out.Users = append(out.Users, user)
		return nil
	})
	return out, err
}

func eachLine(r io.Reader, do func(line int, data []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(strings.TrimSpace(lines.Text())) == 0 {
			continue
		}
		if err := do(n, lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return lanyard.ErrBadInput.Saying("a line can not be read, or is too long")
	}
	return nil
}

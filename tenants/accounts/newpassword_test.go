package accounts

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
)

var somebody = NewPassword{
	User: lanyard.User{Username: "zaphod", Profile: lanyard.Profile{
		Name: "Ada Lovelace-Byron", GivenName: "Ada", FamilyName: "Lovelace", Nickname: "Countess", Email: "a.lovely@example.test",
	}},
	Organizations: []string{"Menabrea"},
}

var somewhere = Tenancy{Tenant: lanyard.Tenant{Name: "Orchard Mu\u0308ller"}, Issuer: "https://login.turbine.co.example:8443/t/x"}

// TestNewPasswordRules is ATTACKS.md 124, in the order in which they are looked at.
func TestNewPasswordRules(t *testing.T) {
	rules := &Rules{}
	for name, c := range map[string]struct {
		password string
		second   bool
		want     error
	}{
		"good":                           {"walnut harbour quilt", false, nil},
		"good, exactly 15 characters":    {"gnu vortex lamp", false, nil},
		"good, all lower case":           {"brisk onion carves meteor", false, nil},
		"good, 8 with a second factor":   {"gnuvrtx!", true, nil},
		"good, the longest":              {"walnut harbour quilt" + strings.Repeat("x", MaxPassword-20), false, nil},
		"good in another script":         {"гранит ежевика пароход", false, nil},
		"a byte too long":                {"walnut harbour quilt" + strings.Repeat("x", MaxPassword-19), false, lanyard.ErrLongPassword},
		"empty":                          {"", false, lanyard.ErrShortPassword},
		"14 characters":                  {"gnu vortex lam", false, lanyard.ErrShortPassword},
		"14 characters of two bytes":     {"гранит ежевика"[:27], false, lanyard.ErrShortPassword},
		"15 marks that make 14 letters":  {"gnu vortex lae\u0301", false, lanyard.ErrShortPassword},
		"7 with a second factor":         {"gnuvrt!", true, lanyard.ErrShortPassword},
		"the local part":                 {"my a.LOVELY password", false, lanyard.ErrPersonalPassword},
		"the given name is too short":    {"adamant walnut quilt", false, nil},
		"the family name":                {"lovelaceharbourquilt", false, lanyard.ErrPersonalPassword},
		"the second half of the name":    {"walnut BYRON quilts", false, lanyard.ErrPersonalPassword},
		"the nickname":                   {"walnut countess quilt", false, lanyard.ErrPersonalPassword},
		"the username":                   {"walnut Zaphod quilts", false, lanyard.ErrPersonalPassword},
		"the tenant":                     {"the orchard müller key", false, lanyard.ErrPersonalPassword},
		"the tenant in another form":     {"the orchard mu\u0308ller key", false, lanyard.ErrPersonalPassword},
		"the organization":               {"walnut menabrea quilt", false, lanyard.ErrPersonalPassword},
		"the host":                       {"walnut Turbine quilt", false, lanyard.ErrPersonalPassword},
		"breached":                       {"1234567890123456789", false, lanyard.ErrBreachedPassword},
		"breached, in another case":      {"TrustNo1", true, lanyard.ErrBreachedPassword},
		"one character":                  {strings.Repeat("a", 40), false, lanyard.ErrWeakPassword},
		"one word again and again":       {"walnutwalnutwalnutwalnut", false, lanyard.ErrWeakPassword},
		"one word with spaces":           {"walnut walnut walnut walnut", false, lanyard.ErrWeakPassword},
		"a pair again and again":         {"xyxyxyxyxyxyxyxyxyxyxyxyxy", false, lanyard.ErrWeakPassword},
		"a row of keys":                  {"lkjhgfdsapoiuytrewq", false, lanyard.ErrWeakPassword},
		"weak, however long the rest is": {strings.Repeat("ab", 500), false, lanyard.ErrWeakPassword},
	} {
		p := somebody
		p.Password, p.SecondFactor = lanyard.SecretOf(c.password), c.second
		if err := rules.Check(somewhere, p); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// TestMostCommonPasswordsAreRefused is ATTACKS.md 124, with a second factor, when
// eight characters are enough.
func TestMostCommonPasswordsAreRefused(t *testing.T) {
	file, err := os.Open("testdata/top3000.txt")
	ok(t, err)
	defer func() { _ = file.Close() }()
	rules, lines, breachedOnes := &Rules{}, bufio.NewScanner(file), 0
	n := 0
	for ; lines.Scan(); n++ {
		for _, password := range []string{lines.Text(), strings.ToUpper(lines.Text())} {
			err := rules.Check(Tenancy{}, NewPassword{Password: lanyard.SecretOf(password), SecondFactor: true})
			if !errors.Is(err, lanyard.ErrShortPassword) && !errors.Is(err, lanyard.ErrBreachedPassword) {
				t.Errorf("%q: %v", password, err)
			}
			if errors.Is(err, lanyard.ErrBreachedPassword) {
				breachedOnes++
			}
		}
	}
	if n != 3000 || breachedOnes < 1000 {
		t.Errorf("%d passwords, %d of them in the filter", n, breachedOnes)
	}
}

// TestFilterTakesFewForBreached: one in a million is the price.
func TestFilterTakesFewForBreached(t *testing.T) {
	var b breached
	const tries = 200_000
	wrong := 0
	for n := range tries {
		if b.has(strings.Repeat("x", n%7+9) + string(rune('a'+n%26)) + strings.Repeat("q", n%5) + string(rune('0'+n%10)) + string(rune(0x4e00+n%20_000))) {
			wrong++
		}
	}
	if wrong > 5 {
		t.Errorf("%d of %d", wrong, tries)
	}
}

func TestStrengthGrowsWithWhatIsNew(t *testing.T) {
	last := -1
	for _, password := range []string{"walnut", "walnut quilt", "walnut quilt harbour"} {
		score := Strength(password, nil)
		if score <= last && score != strongest {
			t.Errorf("%q scores %d after %d", password, score, last)
		}
		last = score
	}
	if known := Strength("brisk zaphod", []string{"Zaphod", ""}); known > Strength("brisk zaphod", nil) {
		t.Errorf("a known word scores more: %d", known)
	}
	if Strength("", nil) != 0 || Strength(strings.Repeat("aé€😀", 10_000), []string{strings.Repeat("b", 100_000)}) < 0 {
		t.Error("the ends of the range")
	}
}

func TestWhatIsSaidAgainIsLeftOut(t *testing.T) {
	for said, want := range map[string]string{
		"": "", "abc": "abc", "abcabc": "abc", "Abcabcabc!": "Abc!", "walnut walnut": "walnut ", "ababab": "ababab", "abababababab": "abab", "xyzw": "xyzw", "İİİİİİ": "İİİ",
	} {
		if got := saidOnce(said); got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
	}
}

func TestShortIsWhatCanNotStandAlone(t *testing.T) {
	for password, want := range map[string]bool{"": true, "gnu vortex lam": true, "gnu vortex lamp": false, "gnu vortex lae\u0301": true} {
		if got := IsShort(lanyard.SecretOf(password)); got != want {
			t.Errorf("%q: %v", password, got)
		}
	}
}

// FuzzNewPassword: no password makes the rules fail, or takes what is too short.
func FuzzNewPassword(f *testing.F) {
	for _, seed := range []string{"", "walnut harbour quilt", "\xff\xfe", strings.Repeat("1990-01-01", 20), "İ"} {
		f.Add(seed, seed, true)
	}
	rules := &Rules{}
	f.Fuzz(func(t *testing.T, password, name string, second bool) {
		p := NewPassword{Password: lanyard.SecretOf(password), User: lanyard.User{Profile: lanyard.Profile{Name: name}}, SecondFactor: second}
		err := rules.Check(somewhere, p)
		if err == nil && len([]rune(password)) < ShortestSecond {
			t.Errorf("%q is taken", password)
		}
		if err != nil && lanyard.KindOf(err) != lanyard.Invalid {
			t.Errorf("%q: %v", password, err)
		}
	})
}

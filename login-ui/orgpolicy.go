package loginui

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// orgPolicyView is the page of what the organization demands of a sign-in.
type orgPolicyView struct {
	*orgPage
	SecondFactor bool
	// OwnConnectionOnly insists on the organization's own connection.
	OwnConnectionOnly bool
	Methods           []methodBox
	// Lifetime and Idle are in hours; empty for no limit.
	Lifetime, Idle string
}

type methodBox struct {
	Field, ID, Text string
	Checked         bool
}

const methodPrefix = "method."

func (p *Pages) orgPolicyScreen() orgScreen {
	return orgScreen{path: orgPolicy, area: orgPolicy, heading: "org.policy.heading", template: "orgpolicy.html", view: p.viewOrgPolicy}
}

func (p *Pages) orgPolicyForms() []orgForm {
	return []orgForm{{path: orgPolicy, at: p.orgPolicyScreen(), do: p.setPolicy, explain: either(wrongFields, among(
		mistake{lanyard.ErrPolicyUnmet, "", "org.policy.unmet", nil},
		mistake{lanyard.ErrConnectionNeeded, "own_connection_only", "org.policy.no_connection", nil},
		mistake{lanyard.ErrBadInput, "", "org.policy.bad", nil},
	))}}
}

func (p *Pages) setPolicy(c *gin.Context, d desk, f posted) (web.Handler, error) {
	policy := lanyard.OrganizationPolicy{OwnConnectionOnly: f.ticked("own_connection_only")}
	if f.ticked("second_factor") {
		policy.SecondFactor = lanyard.SecondFactorRequired
	}
	for _, m := range lanyard.OrganizationMethods {
		if f.ticked(methodPrefix + string(m)) {
			policy.Methods = append(policy.Methods, m)
		}
	}
	if len(policy.Methods) == len(lanyard.OrganizationMethods) { // every one is none in particular
		policy.Methods = nil
	}
	for field, into := range map[string]*lanyard.Duration{"lifetime": &policy.SessionLifetime, "idle": &policy.SessionIdle} {
		hours, err := hoursOf(f.value(field))
		if err != nil {
			return nil, wrongField{mistake{field: field, key: "org.policy.bad_hours"}}
		}
		*into = hours
	}
	err := p.Organizations.SetPolicy(c.Request.Context(), d.seat, policy, p.Clock.Now())
	if policy.OwnConnectionOnly && errors.Is(err, lanyard.ErrPolicyUnmet) {
		err = wrongField{mistake{field: "own_connection_only", key: "org.policy.unmet_own"}}
	}
	return d.done(orgPolicy, "policy_saved"), err
}

// maxHours is ten years, which is as good as for ever.
const maxHours = 10 * 365 * 24

// hoursOf reads hours, to the minute, with a point or a comma; nothing is zero.
func hoursOf(text string) (lanyard.Duration, error) {
	text = strings.ReplaceAll(strings.TrimSpace(text), ",", ".")
	if text == "" {
		return 0, nil
	}
	hours, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(hours) || hours < 0 || hours > maxHours {
		return 0, lanyard.ErrBadInput
	}
	return lanyard.Duration(math.Round(hours*60)) * lanyard.Duration(time.Minute), nil
}

func inHours(d lanyard.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(math.Round(time.Duration(d).Hours()*100)/100, 'f', -1, 64)
}

func (p *Pages) viewOrgPolicy(c *gin.Context, v *orgPage) (any, error) {
	policy, sent := v.seat.Organization.Policy, c.Request.PostForm
	out := orgPolicyView{orgPage: v, SecondFactor: policy.SecondFactor == lanyard.SecondFactorRequired, OwnConnectionOnly: policy.OwnConnectionOnly}
	out.Lifetime, out.Idle = typed(c, "lifetime", inHours(policy.SessionLifetime)), typed(c, "idle", inHours(policy.SessionIdle))
	if v.Problem != nil {
		out.SecondFactor, out.OwnConnectionOnly = sent.Get("second_factor") != "", sent.Get("own_connection_only") != ""
	}
	tenant := live(c).Tenant.Policy
	for _, m := range lanyard.OrganizationMethods {
		box := methodBox{Field: methodPrefix + string(m), ID: "method-" + string(m), Checked: len(policy.Methods) == 0 || slices.Contains(policy.Methods, m)}
		if v.Problem != nil {
			box.Checked = sent.Get(box.Field) != ""
		}
		if !offeredBy(tenant, m) {
			continue
		}
		var err error
		if box.Text, err = v.T("org.method." + string(m)); err != nil {
			return nil, err
		}
		out.Methods = append(out.Methods, box)
	}
	return out, nil
}

// offeredBy tells whether a tenant lets people sign in in this way at all.
func offeredBy(policy lanyard.Policy, m lanyard.Method) bool {
	switch m {
	case lanyard.MethodPasskey:
		return !policy.NoPasskeys
	case lanyard.MethodEmailCode:
		return policy.EmailCode
	default:
		return true
	}
}

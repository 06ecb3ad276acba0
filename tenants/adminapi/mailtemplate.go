package adminapi

import (
	"context"
	"net/http"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// mailTemplates are the operations on the texts of mails.
func (a *API) mailTemplates() {
	m := a.management
	const path = "/mail-templates/{kind}/{language}"
	list(a, operation{Path: "/mail-templates", ID: "listMailKinds", Summary: "List the kinds of mail", Permission: lanyard.MayReadSettings},
		management.MailKindColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.MailKind], error) {
			return m.MailKinds(ctx, c.Administrator, q)
		})
	get(a, operation{Path: path, ID: "getMailTemplate", Summary: "Show the tenant's own text of a mail", Permission: lanyard.MayReadSettings},
		func(ctx context.Context, c call) (management.MailTemplate, error) {
			return m.MailTemplate(ctx, c.Administrator, c.mailKind(), c.in("language"))
		})
	put(a, operation{Path: path, ID: "setMailTemplate", Summary: "Give a mail a text", Permission: lanyard.MayManageSettings},
		func(ctx context.Context, c call, t management.MailTemplate) (management.MailTemplate, error) {
			return m.PutMailTemplate(ctx, c.Administrator, c.mailKind(), c.in("language"), t)
		})
	remove(a, operation{Path: path, ID: "deleteMailTemplate", Summary: "Go back to the text that comes with the product", Permission: lanyard.MayManageSettings},
		func(ctx context.Context, c call, when management.Condition[management.MailTemplate]) error {
			return m.RemoveMailTemplate(ctx, c.Administrator, c.mailKind(), c.in("language"), when)
		})
	act(a, operation{Path: path + "/preview", ID: "previewMail", Summary: "Show a mail with sample data", Permission: lanyard.MayManageSettings},
		func(ctx context.Context, c call, t management.MailTemplate) (management.MailPreview, error) {
			return m.PreviewMail(ctx, c.Administrator, c.mailKind(), c.in("language"), t)
		})
	actOn(a, operation{Path: "/mail-templates/test", ID: "testMail", Summary: "Send a test to the caller's own address", Permission: lanyard.MayManageSettings, Status: http.StatusAccepted},
		func(ctx context.Context, c call) (struct{}, error) {
			return struct{}{}, m.TestMail(ctx, c.Administrator)
		})
}

// mailKind is the {kind} of the path.
func (c call) mailKind() lanyard.MailKind { return lanyard.MailKind(c.in("kind")) }

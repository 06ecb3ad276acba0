package main

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

//go:embed seed.yaml
var seedYAML []byte

// builtInSeed is what the development server starts with. That it parses is an
// invariant of the program.
func builtInSeed() manifest.File {
	file, err := manifest.Parse(seedYAML, manifest.Options{AllowInline: true})
	if err != nil {
		panic(fmt.Sprintf("the built-in seed: %v", err))
	}
	return file
}

// addRedirects adds redirect URIs to the client web of the default tenant.
func addRedirects(file *manifest.File, uris []string) error {
	if len(uris) == 0 {
		return nil
	}
	for _, uri := range uris {
		if err := lanyard.CheckRedirectURI(uri); err != nil {
			return usageError("--redirect " + uri + " is not an acceptable redirect URI")
		}
	}
	for i := range file.Tenants {
		if file.Tenants[i].Slug != lanyard.DefaultTenant {
			continue
		}
		clients := file.Tenants[i].Clients
		at := slices.IndexFunc(clients, func(c manifest.Client) bool { return c.ID == "web" })
		if at >= 0 {
			clients[at].RedirectURIs = append(clients[at].RedirectURIs, uris...)
			return nil
		}
	}
	return usageError("--redirect adds to the client web of the default tenant, which the seed does not have")
}

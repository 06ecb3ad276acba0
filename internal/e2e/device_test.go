package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/oauth2"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// TestCommandLineSignsInThroughTheBrowser with Go's own client of RFC 8628: it shows a
// code, the person types it in a real browser, signs in on the way, and agrees.
func TestCommandLineSignsInThroughTheBrowser(t *testing.T) {
	server, b := testkit.Dev(t), openBrowser(t)
	user := server.Users[0]
	cli := oauth2.Config{ClientID: "cli", Scopes: []string{"openid", "offline_access"}, Endpoint: oauth2.Endpoint{
		DeviceAuthURL: server.Issuer + "/oauth/device_authorization", TokenURL: server.Issuer + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams,
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	asked, err := cli.DeviceAuth(ctx, oauth2.SetAuthURLParam("device_label", "The shed"))
	if err != nil {
		t.Fatal(err)
	}
	b.open(asked.VerificationURI)
	b.signIn(user)
	b.reads("Connect a device")
	b.fill("#user_code", "bcdf ghjk")
	b.press("device-continue")
	if got := b.sees("#problem"); got != "That code isn't right. Check your device." {
		t.Errorf("a wrong code is answered with %q", got)
	}
	b.fill("#user_code", asked.UserCode)
	b.press("device-continue")
	b.reads("Connect Example command line?")
	if got := b.sees("#device-code"); got != asked.UserCode {
		t.Errorf("the page shows %q, the device %q", got, asked.UserCode)
	}
	b.do("look at it", chromedp.WaitVisible("#device-deny", chromedp.ByID))
	b.press("device-allow")
	b.reads("Your device is connected")
	asked.Interval = 1 // it has waited long enough for the person
	tokens, err := cli.DeviceAccessToken(ctx, asked)
	if err != nil {
		t.Fatal(err)
	}
	if tokens.RefreshToken == "" || tokens.Extra("id_token") == nil {
		t.Errorf("the command line got %v", tokens)
	}
	tokens.Expiry = time.Unix(1, 0)
	if _, err := cli.TokenSource(ctx, tokens).Token(); err != nil {
		t.Errorf("its refresh token: %v", err)
	}
	// The next one is refused; the link has the code in it.
	asked, err = cli.DeviceAuth(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b.open(asked.VerificationURIComplete)
	b.reads("Connect Example command line?")
	b.press("device-deny")
	b.reads("You refused")
	asked.Interval = 1
	if _, err := cli.DeviceAccessToken(ctx, asked); err == nil {
		t.Error("the command line got tokens that were refused")
	}
}

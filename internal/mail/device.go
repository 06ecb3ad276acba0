package mail

import "github.com/mileusna/useragent"

// maxUserAgent bounds what is read of what a browser says of itself, in bytes.
const maxUserAgent = 512

// known are the names that a user agent may have in a mail. Others are whatever
// the client wrote, and a mail does not repeat that.
var (
	knownBrowsers = map[string]bool{
		useragent.Chrome: true, useragent.HeadlessChrome: true, useragent.Firefox: true, useragent.Safari: true, useragent.Edge: true,
		useragent.Opera: true, useragent.OperaMini: true, useragent.OperaTouch: true, useragent.Vivaldi: true, useragent.InternetExplorer: true,
		useragent.SamsungBrowser: true, useragent.FacebookApp: true, useragent.InstagramApp: true, useragent.TiktokApp: true,
	}
	knownSystems = map[string]bool{
		useragent.Windows: true, useragent.WindowsPhone: true, useragent.Android: true, useragent.MacOS: true, useragent.IOS: true,
		useragent.Linux: true, useragent.FreeBSD: true, useragent.ChromeOS: true, useragent.CrOS: true, useragent.Harmony: true,
	}
)

// Device says which browser and system a user agent names; both are empty if we do not know.
func Device(userAgent string) (browser, system string) {
	parsed := useragent.Parse(userAgent[:min(len(userAgent), maxUserAgent)])
	if knownBrowsers[parsed.Name] {
		browser = parsed.Name
	}
	if knownSystems[parsed.OS] {
		system = parsed.OS
	}
	return browser, system
}

package main

import "net/http"

// newHandler puts together what the public listener serves.
func newHandler(*App) (http.Handler, error) {
	return http.NotFoundHandler(), nil
}

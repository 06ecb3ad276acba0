package testkit

import "os"

// Soak reports whether this is the long run (LANYARD_SOAK=1).
func Soak() bool { return os.Getenv("LANYARD_SOAK") == "1" }

// Rounds is how often a test repeats a race or a kill: test times in the normal
// run and soak times in the long one.
func Rounds(test, soak int) int {
	if Soak() {
		return soak
	}
	return test
}

package keys

// What the tests of the outside need of the inside.
var (
	SealKey = seal
	SealMAC = sealMAC
	In      = in
)

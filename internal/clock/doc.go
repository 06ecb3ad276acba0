// Package clock is the only place where Lanyard reads or waits on the real time.
//
// Everything that expires, rotates, retries or is limited takes a [Clock] (or a
// now that was read from one), so that a test moves time instead of waiting for
// it. [Real] is the machine's clock; [Manual] stands still until a test moves it.
//
// Invariant: every time that comes from a Clock is in UTC and truncated to
// microseconds, the precision both databases keep. A value that was written and
// read back is therefore equal to the one that was written.
//
// Not here: network deadlines. They protect against a slow peer, which is a
// fact of the machine and not of the product, and are set where the connection
// is made.
package clock

// Package strictjson tells whether JSON from a stranger reads the same to everybody.
//
// What the members mean is the caller's business, and so is what to say about text that
// is refused.
//
// Invariant: text that passes holds no object with a member twice, at any depth, and no
// text that had to be repaired to be read.
package strictjson

// Package strictyaml reads YAML files that people write: the configuration and
// the declarative files of tenants.
//
// Decode fills a Go value by the names in its json tags and complains about
// everything it does not understand, all at once, each complaint with line and
// column: an unknown key with the nearest name there is, a key given twice, a
// value of the wrong kind. The Document it returns knows where every value
// stands, so that rules of the caller can complain with a position as well.
//
// Plain scalars are taken for text where text is wanted, as they were typed, so
// that a postal code keeps its leading zero. Anchors, aliases, tags and several
// documents in one file are refused: they make it hard to see what a file says.
//
// Not here: what the values mean, where files and secrets come from.
package strictyaml

// Package testkit brings real parts to tests: a PostgreSQL cluster, a browser,
// the built binary as a running server, programs written for Node.
//
// What a machine does not have is skipped with a reason that says how to get it;
// with LANYARD_TEST_REQUIRE=1, as in CI, it is a failure instead. Nothing that
// is started here outlives the test binary, even if that is killed: each program
// has a guard that ends it when the binary is gone.
//
// Environment, all optional:
//
//   - LANYARD_TEST_REQUIRE=1: nothing may be missing
//   - LANYARD_SOAK=1: many rounds, see [Rounds]
//   - LANYARD_TEST_BINARY: the lanyard binary to test, instead of building one
//   - LANYARD_TEST_TOOLS: the folder with further programs, .cache/bin by default
//
// Not here: anything that knows the product's packages. It is for tests only and
// imports none of them, so that every floor can use it.
package testkit

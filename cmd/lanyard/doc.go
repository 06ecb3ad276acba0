// Command lanyard is the whole product: the development server, the server, and
// the commands around them.
//
// What is only here: flags and configuration (no other package reads the
// environment), the two listeners and their life, exit codes (0 ok, 1 failure,
// 2 usage), and the wiring of all floors below in App. What the public listener
// serves is put together in handler.go.
package main

// Package deploy holds what a team runs Lanyard with (the chart, the files of the
// composition, alerts and a dashboard), and the tests that walk them.
//
// The tests take nothing on trust that can be run: the image's content is laid out and
// started in a root of its own, the composition's services run behind its load balancer,
// the chart is rendered and decoded by the types of Kubernetes, the alerts fire on
// invented numbers. Only container engine and cluster themselves are missing. What
// replicas owe each other is tested in internal/e2e.
package deploy

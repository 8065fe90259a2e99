// Package examples holds networks to start from, and the workflow that checks a project of one's own on every push.
package examples

import _ "embed"

// Workflow is ci/nmc-check.yml, which nmc new writes into a project.
//
//go:embed ci/nmc-check.yml
var Workflow []byte

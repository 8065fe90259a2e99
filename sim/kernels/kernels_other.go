//go:build !amd64

package kernels

// Best returns the fastest set for this processor.
func Best() Set { return Portable }

type plan struct{}

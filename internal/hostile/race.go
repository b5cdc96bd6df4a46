//go:build race

package hostile

// sizes are those that tasks are measured in. The race detector makes a program up to twenty times as slow.
var sizes = []int{8 << 10, 32 << 10}

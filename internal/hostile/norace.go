//go:build !race

package hostile

// sizes are those that tasks are measured in.
var sizes = []int{8 << 10, 32 << 10, 128 << 10}

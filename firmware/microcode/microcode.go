package microcode

//go:generate go run ./gen -root ../..

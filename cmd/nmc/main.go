// Command nmc compiles a network and its learning rule to a learning device, trains it in the simulator or on a device,
// and proves, bit for bit, that both learned the same.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/firmware/asm"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

func newDisasm(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "disasm BUILD",
		Short: "Print the firmware of a build as assembly",
		Args:  func(cmd *cobra.Command, args []string) error { return oneBuild("disasm", args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := openBuild(args[0])
			if err != nil {
				return err
			}
			text, err := b.disassemble()
			if err != nil {
				return fmt.Errorf("%s: %w", b.path, err)
			}
			a.answer = struct {
				Asm string `json:"asm"`
			}{text}
			a.say("%s", text)
			return nil
		},
	}
}

// program returns the firmware of the image.
func (b *build) program() (*asm.Program, error) {
	program := b.halfwords(device.Program)
	words := make([]isa.Word, len(program)/8)
	for i, h := range program[:8*len(words)] {
		words[i/8].Put(uint(i%8)*16, 16, uint32(h))
	}
	return asm.New(words)
}

// instructions returns the text of each instruction by its program address.
func (b *build) instructions() (map[int]string, error) {
	p, err := b.program()
	if err != nil {
		return nil, err
	}
	text := map[int]string{}
	pc := 0
	if len(p.Entries) > 0 {
		pc = device.NumEntries // the jumps of the entries are not printed
	}
	for line := range strings.Lines(p.String()) {
		if strings.HasPrefix(line, " ") { // labels and directives stand at the margin
			text[pc] = strings.Join(strings.Fields(line), " ")
			pc++
		}
	}
	if pc != len(p.Words) {
		return nil, fmt.Errorf("listing has %d instructions, the program %d", pc, len(p.Words))
	}
	return text, nil
}

// disassemble returns the program of the image and the initial values of its registers, with the manifest's names.
func (b *build) disassemble() (string, error) {
	p, err := b.program()
	if err != nil {
		return "", err
	}
	initial := b.halfwords(device.Registers)
	name := map[int]string{}
	for _, r := range b.manifest.Registers {
		name[r.Index] = r.Name
	}
	for i := range device.NumRegs {
		var v int32
		if 2*i+1 < len(initial) {
			v = int32(uint32(initial[2*i]) | uint32(initial[2*i+1])<<16)
		}
		if v != 0 || name[i] != "" {
			p.Registers = append(p.Registers, asm.Register{Index: i, Value: v, Name: name[i]})
		}
	}
	return p.String(), nil
}

// halfwords returns what the image loads into a space, from address 0 to its last halfword.
func (b *build) halfwords(space device.Space) []uint16 {
	var all []uint16
	for _, s := range b.image.Sections {
		if s.Space != space {
			continue
		}
		if end := int(s.Addr) + len(s.Data); end > len(all) {
			all = append(all, make([]uint16, end-len(all))...)
		}
		copy(all[s.Addr:], s.Data)
	}
	return all
}

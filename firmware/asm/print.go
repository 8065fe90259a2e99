package asm

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// New makes a program of bare words: it finds the entries and names the targets of jumps. Words that do not decode are
// an error that gives the address.
func New(words []isa.Word) (*Program, error) {
	p := &Program{Words: slices.Clone(words), Entries: map[device.Entry]int{}, Labels: map[string]int{}, Comments: map[int]string{}, Lines: make([]int, len(words))}
	p.Entries = findEntries(words)
	first := 0
	if len(p.Entries) > 0 {
		first = device.NumEntries
	}
	for addr, w := range words {
		in, err := isa.Decode(w)
		if err != nil {
			return nil, fmt.Errorf("address %d: %w", addr, err)
		}
		if to, ok := jumpTarget(&in); ok && addr >= first && to >= first && to <= len(words) {
			p.Labels[fmt.Sprintf("L%d", to)] = to
		}
	}
	return p, nil
}

// findEntries recognizes the jumps that Assemble writes for entries: words 0..7 each a jump behind them or a halt.
func findEntries(words []isa.Word) map[device.Entry]int {
	found := map[device.Entry]int{}
	if len(words) < device.NumEntries {
		return found
	}
	for i, w := range words[:device.NumEntries] {
		to := int(w[2])
		switch {
		case w == isa.Word{isa.Halt}:
		case w == jump(to) && to >= device.NumEntries && to <= len(words):
			found[device.Entry(i)] = to
		default:
			return map[device.Entry]int{}
		}
	}
	return found
}

// jumpTarget returns the address to which a jump goes.
func jumpTarget(in *isa.Instruction) (int, bool) {
	for _, a := range args(in.Op, "") {
		if a.kind == target {
			return int(in.Get("imm")), true
		}
	}
	return 0, false
}

// String is the program as Print writes it, or the error of a word that does not decode.
func (p *Program) String() string {
	var b strings.Builder
	if err := Print(&b, p); err != nil {
		return err.Error()
	}
	return b.String()
}

// Print writes a program as text that assembles to the same words, entries, labels and registers. Fields that are 0 are
// left out; registers that an operation always uses are shown.
func Print(out io.Writer, p *Program) error {
	labels := map[int][]string{}
	for _, l := range keys(p.Labels) {
		labels[p.Labels[l]] = append(labels[p.Labels[l]], l)
	}
	entries := map[int][]string{}
	for e := range device.Entry(device.NumEntries) {
		if addr, ok := p.Entries[e]; ok {
			name := fmt.Sprint(e)
			for n, v := range EntryNames {
				if v == e {
					name = n
				}
			}
			entries[addr] = append(entries[addr], name)
		}
	}
	first := 0
	if len(p.Entries) > 0 {
		first = device.NumEntries
	}

	texts := make([]string, len(p.Words))
	width := 0
	for addr := first; addr < len(p.Words); addr++ {
		in, err := isa.Decode(p.Words[addr])
		if err != nil {
			return fmt.Errorf("address %d: %w", addr, err)
		}
		texts[addr] = text(&in, labels)
		if p.Comments[addr] != "" && len(texts[addr]) <= 100 {
			width = max(width, len(texts[addr]))
		}
	}

	var b strings.Builder
	for _, r := range p.Registers {
		fmt.Fprintf(&b, ".reg    r%d %s", r.Index, registerText(r.Value))
		if r.Name != "" {
			fmt.Fprintf(&b, ` "%s"`, r.Name)
		}
		b.WriteByte('\n')
	}
	for addr := first; addr <= len(p.Words); addr++ {
		for _, e := range entries[addr] {
			fmt.Fprintf(&b, "\n.entry  %s\n", e)
		}
		for _, l := range labels[addr] {
			fmt.Fprintf(&b, "%s:\n", l)
		}
		if addr == len(p.Words) {
			break
		}
		if c := p.Comments[addr]; c != "" {
			fmt.Fprintf(&b, "        %-*s ; %s\n", width, texts[addr], c)
		} else {
			fmt.Fprintf(&b, "        %s\n", texts[addr])
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// registerText writes an initial value as high:low halves when both matter.
func registerText(v int32) string {
	if v > -1<<15 && v < 1<<15 {
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%d:%d", v>>16, int16(v))
}

// text writes one instruction.
func text(in *isa.Instruction, labels map[int][]string) string {
	name := in.Op.Name
	shown := map[string]bool{}
	if in.Op.Code == isa.Vec {
		name += "." + isa.FnNames[in.Get("fn")]
		shown["fn"] = true
	}
	which := ""
	if in.Op.Code == isa.Dig {
		which = isa.Enums["space"][in.Get("space")]
	}
	parts := []string{fmt.Sprintf("%-8s", name)}
	for _, a := range args(in.Op, which) {
		v := make([]uint32, len(a.fields))
		used := false
		for i, f := range a.fields {
			v[i] = in.Get(f)
			used = used || v[i] != 0
		}
		if !used && !a.must && !(a.key == "bounds" && narrow(in)) {
			continue
		}
		s := ""
		switch a.kind {
		case number:
			s = fmt.Sprintf("%s=%d", a.key, v[0])
		case signed:
			s = fmt.Sprintf("%s=%d", a.key, int32(v[0]))
		case register:
			if v[0] >= device.NumRegs {
				continue // written as a bare field below
			}
			s = fmt.Sprintf("%s=r%d", a.key, v[0])
		case group:
			s = fmt.Sprintf("%s=r%d", a.key, 4*v[0])
		case enum:
			s = a.key + "=" + isa.Enums[a.fields[0]][v[0]]
		case flag:
			s = a.key
		case target:
			s = fmt.Sprintf("%s=%d", a.key, v[0])
			if l := labels[int(v[0])]; len(l) > 0 {
				s = a.key + "=" + l[0]
			}
		case place:
			s = fmt.Sprintf("%s=%d+%d", a.key, v[0], v[1])
		case long:
			s = fmt.Sprintf("%s=%d", a.key, v[0]|v[1]<<16)
		case longAt:
			s = fmt.Sprintf("%s=%d+%d", a.key, v[0]|v[1]<<16, v[2])
		case operand:
			switch {
			case v[0] == isa.SrcVector:
				s = fmt.Sprintf("%s=[%d]", a.key, v[1])
			case v[0] == isa.SrcReg && v[1] < device.NumRegs:
				s = fmt.Sprintf("%s=r%d", a.key, v[1])
			case v[0] == isa.SrcImm:
				s = fmt.Sprintf("%s=#%d", a.key, int16(v[1]))
			case v[0] > isa.SrcImm && v[1] == 0:
				s = a.key + "=" + isa.Sources[v[0]]
			default:
				continue
			}
		}
		for _, f := range a.fields {
			shown[f] = true
		}
		parts = append(parts, s)
	}
	// Bits that the operation does not use still print, so that the text is the whole word.
	for i, f := range in.Op.Layout().Fields[1:] {
		if in.Values[i+1] != 0 && !shown[f.Name] {
			parts = append(parts, fmt.Sprintf("%s=%d", f.Name, in.Values[i+1]))
		}
	}
	return strings.TrimRight(strings.Join(parts, " "), " ")
}

package ir

// written are the instructions that write a vector, their first operand, each with the attribute that counts the elements from the
// first on; "": it writes some of them.
var written = map[string]string{"mac.b": "cols", "mac.r": "rows", "vec": "n", "tab": "n", "fills": "", "store": ""}

// Uses returns the vectors whose elements an operation of the lower level needs, and the one that it writes, "" for none. Whole says that
// it writes every element, whatever the vector held before; otherwise it needs the vector, whose other elements stay.
func (p *Program) Uses(o *Op) (needs []string, writes string, whole bool) {
	count, does := written[o.Name]
	for i, a := range o.Args {
		switch v := p.Vector(a); {
		case v == nil:
		case i > 0 || !does:
			needs = append(needs, a)
		default:
			// A group moves what is written, a mask spares some of it, an input has buffers.
			writes, whole = a, o.Attrs[count] >= v.Len() && o.Attrs["group"] == 0 && o.Attrs["masked"] == 0 && v.Role != "input"
		}
	}
	if writes != "" && !whole {
		needs = append(needs, writes)
	}
	return needs, writes, whole
}

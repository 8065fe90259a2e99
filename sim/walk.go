package sim

import (
	"fmt"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// walk is a matrix instruction with its registers read and its addresses resolved to elements and checked.
type walk struct {
	outer, inner int // the scalar side is outer runs of inner elements
	stride       int // elements from one run to the next
	cols         int
	lane0        int // first element of the lane-side vector; wide mac.b: see wide
	scalar0      int // first element of the scalar side; wide mac.r: see wide
	w0, rstride  int // element of W[0,0]; elements from one row to the next
	m0           int // blend: element of M[0,0]
	wideBase     int // first word of the wide destination
	wideFirst    int // element of the wide destination at which the walk (mac.r) or column 0 (mac.b) starts
	rate         int32
	lo, hi       int16
}

// rows is the number of scalar-side elements.
func (w *walk) rows() int { return w.outer * w.inner }

// element returns the offset of scalar-side element k from the first: e(k).
func (w *walk) element(k int) int { return k/w.inner*w.stride + k%w.inner }

// walk resolves a matrix instruction.
func (m *Machine) walk(in *instruction) (walk, *Fault) {
	lanes := m.cfg.Lanes
	w := walk{outer: 1, inner: in.rows, cols: in.cols, rstride: in.rstride * lanes}
	var first, lane, woff int
	if in.group != 0 {
		g := m.regs[in.group : in.group+4]
		first, woff, lane = int(g[0]), int(g[2]), int(g[3])
		if in.code == isa.Blend {
			first = 0
		} else {
			// A register that was never set walks once.
			w.outer = max(1, int(uint32(g[1])>>16))
			w.stride = int(uint16(g[1]))
			if lane&(lanes-1) != 0 {
				return w, &Fault{Field: "group", Reason: fmt.Sprintf("offset %d of the lane side is not a multiple of %d lanes", lane, lanes)}
			}
		}
	}
	w.lo, w.hi = int16(m.regs[in.bounds]), int16(m.regs[in.bounds]>>16)
	w.rate = fixed.Rate(m.regs[in.rate])

	words := (w.cols + lanes - 1) >> m.laneBits
	rows := w.rows()
	wbase := in.wbase + woff
	writesW := in.code == isa.UpdB || in.code == isa.UpdR || in.code == isa.Blend
	if writesW || in.wsrc == isa.WMem {
		last := wbase + (rows-1)*in.rstride + words - 1
		if wbase < 0 || last >= m.cfg.WeightDepth {
			return w, &Fault{Field: "wbase", Reason: beyond("weight", wbase, last, m.cfg.WeightDepth)}
		}
		if writesW && rows > 1 && in.rstride < words {
			return w, &Fault{Field: "rstride", Reason: fmt.Sprintf("rows of %d words overlap at a stride of %d", words, in.rstride)}
		}
		w.w0 = wbase * lanes
	}
	if in.code == isa.Blend {
		if in.wsrc == isa.WMem {
			mbase := in.sbase | in.dbase<<16
			mbase += lane
			last := mbase + (rows-1)*in.rstride + words - 1
			if mbase < 0 || last >= m.cfg.WeightDepth {
				return w, &Fault{Field: "sbase", Reason: beyond("weight", mbase, last, m.cfg.WeightDepth)}
			}
			if lastW := wbase + (rows-1)*in.rstride + words - 1; w.rate != 0 && mbase != wbase && mbase <= lastW && wbase <= last {
				return w, &Fault{Field: "sbase", Reason: fmt.Sprintf("M at word %d overlaps W at word %d", mbase, wbase)}
			}
			w.m0 = mbase * lanes
		}
		return w, nil
	}

	// mac.r streams the lane side from sbase and walks the scalar side at dbase; the others the other way round.
	laneBase, scalarBase, laneField, scalarField := in.dbase, in.sbase, "dbase", "sbase"
	if in.code == isa.MacR {
		laneBase, scalarBase, laneField, scalarField = in.sbase, in.dbase, "sbase", "dbase"
	}
	span := (w.outer-1)*w.stride + w.inner // elements from the first to the last of the scalar side, inclusive
	type region struct{ first, last int }  // words
	narrow := func(base, off, n int) region {
		return region{base + off>>m.laneBits, base + (off+n-1)>>m.laneBits}
	}
	wide := func(base, off, n int) region {
		return region{base + 3*(off>>m.laneBits), base + 3*((off+n-1)>>m.laneBits) + 2}
	}
	checked := func(r region, name string) *Fault {
		if r.first < 0 || r.last >= m.cfg.VectorDepth {
			return &Fault{Field: name, Reason: beyond("vector", r.first, r.last, m.cfg.VectorDepth)}
		}
		return nil
	}
	laneRegion, scalarRegion := narrow(laneBase, lane, w.cols), narrow(scalarBase, first, span)
	dst, src := &laneRegion, &scalarRegion
	if in.code == isa.MacR {
		dst, src = src, dst
	}
	if in.code == isa.MacB || in.code == isa.MacR {
		off, n := lane, w.cols
		if in.code == isa.MacR {
			off, n = first, span
		}
		w.wideBase, w.wideFirst = in.dbase, off
		if in.wideout {
			*dst = wide(in.dbase, off, n)
		} else if in.widein {
			if f := checked(wide(in.dbase, off, n), "dbase"); f != nil {
				return w, f
			}
		}
	}
	if f := checked(laneRegion, laneField); f != nil {
		return w, f
	}
	if f := checked(scalarRegion, scalarField); f != nil {
		return w, f
	}
	if in.code == isa.MacB || in.code == isa.MacR {
		if dst.first <= src.last && src.first <= dst.last {
			return w, &Fault{Field: "dbase", Reason: fmt.Sprintf("destination words %d..%d overlap source words %d..%d", dst.first, dst.last, src.first, src.last)}
		}
		if in.code == isa.MacR && w.outer > 1 && w.stride < w.inner {
			return w, &Fault{Field: "group", Reason: fmt.Sprintf("runs of %d elements overlap at a stride of %d", w.inner, w.stride)}
		}
	}
	w.lane0 = laneBase*lanes + lane
	w.scalar0 = scalarBase*lanes + first
	return w, nil
}

// pass is a vector instruction with its registers read and its addresses resolved to elements and checked.
type pass struct {
	src    [3]source
	dst    int // element, or register of a reduction
	lo, hi int16
}

// source is a resolved operand: n elements of vector memory, a constant, or a draw.
type source struct {
	mode  int // SrcVector, SrcImm (a constant), SrcUniform or SrcSign
	first int // SrcVector: element
	value int16
}

// pass resolves a vector instruction.
func (m *Machine) pass(in *instruction) (pass, *Fault) {
	var p pass
	lanes := m.cfg.Lanes
	vector := func(name string, i, word int) (int, *Fault) {
		off := 0
		if in.group != 0 {
			off = int(m.regs[in.group+i])
			if off&(lanes-1) != 0 {
				return 0, &Fault{Field: "group", Reason: fmt.Sprintf("offset %d of %s is not a multiple of %d lanes", off, name, lanes)}
			}
		}
		first := word + off>>m.laneBits
		last := first + (in.n-1)>>m.laneBits
		if first < 0 || last >= m.cfg.VectorDepth {
			return 0, &Fault{Field: name, Reason: beyond("vector", first, last, m.cfg.VectorDepth)}
		}
		return first * lanes, nil
	}
	reduction := in.code == isa.Dot || in.code == isa.Amax
	p.dst = in.dst
	if !reduction {
		d, f := vector("dst", 3, in.dst)
		if f != nil {
			return p, f
		}
		p.dst = d
	}
	for _, i := range in.sources() {
		name := "abc"[i : i+1]
		switch o := in.src[i]; o.mode {
		case isa.SrcZero:
			p.src[i] = source{mode: isa.SrcImm}
		case isa.SrcVector:
			first, f := vector(name, i, o.arg)
			if f != nil {
				return p, f
			}
			span := (in.n + lanes - 1) &^ (lanes - 1)
			if !reduction && first != p.dst && first < p.dst+span && p.dst < first+span {
				return p, &Fault{Field: "dst", Reason: fmt.Sprintf("destination overlaps %s at another word", name)}
			}
			p.src[i] = source{mode: isa.SrcVector, first: first}
		case isa.SrcReg:
			p.src[i] = source{mode: isa.SrcImm, value: fixed.Sat16(int64(m.regs[o.arg]))}
		case isa.SrcImm:
			p.src[i] = source{mode: isa.SrcImm, value: int16(o.arg)}
		default:
			p.src[i] = source{mode: o.mode}
		}
	}
	if in.code == isa.Tab {
		if last := in.src[2].arg + 255; last >= m.cfg.TableDepth {
			return p, &Fault{Field: "c", Reason: fmt.Sprintf("entries %d..%d lie beyond the table memory of %d entries", in.src[2].arg, last, m.cfg.TableDepth)}
		}
	}
	p.lo, p.hi = int16(m.regs[in.bounds]), int16(m.regs[in.bounds]>>16)
	return p, nil
}

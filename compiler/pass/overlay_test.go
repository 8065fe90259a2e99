package pass

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// temporaries has vectors that live in blocks, over them, from trip to trip, in some cases only, and from run to run. Lines of
// operations have numbers, by which TestLives names them.
const temporaries = `program p rule=none seed=1

vector x role=input n=8 one=no frac=8 base=-1
vector done role=temp n=8 one=no frac=8 base=-1
vector kept role=temp n=8 one=no frac=8 base=-1
vector sum role=temp n=8 one=no frac=8 base=-1
vector trip role=temp n=8 one=no frac=8 base=-1
vector inner role=temp n=8 one=no frac=8 base=-1
vector case role=temp n=8 one=no frac=8 base=-1
vector within role=temp n=4 one=no frac=8 base=-1
vector part role=temp n=8 one=no frac=8 base=-1
vector unread role=temp n=3 one=no frac=8 base=-1
vector h role=value n=4 one=no frac=8 base=-1
vector s role=state n=8 one=no frac=8 base=-1
scalar i init=0 frac=0 learned=no reg=-1
scalar j init=0 frac=0 learned=no reg=-1

func learn {
  vec done, x, _, _ fn=mac n=8
  vec kept, done, _, _ fn=mac n=8
  vec kept, kept, #2, _ fn=mac n=8
  vec sum, _, _, _ fn=mac n=8
  vec case, _, _, _ fn=mac n=8
  repeat i n=3 {
    vec trip, kept, _, _ fn=mac n=8
    repeat j n=2 {
      vec inner, trip, _, _ fn=mac n=8
      vec sum, sum, inner, _ fn=mac n=8
      if i, j cond=eq {
        vec case, inner, _, _ fn=mac n=8
        vec within, h, _, _ fn=mac n=4
        vec h, within, _, _ fn=mac n=4
      }
    }
    vec unread, _, _, _ fn=mac n=3
    key i stream=0
  }
  vec s, sum, case, _ fn=mac n=8
}

func infer {
  store part, i, j
  vec done, part, _, _ fn=mac n=8
  key i stream=0
  vec kept, done, _, _ fn=mac n=8
}
`

func program(t *testing.T) *ir.Program {
	t.Helper()
	p, err := ir.Parse(temporaries)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLives numbers the operations, those of blocks after the one that holds them, and compares where each vector is alive.
func TestLives(t *testing.T) {
	p := program(t)
	alive, carried := lives(p)
	got := map[string]string{}
	for _, v := range p.Vectors {
		var at []string
		for _, f := range p.Funcs {
			n := 0
			ir.Walk(f.Ops, func(o *ir.Op) {
				if alive[o][v.Name] {
					at = append(at, fmt.Sprintf("%.1s%d", f.Name, n))
				}
				n++
			})
		}
		got[v.Name] = strings.Join(at, " ")
	}
	for v, want := range map[string]string{
		"done":   "l0 l1 i1 i2 i3",
		"kept":   "l1 l2 l3 l4 l6 l8 l9 l11 l12 l13 l14 l15 i3", // to the end of the block: the next trip reads it
		"sum":    "l3 l4 l6 l8 l9 l11 l12 l13 l14 l15 l16",
		"trip":   "l6 l8 l9 l11 l12 l13", // not from trip to trip of the outer block
		"inner":  "l8 l9 l11",
		"case":   "l4 l6 l8 l9 l11 l12 l13 l14 l15 l16", // the case may not be
		"within": "l12 l13",
		"unread": "l14",
	} {
		if got[v] != want {
			t.Errorf("%s is alive at %q, want %q", v, got[v], want)
		}
	}
	var names []string
	for v := range carried {
		names = append(names, v)
	}
	slices.Sort(names)
	if want := []string{"h", "part", "x"}; !slices.Equal(names, want) {
		t.Errorf("from before a function come %v, want %v", names, want)
	}
}

// TestOverlay places the same program. What has words of its own comes first; words are of four lanes.
func TestOverlay(t *testing.T) {
	p := program(t)
	if total := overlay(p, 4); total != 19 {
		t.Errorf("%d words, want 19", total)
	}
	var got strings.Builder
	for _, v := range p.Vectors {
		fmt.Fprintf(&got, "%s %d-%d\n", v.Name, v.Base, v.Base+v.Words(4)-1)
	}
	const want = `x 0-3
done 9-10
kept 11-12
sum 9-10
trip 13-14
inner 15-16
case 17-18
within 15-15
part 4-5
unread 13-13
h 6-6
s 7-8
`
	if got.String() != want {
		t.Errorf("got\n%s, want\n%s", got.String(), want)
	}
	if err := p.CheckPlaces(4); err != nil {
		t.Error(err)
	}
}

// TestOverlayOnlyWhereItMust: as long as vectors fit they lie apart, and can be read between runs.
func TestOverlayOnlyWhereItMust(t *testing.T) {
	for _, c := range []struct {
		depth, end int
		err        string
	}{
		{0, 23, ""},
		{23, 23, ""},
		{22, 19, ""},
		{19, 19, ""},
		{18, 19, "vector memory: the network needs 19 words, the device has 18: 1 too many"},
	} {
		p := program(t)
		err := Allocate(p, &device.Config{Lanes: 4, VectorDepth: c.depth})
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%d words: got %v, want %q", c.depth, err, c.err)
		}
		end := 0
		for _, v := range p.Vectors {
			end = max(end, v.Base+v.Words(4))
		}
		if end != c.end {
			t.Errorf("%d words: %d are taken, want %d", c.depth, end, c.end)
		}
	}
}

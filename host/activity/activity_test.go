package activity_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/activity"
)

var build = &manifest.Manifest{
	Name: "net", Rule: "dfa", ImageID: 0xab, Layers: []int{3, 2, 1}, Device: device.Config{Lanes: 4},
	Vectors: []manifest.Vector{{Name: "x", Base: 0, N: 4}, {Name: "h1", Base: 2, N: 3, Frac: 12}, {Name: "d1", Base: 3, N: 2, Frac: 15}, {Name: "h2", Base: 4, N: 1, Frac: 10}},
}

// memory gives each element its address, made negative.
type memory struct{ device.Memory }

func (memory) Read(space device.Space, addr uint32, n int) ([]uint16, error) {
	if space != device.Vectors {
		return nil, fmt.Errorf("space %d", space)
	}
	w := make([]uint16, n)
	for i := range w {
		w[i] = uint16(-int(addr) - i)
	}
	return w, nil
}

func TestRecorder(t *testing.T) {
	var file bytes.Buffer
	r, err := activity.New(&file, build, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Begin(build); err != nil {
		t.Fatal(err)
	}
	for _, sample := range []int{10, 20, 10, 20, 30} { // back to a checkpoint after 20
		if err := r.Look(memory{}, sample, 1, sample-5, 7); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"name":"net","rule":"dfa","image_id":"00000000000000ab","vectors":[{"name":"h1","n":2,"frac":12},{"name":"h2","n":1,"frac":10}]}
{"sample":10,"epoch":1,"index":5,"label":7,"vectors":{"h1":[-8,-9],"h2":[-16]}}
{"sample":20,"epoch":1,"index":15,"label":7,"vectors":{"h1":[-8,-9],"h2":[-16]}}
{"sample":30,"epoch":1,"index":25,"label":7,"vectors":{"h1":[-8,-9],"h2":[-16]}}
`
	if file.String() != want {
		t.Errorf("wrote\n%s, want\n%s", file.String(), want)
	}
	if s, n := activity.Last(file.Bytes()); s != 30 || n != file.Len() {
		t.Errorf("last sample %d, %d of %d bytes", s, n, file.Len())
	}
	if s, n := activity.Last(file.Bytes()[:file.Len()-1]); s != 20 || n != bytes.LastIndexByte(file.Bytes()[:file.Len()-1], 10)+1 {
		t.Errorf("cut off: last sample %d, %d of %d bytes", s, n, file.Len())
	}
	if s, n := activity.Last(nil); s != 0 || n != 0 {
		t.Errorf("nothing: %d, %d", s, n)
	}
}

func TestNames(t *testing.T) {
	var file bytes.Buffer
	r, err := activity.New(&file, build, []string{"d1", "x"})
	if err == nil {
		err = r.Look(memory{}, 1, 0, 0, 0)
	}
	if want := `{"sample":1,"epoch":0,"index":0,"label":0,"vectors":{"d1":[-12,-13],"x":[0,-1,-2,-3]}}` + "\n"; err != nil || file.String() != want {
		t.Errorf("%v, wrote %s", err, file.String())
	}
	_, err = activity.New(&file, build, []string{"h1", "g1"})
	if err == nil || err.Error() != `the build has no vector "g1"; it has x, h1, d1, h2` {
		t.Errorf("error %v", err)
	}
	shared := *build
	shared.Vectors = append([]manifest.Vector{{Name: "s", Base: 3, N: 2, Shared: true}}, build.Vectors...)
	if _, err := activity.New(&file, &shared, nil); err != nil {
		t.Errorf("outputs of layers beside a vector that shares its words: %v", err)
	}
	_, err = activity.New(&file, &shared, []string{"h1", "s"})
	if err == nil || err.Error() != `vector "s" shares its words with others, since the device does not hold them all apart: after a sample it may hold theirs; leave it out, or compile with more vector_depth` {
		t.Errorf("error %v", err)
	}
	bare := *build
	bare.Vectors = bare.Vectors[:1]
	_, err = activity.New(&file, &bare, nil)
	if err == nil || err.Error() != "no vector of the build is a layer's output; name some of x" {
		t.Errorf("error %v", err)
	}
}

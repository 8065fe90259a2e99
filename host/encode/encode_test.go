package encode

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestDirect(t *testing.T) {
	image := []byte{1, 2, 3}
	got := Direct{}.Encode(make([]byte, 9), image, 4, 5)
	if !bytes.Equal(got, image) {
		t.Fatalf("got %v, expected %v", got, image)
	}
	got[0] = 9
	if image[0] != 1 {
		t.Error("the sample shares the image's bytes")
	}
}

// Offsets are part of what a run learns: a change here changes every digest of a run with jitter.
func TestOffsetIsPinned(t *testing.T) {
	j := Jitter{28, 28, 1, 2, 0x123456789abcdef0}
	want := [][2]int{{1, 2}, {-2, -2}, {-2, -1}, {1, 0}, {0, -1}, {-2, 0}, {-1, -2}, {0, 1}}
	for i, w := range want {
		if dx, dy := j.Offset(i/4, i%4); dx != w[0] || dy != w[1] {
			t.Errorf("epoch %d, index %d: offset {%d, %d}, expected %v", i/4, i%4, dx, dy, w)
		}
	}
}

// Every pair of shifts comes about equally often over samples, over epochs and over seeds.
func TestOffsetIsUniform(t *testing.T) {
	const n = 25000
	for name, at := range map[string]func(i int) (dx, dy int){
		"samples": func(i int) (int, int) { return Jitter{Pixels: 2, Seed: 1}.Offset(0, i) },
		"epochs":  func(i int) (int, int) { return Jitter{Pixels: 2, Seed: 1}.Offset(i, 7) },
		"seeds":   func(i int) (int, int) { return Jitter{Pixels: 2, Seed: uint64(i)}.Offset(0, 7) },
	} {
		var count [5][5]int
		for i := range n {
			dx, dy := at(i)
			count[dx+2][dy+2]++
		}
		chi2 := 0.0
		for _, row := range count {
			for _, c := range row {
				chi2 += float64((c-n/25)*(c-n/25)) / (n / 25)
			}
		}
		if chi2 > 60 { // 24 degrees of freedom: exceeded once in 15,000
			t.Errorf("over %s: chi-squared %.1f, counts %v", name, chi2, count)
		}
	}
}

func TestJitterMovesPixels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := Jitter{
			Rows:     rapid.IntRange(1, 6).Draw(t, "rows"),
			Cols:     rapid.IntRange(1, 6).Draw(t, "cols"),
			Channels: rapid.IntRange(1, 3).Draw(t, "channels"),
			Pixels:   rapid.IntRange(0, 7).Draw(t, "pixels"),
			Seed:     rapid.Uint64().Draw(t, "seed"),
		}
		size := j.Rows * j.Cols * j.Channels
		image := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "image")
		epoch, index := rapid.IntRange(0, 99).Draw(t, "epoch"), rapid.IntRange(0, 99999).Draw(t, "index")
		dx, dy := j.Offset(epoch, index)
		if max(dx, -dx, dy, -dy) > j.Pixels {
			t.Fatalf("offset %d, %d is more than %d", dx, dy, j.Pixels)
		}
		// Scatter where Encode gathers.
		want := make([]byte, size)
		for r := range j.Rows {
			for c := range j.Cols {
				if r+dy < 0 || r+dy >= j.Rows || c+dx < 0 || c+dx >= j.Cols {
					continue
				}
				copy(want[((r+dy)*j.Cols+c+dx)*j.Channels:][:j.Channels], image[(r*j.Cols+c)*j.Channels:])
			}
		}
		if got := j.Encode([]byte("old"), image, epoch, index); !bytes.Equal(got, want) {
			t.Fatalf("shift %d, %d: got %v, expected %v", dx, dy, got, want)
		}
	})
}

package encode

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestCentered(t *testing.T) {
	got := Centered(make([]int16, 9), []byte{0, 127, 128, 255})
	if !slices.Equal(got, []int16{-128, -1, 0, 127}) {
		t.Errorf("got %v", got)
	}
}

// Half of the images are mirrored, whatever their shift, and none without Flip; which ones is part of what a run learns.
func TestMirroredIsPinnedAndFair(t *testing.T) {
	j := Jitter{Pixels: 1, Flip: true, Seed: 1}
	var first []bool
	count := map[[3]int]int{}
	const n = 36000
	for i := range n {
		m := j.Mirrored(i/100, i%100)
		if i < 12 {
			first = append(first, m)
		}
		dx, dy := j.Offset(i/100, i%100)
		k := [3]int{dx, dy, 0}
		if m {
			k[2] = 1
		}
		count[k]++
		if (Jitter{Pixels: 1, Seed: 1}).Mirrored(i/100, i%100) {
			t.Fatal("mirrored without flip")
		}
	}
	if want := []bool{true, true, false, false, false, false, false, false, true, false, false, false}; !slices.Equal(first, want) {
		t.Errorf("the first are %v, expected %v", first, want)
	}
	chi2 := 0.0
	for _, c := range count {
		chi2 += float64((c-n/18)*(c-n/18)) / (n / 18)
	}
	if len(count) != 18 || chi2 > 50 { // 17 degrees of freedom: exceeded once in 30,000
		t.Errorf("chi-squared %.1f over %d cases, counts %v", chi2, len(count), count)
	}
}

// Offsets are part of what a run learns: a change here changes every digest of a run with jitter.
func TestOffsetIsPinned(t *testing.T) {
	j := Jitter{Rows: 28, Cols: 28, Channels: 1, Pixels: 2, Flip: true, Seed: 0x123456789abcdef0}
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
			Flip:     rapid.Bool().Draw(t, "flip"),
			Outside:  rapid.Byte().Draw(t, "outside"),
			Seed:     rapid.Uint64().Draw(t, "seed"),
		}
		size := j.Rows * j.Cols * j.Channels
		image := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "image")
		epoch, index := rapid.IntRange(0, 99).Draw(t, "epoch"), rapid.IntRange(0, 99999).Draw(t, "index")
		dx, dy := j.Offset(epoch, index)
		if max(dx, -dx, dy, -dy) > j.Pixels {
			t.Fatalf("offset %d, %d is more than %d", dx, dy, j.Pixels)
		}
		// Scatter where Image gathers.
		want := bytes.Repeat([]byte{j.Outside}, size)
		mirrored := j.Mirrored(epoch, index)
		for r := range j.Rows {
			for c := range j.Cols {
				if r+dy < 0 || r+dy >= j.Rows || c+dx < 0 || c+dx >= j.Cols {
					continue
				}
				from := c
				if mirrored {
					from = j.Cols - 1 - c
				}
				copy(want[((r+dy)*j.Cols+c+dx)*j.Channels:][:j.Channels], image[(r*j.Cols+from)*j.Channels:])
			}
		}
		if got := j.Image([]byte("old"), image, epoch, index); !bytes.Equal(got, want) {
			t.Fatalf("shift %d, %d: got %v, expected %v", dx, dy, got, want)
		}
	})
}

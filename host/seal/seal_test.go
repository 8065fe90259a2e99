package seal_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/host/seal"
)

// A tagged frame is cut with its key and boot number only, and is parsed as without its tag.
func TestTags(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var key device.Key
		copy(key[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key"))
		boot := rapid.Uint32().Draw(t, "boot")
		q := proto.Request{Op: proto.OpWrite, Seq: rapid.Uint16().Draw(t, "seq"), N: 7, Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body")}
		frame := q.Frame()
		tagged := seal.Append(append([]byte(nil), frame...), key, boot)
		cut, ok := seal.Cut(tagged, key, boot)
		if !ok || !cmp.Equal(cut, frame) {
			t.Fatalf("cut %x, %v, want %x", cut, ok, frame)
		}
		bit := rapid.IntRange(0, 8*len(tagged)-1).Draw(t, "bit")
		if tagged[bit/8] ^= 1 << (bit % 8); tagged[0] != byte(proto.OpHello) {
			if _, ok := seal.Cut(tagged, key, boot); ok {
				t.Errorf("bit %d turned over, and the tag is right", bit)
			}
		}
		tagged[bit/8] ^= 1 << (bit % 8)
		if _, ok := seal.Cut(tagged, key, boot+1); ok {
			t.Error("the tag is right after a restart")
		}
		for _, f := range [][]byte{frame, tagged} {
			got, err := seal.Parse(f)
			if err != nil || got.Seq != q.Seq || len(got.Body) != len(q.Body) {
				t.Errorf("parsed %+v, %v", got, err)
			}
		}
	})
}

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/host/dataset"
)

func TestHalve(t *testing.T) {
	got := halve([]byte{
		0, 1, 255, 255, 0, 0,
		0, 0, 255, 255, 1, 1,
	}, 2, 6)
	if want := []byte{0, 255, 1}; !bytes.Equal(got, want) { // 1/4 rounds down, 2/4 up
		t.Errorf("got %v, expected %v", got, want)
	}
}

func TestChoose(t *testing.T) {
	set, err := dataset.New("x", dataset.Train, dataset.Shape{Rows: 2, Cols: 2, Channels: 1}, 2,
		bytes.Repeat([]byte{4}, 20), []byte{1, 1, 0, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	images, labels, err := choose(set, 2)
	if err != nil || !bytes.Equal(labels, []byte{1, 1, 0, 0}) || !bytes.Equal(images, []byte{4, 4, 4, 4}) {
		t.Errorf("chose %v %v, %v", images, labels, err)
	}
	if _, _, err := choose(set, 3); err == nil || !strings.Contains(err.Error(), "class 0 has 2 images, expected 3") {
		t.Errorf("error %v", err)
	}
}

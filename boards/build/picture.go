package build

import (
	"bytes"
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Size of the picture.
const (
	pictureWidth  = 24 * vg.Centimeter
	pictureHeight = 10 * vg.Centimeter
)

// Picture draws the report as SVG: what the design takes of the part, and what the memory blocks are for.
func (r *Report) Picture() ([]byte, error) {
	clock := fmt.Sprintf("%.1f MHz wanted", r.Clock.WantMHz)
	if r.Clock.MHz > 0 {
		clock = fmt.Sprintf("%.1f of %.1f MHz", r.Clock.MHz, r.Clock.WantMHz)
	}
	var share plotter.Values
	var names []string
	for _, u := range r.Resources {
		share = append(share, 100*float64(u.Used)/float64(max(1, u.Has)))
		names = append(names, fmt.Sprintf("%s %d/%d", u.Title, u.Used, u.Has))
	}
	left, err := bars(fmt.Sprintf("%s, %d lanes, %s", r.Part, r.Device.Lanes, clock), "% of the part", names, share)
	if err != nil {
		return nil, err
	}
	left.X.Min, left.X.Max = 0, 100
	var blocks plotter.Values
	names = nil
	for _, m := range r.Memories {
		if m.Blocks > 0 {
			blocks = append(blocks, float64(m.Blocks))
			names = append(names, fmt.Sprintf("%s %d×%d", m.Name, m.Depth, m.Width))
		}
	}
	right, err := bars("memories", "blocks", names, blocks)
	if err != nil {
		return nil, err
	}
	right.X.Min = 0

	canvas := vgsvg.New(pictureWidth, pictureHeight)
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Millimeter * 5, PadTop: vg.Millimeter, PadBottom: vg.Millimeter, PadLeft: vg.Millimeter, PadRight: vg.Millimeter}
	dc := draw.New(canvas)
	for i, p := range []*plot.Plot{left, right} {
		p.Draw(tiles.At(dc, i, 0))
	}
	var b bytes.Buffer
	_, err = canvas.WriteTo(&b)
	return b.Bytes(), err
}

// bars is a plot of horizontal bars, the first on top.
func bars(title, unit string, names []string, values plotter.Values) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text = unit
	if len(values) == 0 {
		return p, nil
	}
	values, names = slices.Clone(values), slices.Clone(names)
	slices.Reverse(values)
	slices.Reverse(names)
	chart, err := plotter.NewBarChart(values, 5*vg.Millimeter)
	if err != nil {
		return nil, err
	}
	chart.Horizontal = true
	chart.Color = color.RGBA{R: 0x3b, G: 0x6e, B: 0xa5, A: 0xff}
	chart.LineStyle.Width = 0
	p.Add(chart)
	p.NominalY(names...)
	return p, nil
}

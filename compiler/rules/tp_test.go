package rules_test

import (
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
)

// TestTargetErrors: what target propagation cannot carry, at its place.
func TestTargetErrors(t *testing.T) {
	for _, c := range []struct{ options, want string }{
		{"warmup = 1000", "22:10: warmup = 1000: of 1000 samples none is left for the layers; write warmup = 100"},
		{"warmup = 0\ntargets = \"simplified\"\ntarget_step = 1.5", "24:15: target_step = 1.5 takes the target of the output beyond the label; write 1.0 or less"},
		{"warmup = 0\nnoise = 7.5", "23:9: noise = 7.5 does not fit the values of layer \"hidden1\", Q3.12 [-8, 7.99976]; choose another, or another frac of the values"},
		{"warmup = 0\nnoise = 0.0001", "23:9: noise = 0.0001 does not fit the values of layer \"hidden1\", Q3.12 [-8, 7.99976]; choose another, or another frac of the values"},
		{"warmup = 0\ninverse_every = 3", "23:17: inverse_every = 3 is no power of two; write inverse_every = 4"},
		{"warmup = 0\ninverse_rate = 1e-10", "23:16: rate 6.25e-12 of the inverse of layer \"hidden2\" rounds to 0; raise it 1.31e+05-fold, or write 0 if that is meant"},
		{"warmup = 0\ninverse_loss = \"difference\"\nnoise = 0", "23:16: the difference loss wants noise, and targets that are differences; write inverse_loss = \"reconstruction\", or change noise and targets"},
		{"warmup = 0\ninverse_loss = \"difference\"\ntargets = \"vanilla\"", "23:16: the difference loss wants noise, and targets that are differences; write inverse_loss = \"reconstruction\", or change noise and targets"},
	} {
		src := text("tanh", "out", "softmax", "tp", c.options)
		n, err := config.Read("net.toml", []byte(src), config.Options{Rules: rules.Specs()})
		if err != nil {
			t.Errorf("%s: %v", c.options, err)
			continue
		}
		if _, err := rules.Build(n); err == nil || !strings.HasPrefix(err.Error(), "net.toml:"+c.want) {
			t.Errorf("%s: got %v, want %q", c.options, err, c.want)
		}
	}
}

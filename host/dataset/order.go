package dataset

// Order returns the order in which an epoch visits n samples: a permutation of 0..n-1 that depends on seed, epoch and n
// only, the same on every machine and in every version of Go.
//
// It is the Fisher-Yates shuffle from the top, for i = n-1 … 1 exchanging i with a draw below i+1. Draws are 32-bit
// outputs of PCG-XSH-RR (O'Neill 2014), state initialized with mix(seed + mix(epoch)) and stream 0; a draw x
// below m is the high half of x·m, drawn again while the low half is below 2^32 mod m (Lemire 2019), so that it is
// exactly uniform.
func Order(seed uint64, epoch, n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	rng := newPCG(mix64(seed+mix64(uint64(epoch))), 0)
	for i := n - 1; i > 0; i-- {
		j := rng.below(uint32(i + 1))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// mix64 is the output function of SplitMix64 after one step.
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// pcg is PCG-XSH-RR with 64 bits of state and 32 of output.
type pcg struct{ state, inc uint64 }

func newPCG(state, stream uint64) *pcg {
	p := &pcg{0, stream<<1 | 1}
	p.next()
	p.state += state
	p.next()
	return p
}

func (p *pcg) next() uint32 {
	s := p.state
	p.state = s*6364136223846793005 + p.inc
	x, r := uint32((s>>18^s)>>27), s>>59
	return x>>r | x<<(-r&31)
}

func (p *pcg) below(m uint32) uint32 {
	for {
		if x := uint64(p.next()) * uint64(m); uint32(x) >= -m%m {
			return uint32(x >> 32)
		}
	}
}

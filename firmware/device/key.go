package device

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// Key is the secret that host and device share; 0: none, the device obeys whoever speaks to it.
type Key [16]byte

// IsZero says whether there is none.
func (k Key) IsZero() bool { return k == Key{} }

// MarshalText writes 32 hexadecimal digits.
func (k Key) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, k[:]), nil }

// UnmarshalText reads 32 hexadecimal digits. A key of zeros is an error.
func (k *Key) UnmarshalText(b []byte) error {
	if n, err := hex.Decode(make([]byte, len(b)), b); err != nil || n != len(k) {
		return fmt.Errorf("a key has %d hexadecimal digits", 2*len(k))
	}
	hex.Decode(k[:], b)
	if k.IsZero() {
		return errors.New("a key of zeros is none")
	}
	return nil
}

// Keyed is the Verilog parameter that says whether there is a key: 1 or 0.
func (k Key) Keyed() int {
	if k.IsZero() {
		return 0
	}
	return 1
}

// Number returns the key as the bytes of the Verilog parameter's number, most significant first.
func (k Key) Number() []byte {
	b := slices.Clone(k[:])
	slices.Reverse(b)
	return b
}

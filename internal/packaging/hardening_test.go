package packaging

import (
	"debug/elf"
	"slices"
	"testing"
)

// What is built is hardened: addresses are resolved at loading and read-only
// then, no stack is executable, programs can be loaded anywhere, and C has
// guards on its stack and checks lengths that the compiler knows.
func TestHardened(t *testing.T) {
	for _, name := range []string{"build/libgstnetgear.so", "build/netgear-keys"} {
		f, err := elf.Open(tree + "/" + name)
		if err != nil {
			t.Fatal(err, ": run make build")
		}
		defer f.Close()
		if f.Type != elf.ET_DYN {
			t.Errorf("%s is of type %v, want position-independent", name, f.Type)
		}
		if flags, err := f.DynValue(elf.DT_FLAGS); err != nil || !slices.ContainsFunc(flags, func(v uint64) bool { return elf.DynFlag(v)&elf.DF_BIND_NOW != 0 }) {
			t.Errorf("%s: flags %v, %v: want BIND_NOW", name, flags, err)
		}
		relro, stack := false, false
		for _, p := range f.Progs {
			relro = relro || p.Type == elf.PT_GNU_RELRO
			stack = stack || p.Type == elf.PT_GNU_STACK && p.Flags&elf.PF_X == 0
		}
		if !relro || !stack {
			t.Errorf("%s: read-only after loading: %v, stack that is not executable: %v; want both", name, relro, stack)
		}
		symbols, err := f.ImportedSymbols()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"__stack_chk_fail", "__fprintf_chk"} { // of -fstack-protector-strong, of _FORTIFY_SOURCE
			if !slices.ContainsFunc(symbols, func(s elf.ImportedSymbol) bool { return s.Name == want }) {
				t.Errorf("%s does not call %s", name, want)
			}
		}
	}
}

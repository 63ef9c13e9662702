package e2e

import "testing"

// testdata/wires.py says what each case is.
func TestWires(t *testing.T) {
	peers := []string{"imagezmq-jpg-rep", "imagezmq-jpg-sub", "imagezmq-image-rep", "imagezmq-image-sub", "jpeg", "lerobot", "array"}
	cases := [][]string{{"names"}, {"cameras"}, {"lekiwi"}, {"restart"}, {"refused"}, {"source", "jpeg-topic"}}
	for _, p := range peers {
		cases = append(cases, []string{"source", p}, []string{"sink", p})
	}
	for _, c := range cases {
		name := c[0]
		if len(c) > 1 {
			name += " " + c[1]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			python(t, "wires "+name, append([]string{"testdata/wires.py"}, c...)...).Exits(0)
		})
	}
}

package door

import "io"

// run is what one direction has read and not written yet. A message that comes in
// pieces goes on in one: nobody has a use for a part of it, and each piece would
// wake up whoever waits for it. One goroutine uses it.
type run struct {
	bytes []byte // in the buffer of src
}

// add takes in what goes on next, which is at the beginning of fed or lies
// elsewhere, and writes what cannot wait.
func (r *run) add(dst io.Writer, fed, pass []byte) error {
	if len(pass) == 0 {
		return nil
	}
	if n := len(r.bytes); n > 0 && n < cap(r.bytes) && &r.bytes[:n+1][n] == &pass[0] {
		r.bytes = r.bytes[:n+len(pass)]
		return nil
	}
	if err := r.flush(dst); err != nil {
		return err
	}
	if r.bytes = pass; &pass[0] != &fed[0] {
		return r.flush(dst) // it is valid for now alone
	}
	return nil
}

// settle writes what there is, or has it wait in the buffer of src for the rest
// of the message that in has read the beginning of.
func (r *run) settle(dst io.Writer, src *stream, in *Reader) error {
	if len(r.bytes) > 0 && in.Inside() && in.Body() < spliceMin && src.keep(r.bytes, in.Body()) {
		return nil
	}
	return r.flush(dst)
}

func (r *run) flush(dst io.Writer) error {
	if len(r.bytes) == 0 {
		return nil
	}
	_, err := dst.Write(r.bytes)
	r.bytes = nil
	return err
}

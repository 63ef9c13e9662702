package door

import "io"

// run holds the bytes that one direction has read and not written yet. A message that
// comes in pieces goes on as a whole: a part of it is of no use, and each piece would
// wake up the receiver. One goroutine uses a run.
type run struct {
	bytes []byte // in the buffer of src
}

// add takes in the next bytes to pass on, which are the beginning of fed or lie
// elsewhere. It writes those that cannot wait.
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
		return r.flush(dst) // pass is valid only until the next call of Feed
	}
	return nil
}

// settle writes the bytes, but for those of a message whose beginning in has read: they
// stay in the buffer of src until the rest comes.
func (r *run) settle(dst io.Writer, src *stream, in *Reader) error {
	whole := max(0, len(r.bytes)-int(min(in.Begun(), bufferSize)))
	begun := r.bytes[whole:]
	if len(begun) == 0 || in.Body() >= spliceMin || !src.keep(begun, in.Body()) {
		return r.flush(dst)
	}
	r.bytes = r.bytes[:whole]
	err := r.flush(dst)
	r.bytes = begun
	return err
}

func (r *run) flush(dst io.Writer) error {
	if len(r.bytes) == 0 {
		return nil
	}
	_, err := dst.Write(r.bytes)
	r.bytes = nil
	return err
}

package netgear

// Taken returns how many messages a Receiver has read from its socket.
func (r *Receiver) Taken() uint64 {
	r.stats.mu.Lock()
	defer r.stats.mu.Unlock()
	return r.stats.taken
}

// Counted is Stats without the peers; it allocates nothing.
func (s *Sender) Counted() Stats {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	return s.stats.st
}

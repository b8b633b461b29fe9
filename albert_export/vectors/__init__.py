"""Golden vectors: what the Python runtime makes of texts and requests, for other runtimes to test themselves with."""

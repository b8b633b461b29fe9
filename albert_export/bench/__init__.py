"""Measurement of bundles in processes of their own: load time, memory, latency."""

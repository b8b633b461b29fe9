"""Bundles in programs that spread work over many machines; `albert_runtime` itself imports none of this."""

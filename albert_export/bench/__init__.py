"""Measures bundles on this machine: each in fresh processes of its own, taken in turn, all in one run."""

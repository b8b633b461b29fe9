"""Bundles held against their originals: token ids, tensors and decoded answers."""

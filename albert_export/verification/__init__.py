"""Comparison of a bundle with its checkpoint, or with another bundle: token ids, tensors and decoded answers."""

"""The reference models, to be read: one pair of files (encoder, heads) for each framework."""

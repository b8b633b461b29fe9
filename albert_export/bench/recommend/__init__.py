"""Recommendation of a bundle and an engine: the fastest on this processor among those that keep the answers."""

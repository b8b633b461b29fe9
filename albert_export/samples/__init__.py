"""Texts that the package brings, and requests to sessions made of them."""

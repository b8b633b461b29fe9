"""Packed bundles: one `.albert` file with the files of a bundle folder."""

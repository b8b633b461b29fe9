"""Tokenizer files of a bundle."""

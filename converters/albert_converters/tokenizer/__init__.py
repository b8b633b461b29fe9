"""The tokenizer files of a bundle."""

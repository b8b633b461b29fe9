"""What a tokenizer.json says: normalization, added tokens, and the words that are split into pieces."""

"""The tokenizer: text to token ids, and each token's span in the text."""

"""From text to token ids and back to spans of the text."""

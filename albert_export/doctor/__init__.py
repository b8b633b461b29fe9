"""What is wrong with graphs that other tools made, and what can be mended."""

"""Graphs that take texts and give answers: the tokenizer's rules in ONNX, around a graph that takes token ids."""

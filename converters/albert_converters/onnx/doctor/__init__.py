"""Faults of ONNX files: checks that find them, graph passes that repair them."""

"""The doctor for ONNX files: checks that find errors, and graph passes that repair them."""

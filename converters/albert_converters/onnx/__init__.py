"""ONNX graphs: export, quantization, inspection, diagnosis."""

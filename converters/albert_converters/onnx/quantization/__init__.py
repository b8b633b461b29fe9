"""Quantization of float32 ONNX graphs."""

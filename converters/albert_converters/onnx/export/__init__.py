"""Export of PyTorch modules to ONNX graphs."""

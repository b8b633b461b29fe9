"""ONNX graphs in float32 become quantized ones."""

"""Converters between graph formats, which know no checkpoint: they are handed a model.

- `albert_converters.onnx`: PyTorch modules to ONNX graphs; quantization, inspection and repair of ONNX files.
- `albert_converters.tflite`: TensorFlow functions to TFLite graphs; the same for TFLite files.
- `albert_converters.tokenizer`: the tokenizer files of a bundle.
- `albert_converters.bundle_writer`: the folder that all of these are written into, whole or not at all.
"""

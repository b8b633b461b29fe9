"""Stored graphs: what onnxruntime made of a model is kept in the cache, so that later sessions start sooner."""

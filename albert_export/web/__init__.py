"""A static page that runs a bundle in the browser: what `albert-export web` writes.

The page's sources are in `runtime/js/page/`, beside the JavaScript package that it runs on. This folder puts the built
page, ONNX Runtime's WebAssembly and a bundle together.
"""

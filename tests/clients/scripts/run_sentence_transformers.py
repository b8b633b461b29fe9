"""Embeds texts with the graphs of a repository, by sentence-transformers' ONNX backend."""

import json
import sys

import sentence_transformers

request = json.load(sys.stdin)
found = {}
for file in request["files"]:
    model = sentence_transformers.SentenceTransformer(
        request["path"], backend="onnx", model_kwargs={"file_name": file}, device="cpu"
    )
    found[file] = model.encode(request["texts"]).tolist()
print(json.dumps({"version": sentence_transformers.__version__, "vectors": found}))

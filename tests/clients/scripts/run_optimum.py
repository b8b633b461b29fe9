"""Opens the graphs of a repository with optimum: the outputs of each, and what AutoTokenizer makes of texts."""

import json
import sys
from importlib.metadata import version

import optimum.onnxruntime
import torch
from transformers import AutoTokenizer

request = json.load(sys.stdin)
found = []
for folder in request["folders"]:
    tokenizer = AutoTokenizer.from_pretrained(folder["path"])
    graphs = []
    for file, runs in folder["graphs"].items():
        model_class = getattr(optimum.onnxruntime, folder["class"])
        model = model_class.from_pretrained(folder["path"], subfolder="onnx", file_name=file)
        outputs = []
        for inputs in runs:
            tensors = {name: torch.tensor(one["data"]).reshape(one["shape"]) for name, one in inputs.items()}
            given = model(**tensors)
            outputs.append(
                {
                    name: {"type": "float32", "shape": list(value.shape), "data": value.flatten().tolist()}
                    for name, value in given.items()
                    if value is not None
                }
            )
        graphs.append(outputs)
    encoded = [dict(tokenizer(*texts)) for texts in folder["texts"]]
    found.append({"graphs": graphs, "encoded": encoded})
print(json.dumps({"version": version("optimum-onnx"), "folders": found}))

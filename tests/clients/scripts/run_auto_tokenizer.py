"""What AutoTokenizer makes of texts and pairs, with the tokenizer of each folder: the version, and the inputs."""

import json
import sys

import transformers

request = json.load(sys.stdin)
found = []
for folder in request["folders"]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    found.append([{name: list(ids) for name, ids in tokenizer(*texts).items()} for texts in request["texts"]])
print(json.dumps({"version": transformers.__version__, "inputs": found}))

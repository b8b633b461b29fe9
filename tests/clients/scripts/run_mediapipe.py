"""Runs files on texts with MediaPipe Tasks: its version, and the answers of each file, or why it can't be opened."""

import importlib.metadata
import json
import sys

from mediapipe.tasks.python import BaseOptions, text


def classify(options, texts):
    with text.TextClassifier.create_from_options(text.TextClassifierOptions(base_options=options)) as task:
        found = [task.classify(one).classifications[0].categories for one in texts]
    return [[[label.category_name, label.score] for label in labels] for labels in found]


def embed(options, texts):
    with text.TextEmbedder.create_from_options(text.TextEmbedderOptions(base_options=options)) as task:
        found = [task.embed(one).embeddings[0].embedding for one in texts]
    return [[float(number) for number in vector] for vector in found]


request = json.load(sys.stdin)
found = []
for job in request["jobs"]:
    run = {"text-classification": classify, "feature-extraction": embed}[job["task"]]
    try:
        found.append({"answers": run(BaseOptions(model_asset_path=job["file"]), job["texts"])})
    except (RuntimeError, ValueError) as error:
        found.append({"error": str(error)})
print(json.dumps({"version": importlib.metadata.version("mediapipe"), "found": found}))

"""Saves an ALBERT of each class with whatever transformers is installed, with its ids and outputs for some texts.

It runs in an environment of its own: `python save_with_transformers.py REQUEST.json`. The request has `folder` (where
to save), `vocabulary` (a spiece.model), `site_packages` (where PyTorch is), `classes` and `texts`.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

SIZES = {
    "embedding_size": 8,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
    "initializer_range": 0.2,
}


def save_all(request: dict) -> None:
    """Save every class, each in a folder that is named after it."""
    import numpy as np
    import torch
    import transformers

    root = Path(request["folder"])
    source = root / "source"
    source.mkdir(parents=True)
    shutil.copy(request["vocabulary"], source / "spiece.model")
    (source / "config.json").write_text('{"model_type": "albert"}')
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    for name in request["classes"]:
        torch.manual_seed(len(name))
        config = transformers.AlbertConfig(**SIZES, vocab_size=len(tokenizer))
        model = getattr(transformers, name)(config).eval()
        model.save_pretrained(root / name)
        tokenizer.save_pretrained(root / name)
        found = {}
        for number, texts in enumerate(request["texts"]):
            inputs = tokenizer(*texts, return_tensors="pt", truncation=True, max_length=64)
            if name.endswith("MultipleChoice"):
                given = {key: value[:, None].expand(1, 2, -1) for key, value in inputs.items()}
            else:
                given = dict(inputs)
            with torch.no_grad():
                outputs = model(**given)
            found |= {f"{number}/ids": inputs["input_ids"].numpy()}
            found |= {
                f"{number}/out/{key}": value.numpy()
                for key, value in outputs.items()
                if isinstance(value, torch.Tensor)
            }
        np.savez(root / name / "expected.npz", **found)
    (root / "version").write_text(transformers.__version__)


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text())
    sys.path.append(given["site_packages"])  # behind the packages of this environment
    save_all(given)

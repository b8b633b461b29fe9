"""The layout `hub`: the files that optimum, sentence-transformers and transformers.js look for in a repository.

The graphs are in the folder `onnx`, by the names that transformers.js gives to its `dtype`s. The files of
sentence-transformers say how a text becomes one vector, as the field `embedding` of the manifest does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from albert_runtime.bundle import MANIFEST_FILE
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.pooling import EmbeddingOptions

LAYOUTS = ("bundle", "hub")
#: precision -> the file of the graph. transformers.js calls these dtypes fp32, fp16, q8 and q4; it has no name for
#: int8-static, which it opens by the option `model_file_name`
GRAPH_FILES = {
    "fp32": "onnx/model.onnx",
    "fp16": "onnx/model_fp16.onnx",
    "int8": "onnx/model_quantized.onnx",
    "int4": "onnx/model_q4.onnx",
    "int8-static": "onnx/model_int8_static.onnx",
}
#: task -> the `model_type` in config.json, where transformers.js 4.3 has no class for ALBERT but one for a model with
#: the same inputs and outputs. Hugging Face's Python libraries open the graph by its task, whatever the type is.
_MODEL_TYPES = {"token-classification": "bert"}
#: our pooling -> the flag in sentence-transformers' 1_Pooling/config.json
_POOLING_FLAGS = {"cls": "pooling_mode_cls_token", "mean": "pooling_mode_mean_tokens", "max": "pooling_mode_max_tokens"}
_MODULES = "sentence_transformers.models"


def refuse_other_files(folder: Path) -> None:
    """Refuse to replace a bundle in whose folder the user keeps other files, as in a clone of a repository.

    Raises:
        UsageError: there are files that the manifest in `folder` does not list; the message names them.
    """
    if not (folder / MANIFEST_FILE).is_file():
        return  # it is no bundle, and not replaced
    try:
        record = json.loads((folder / MANIFEST_FILE).read_bytes())
    except (ValueError, RecursionError):  # nobody knows which of the files a damaged bundle had
        record = None
    files = record.get("files") if isinstance(record, dict) else None
    listed_files = {MANIFEST_FILE, *(files if isinstance(files, dict) else ())}
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir()}
    others = sorted(found - listed_files)
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        raise UsageError(
            f"{folder} holds files that are not the bundle's: {', '.join(others[:5])}{more}; --force does not replace "
            "them: choose another --output, and copy what it holds"
        )


def hub_config(config: dict[str, Any], task: str) -> dict[str, Any]:
    """The content of config.json for this layout."""
    return {**config, "model_type": _MODEL_TYPES.get(task, config.get("model_type", "albert"))}


def write_sentence_transformers(folder: Path, embedding: EmbeddingOptions, *, max_length: int, hidden: int) -> bool:
    """Write the files by which sentence-transformers makes the vectors that our sessions make.

    Args:
        folder: the folder of the bundle.
        embedding: how a text becomes one vector.
        max_length: the most tokens in a text.
        hidden: the numbers in a vector.

    Returns:
        Whether they were written: sentence-transformers has no module for the model's own pooler.
    """
    if embedding.pooling not in _POOLING_FLAGS:
        return False
    modules = ["Transformer", "Pooling", *(["Normalize"] if embedding.normalize else [])]
    paths = ["", *(f"{place}_{name}" for place, name in enumerate(modules) if place)]
    contents: dict[str, Any] = {
        "modules.json": [
            {"idx": place, "name": str(place), "path": path, "type": f"{_MODULES}.{name}"}
            for place, (name, path) in enumerate(zip(modules, paths, strict=True))
        ],
        "sentence_bert_config.json": {"max_seq_length": max_length, "do_lower_case": embedding.lower_case},
        "config_sentence_transformers.json": {"similarity_fn_name": embedding.similarity},
        "1_Pooling/config.json": {
            "word_embedding_dimension": hidden,
            **{flag: pooling == embedding.pooling for pooling, flag in _POOLING_FLAGS.items()},
        },
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return True

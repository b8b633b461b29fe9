"""The head of a bundle's model card: what the hub shows and filters by (huggingface.co/docs/hub/model-cards)."""

from __future__ import annotations

import json
import re
from pathlib import Path

from albert_export.hub.checkpoint_files import CARD
from albert_runtime.manifest import Manifest

_HEAD = re.compile(r"\A\s*---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
_LICENSE = re.compile(r"^(license|license_name|license_link):[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
#: what the hub calls the tasks; it has no name for pre-training
_PIPELINES = (
    "feature-extraction",
    "fill-mask",
    "multiple-choice",
    "question-answering",
    "text-classification",
    "token-classification",
)


def card_head(manifest: Manifest, checkpoint: Path) -> list[str]:
    """The lines of YAML between `---` that begin the model card, and an empty line.

    The base model is known if the checkpoint was fetched from the hub, and the license if its own card names one.

    Args:
        manifest: the bundle's.
        checkpoint: the folder of the checkpoint.
    """
    library = "onnx" if manifest.model_file.endswith(".onnx") else "tflite"
    lines = [f"{name}: {value}" for name, value in _license(checkpoint).items()]
    if manifest.source:
        lines.append(f"base_model: {_text(manifest.source['repository'])}")
        lines += ["base_model_relation: quantized"] if manifest.precision.startswith("int") else []
    lines.append(f"library_name: {library}")
    lines += [f"pipeline_tag: {manifest.task}"] if manifest.task in _PIPELINES else []
    lines += ["tags:", *(f"- {tag}" for tag in ("albert", library, "albert-export"))]
    return ["---", *lines, "---", ""]


def _license(checkpoint: Path) -> dict[str, str]:
    """What the head of the checkpoint's own card says of its license, as it is written there."""
    file = checkpoint / CARD
    try:
        head = _HEAD.match(file.read_text(encoding="utf-8")) if file.is_file() else None
    except (OSError, UnicodeDecodeError):
        return {}
    found = {} if head is None else dict(_LICENSE.findall(head[1]))
    plain = {name: value for name, value in found.items() if not value.startswith(("|", ">", "[", "{", "&", "*", "!"))}
    return plain if "license" in plain else {}


def _text(value: str) -> str:
    """`value` as YAML; a text in JSON is one."""
    return json.dumps(value, ensure_ascii=False)

"""The Hugging Face hub: checkpoints by their id, and bundles that are pushed to it, with huggingface_hub."""

from __future__ import annotations

from albert_export.hub.download import load_checkpoint, resolve_checkpoint

__all__ = ["load_checkpoint", "resolve_checkpoint"]

"""Checkpoints: reads folders of many formats into named numpy weights, and writes folders of Hugging Face's."""

from __future__ import annotations

from albert_export.checkpoints.checkpoint import Checkpoint
from albert_export.checkpoints.read_options import ReadOptions
from albert_export.checkpoints.reader import read_checkpoint
from albert_export.checkpoints.writer import write_checkpoint

__all__ = ["Checkpoint", "ReadOptions", "read_checkpoint", "write_checkpoint"]

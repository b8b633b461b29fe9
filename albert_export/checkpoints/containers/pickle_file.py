"""Reads a file that PyTorch saved, without running the code that such a file may hold."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from albert_converters.extras import needing
from albert_runtime.errors import CheckpointError
from albert_runtime.failed_downloads import failed_download


def read_pickle(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The weights in `file`; those of other precisions as float32.

    Raises:
        CheckpointError: the file is damaged, holds code, or holds no weights.
        DependencyError: PyTorch is missing.
    """
    with needing(f"reading {file.name} needs PyTorch", "torch"):
        import torch

    with file.open("rb") as stream:
        try:
            tensors = torch.load(stream, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            raise CheckpointError(
                failed_download(file)
                or f"{file} holds more than weights, or is damaged. Nothing in it was run, since it could be any "
                "program. Ask its author for model.safetensors; if you trust the file, load it with your own code and "
                "save the model with save_pretrained(folder, safe_serialization=True)"
            ) from error
        except Exception as error:  # torch raises many kinds of exceptions for damaged files
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CheckpointError(
                failed_download(file)
                or f"{file} is damaged or not a PyTorch file ({reason}; {file.stat().st_size} bytes): fetch it again"
            ) from error
    if not isinstance(tensors, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()):
        raise CheckpointError(f"{file} must hold a dictionary of weights (a state_dict), and holds something else")
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            tensor = tensor.float()
        yield str(name), tensor.detach().cpu().numpy()

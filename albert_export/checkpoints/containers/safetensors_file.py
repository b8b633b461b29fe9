"""Reads a safetensors file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from albert_runtime.errors import CheckpointError
from albert_runtime.failed_downloads import failed_download

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}

# The only function of safetensors that reads bfloat16 without PyTorch. It has no type annotations.
_deserialize: Callable[[bytes], list[tuple[str, dict[str, Any]]]] = safetensors.deserialize


def read_safetensors(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The weights in `file`.

    Raises:
        CheckpointError: the file is damaged, or has numbers of another kind.
    """
    try:
        tensors = _deserialize(file.read_bytes())
    except safetensors.SafetensorError as error:
        raise CheckpointError(
            failed_download(file)
            or f"{file} is damaged or not a safetensors file ({error}; {file.stat().st_size} bytes): fetch it again"
        ) from error
    for name, tensor in tensors:
        dtype, data, shape = tensor["dtype"], tensor["data"], tensor["shape"]
        if dtype == "BF16":
            # A bfloat16 is the upper half of a float32.
            upper = np.frombuffer(data, "<u2").astype(np.uint32) << 16
            yield name, upper.view(np.float32).reshape(shape)
        elif dtype in _DTYPES:
            yield name, np.frombuffer(data, _DTYPES[dtype]).reshape(shape)
        else:
            raise CheckpointError(f"{file}: {name} is {dtype}; supported are F32, F16, BF16 and F64")

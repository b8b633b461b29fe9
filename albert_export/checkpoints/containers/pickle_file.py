"""Reads a file that PyTorch saved, without running the code that such a file may hold."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from albert_converters.extras import needing
from albert_export.checkpoints.containers import NOT_READ, NamedArrays
from albert_export.checkpoints.number_formats import BFLOAT16
from albert_runtime.errors import CheckpointError
from albert_runtime.failed_downloads import failed_download

if TYPE_CHECKING:
    from torch import Tensor

#: how deep dictionaries may be nested; trainers need three
_DEEPEST = 8
#: What training loops save beside the weights: optimizers, schedules, random numbers.
_TRAINING_STATE = re.compile(
    r"(optimizers?|optim|lr_schedulers?|schedulers?|grad_scaler|scaler|amp|rng|callbacks|loops)(_state\w*|_dicts?)?"
)


def read_pickle(file: Path) -> NamedArrays:
    """The weights in `file`. The name of a weight in a dictionary inside of another begins with the key of that one.

    A Lightning checkpoint's `{"state_dict": {"albert.pooler.bias": ...}}` gives `state_dict.albert.pooler.bias`.
    Optimizers, and entries without any weights, give `NOT_READ`.

    Raises:
        CheckpointError: the file is damaged, holds code, or holds no weights; the message says what it holds.
        DependencyError: PyTorch is missing.
    """
    content = _load(file)
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{file} must hold a dictionary of weights (a state_dict), and holds a {type(content).__name__}"
        )
    found = list(_named(content))
    if content and not any(isinstance(value, _tensor_type()) for _, value in found):
        keys = ", ".join(map(repr, [*content][:10]))
        raise CheckpointError(f"{file} must hold a dictionary of weights (a state_dict); there are none in {keys}")
    for name, value in found:
        yield name, NOT_READ if value is None else _as_array(file, name, value)


def _load(file: Path) -> Any:
    with needing(f"reading {file.name} needs PyTorch", "torch"):
        import torch

    with file.open("rb") as stream:
        # PyTorch can map only files of its newer format, which are zip files.
        mapped = stream.read(4) == b"PK\x03\x04"
        stream.seek(0)
        try:
            return torch.load(file if mapped else stream, map_location="cpu", weights_only=True, mmap=mapped)
        except pickle.UnpicklingError as error:
            raise CheckpointError(failed_download(file) or _code_message(file, error)) from error
        except Exception as error:  # torch raises many kinds of exceptions for damaged files
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CheckpointError(
                failed_download(file)
                or f"{file} is damaged or not a PyTorch file ({reason}; {file.stat().st_size} bytes): fetch it again"
            ) from error


def _code_message(file: Path, error: Exception) -> str:
    refused = _refused_globals(file, error)
    what = f" ({', '.join(refused)})" if refused else ""
    return (
        f"{file} holds more than weights{what}, or is damaged. Nothing in it was run, since it could be any program. "
        f"Ask its author for model.safetensors. If you trust the file, load it with your own code and save the model "
        f"with save_pretrained(folder, safe_serialization=True); or keep only the weights, which are here assumed to "
        f"be in its state_dict:\n"
        f"  import torch\n"
        f'  torch.save(torch.load("{file.name}", map_location="cpu", weights_only=False)["state_dict"], '
        f'"pytorch_model.bin")'
    )


def _refused_globals(file: Path, error: Exception) -> list[str]:
    """The classes and functions that the file asks for, and that PyTorch refuses to load."""
    from torch.serialization import get_unsafe_globals_in_checkpoint

    try:
        return sorted(get_unsafe_globals_in_checkpoint(file))
    except Exception:  # it reads only PyTorch's newer format, and may fail on damaged files
        return sorted(set(re.findall(r"GLOBAL (\S+) was not an allowed global", str(error))))


def _tensor_type() -> type:
    import torch

    return torch.Tensor


def _named(content: dict[Any, Any], prefix: str = "", outer: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yields (name, tensor) for the tensors, and (name, None) for an entry of the dictionary that holds none."""
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, _tensor_type()):
            yield name, value
        elif isinstance(value, (list, tuple, dict)) and not _TRAINING_STATE.fullmatch(str(key)):
            # A list is read like a dictionary of its places. A pickle may contain itself.
            inner = value if isinstance(value, dict) else dict(enumerate(value))
            nested = len(outer) < _DEEPEST and id(value) not in outer
            found = list(_named(inner, f"{name}.", (*outer, id(value)))) if nested else []
            tensors = [(below, tensor) for below, tensor in found if tensor is not None]
            yield from tensors or [(name, None)]
        else:
            yield name, None


def _as_array(file: Path, name: str, tensor: Tensor) -> np.ndarray:
    import torch

    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        raise CheckpointError(f"{file}: {name} is sparse, quantized or without values; save the float32 model instead")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        # A few bytes could claim to be terabytes.
        if tensor.is_floating_point():
            raise CheckpointError(f"{file}: {name} repeats its numbers; save tensor.contiguous() instead")
        return NOT_READ
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().view(BFLOAT16)
    try:
        return tensor.numpy()
    except TypeError as error:  # for example, float8
        raise CheckpointError(f"{file}: {name} is {tensor.dtype}; supported are float32, 16 and 64") from error

"""The weights of a PyTorch model, taken from numpy arrays with or without copying them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn


def set_weights(model: nn.Module, arrays: Mapping[str, np.ndarray], *, shared: bool) -> None:
    """Replace parameters of `model`, which may be on the device "meta", by `arrays`.

    Args:
        model: the model to change.
        arrays: path of a parameter -> float32 of the parameter's shape. Other parameters stay as they are.
        shared: whether the arrays' own memory becomes that of the parameters. It may be a file that is mapped
            read-only, so that no parameter of the model can be trained then.
    """
    tensors = {path: _tensor_of(array) for path, array in arrays.items()}
    if not shared:
        tensors = {path: tensor.clone() for path, tensor in tensors.items()}
    model.load_state_dict(tensors, strict=False, assign=True)
    if shared:
        model.requires_grad_(False)


def _tensor_of(array: np.ndarray) -> Tensor:
    """A tensor that shares the memory of `array`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)

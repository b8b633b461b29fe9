"""Opens HDF5 files of other people, in which Keras keeps weights, and reads plain arrays from them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from albert_converters.extras import needing
from albert_export.checkpoints.number_formats import BFLOAT16
from albert_runtime.errors import AlbertError, CheckpointError

# Keras nests about ten groups in each other; a damaged file may contain itself.
_DEEPEST = 64
# An array may be compressed, or not be stored at all (then it consists of its fill value), so that a small file can
# describe a huge one. Weights of real models shrink by a few percent.
_LARGEST_RATIO, _ALWAYS_ALLOWED = 16, 1 << 26

_File = Any  # h5py.File; h5py is optional


@contextlib.contextmanager
def open_hdf5(path: Path) -> Iterator[_File]:
    """The open HDF5 file; within the block, whatever h5py raises means that the file is damaged.

    Raises:
        CheckpointError: the file is damaged, or is no HDF5 file.
        DependencyError: h5py is missing.
    """
    with needing(f"reading {path.name} needs h5py", "other-frameworks"):
        import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except AlbertError:
        raise
    except Exception as error:  # h5py raises many kinds of exceptions for damaged files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path} is damaged or not an HDF5 file ({reason}; {path.stat().st_size} bytes): fetch it again"
        ) from error


def datasets(path: Path, group: Any) -> Iterator[tuple[str, Any]]:
    """Every array below `group`, by its path from there. Links are refused, since they may lead to other files.

    Raises:
        CheckpointError: there is a link, or groups are nested endlessly.
    """
    import h5py

    pending: list[tuple[tuple[str, ...], Any]] = [((), group)]
    while pending:
        parts, node = pending.pop()
        if len(parts) > _DEEPEST:
            raise CheckpointError(f"{path} is damaged: its groups are nested more than {_DEEPEST} times")
        below = []
        for name in node:
            kind = node.get(name, getclass=True, getlink=True)
            if kind is not h5py.HardLink:
                raise CheckpointError(f"{path} has a link at {'/'.join((*parts, name))}; a file of weights has none")
            child = node[name]
            if isinstance(child, h5py.Group):
                below.append(((*parts, name), child))
            else:
                yield "/".join((*parts, name)), child
        pending += reversed(below)


def read_array(path: Path, dataset: Any) -> np.ndarray:
    """The numbers in a dataset. Keras marks bfloat16, which HDF5 does not know, by an attribute; see BFLOAT16.

    Raises:
        CheckpointError: the dataset is stored in another file, is too large for its own file, or holds no numbers.
    """
    if dataset.external or dataset.is_virtual:
        raise CheckpointError(f"{path}: {dataset.name} is stored in another file; a file of weights holds them itself")
    allowed = max(_ALWAYS_ALLOWED, _LARGEST_RATIO * path.stat().st_size)
    if dataset.nbytes > allowed:
        raise CheckpointError(
            f"{path} is damaged: {dataset.name} would have {dataset.nbytes} bytes, "
            f"and the file itself has {path.stat().st_size}"
        )
    if dataset.attrs.get("dtype") == "bfloat16" and dataset.dtype.itemsize == 2:
        return np.ascontiguousarray(dataset[()]).view(BFLOAT16).reshape(dataset.shape)
    if dataset.dtype.kind not in "fiub":
        raise CheckpointError(f"{path}: {dataset.name} is {dataset.dtype}, not numbers")
    return np.asarray(dataset[()])

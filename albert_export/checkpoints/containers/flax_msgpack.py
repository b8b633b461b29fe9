"""Reads `flax_model.msgpack`, the file of transformers' Flax classes (`FlaxAlbertForMaskedLM` and its kind)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from albert_converters.extras import needing
from albert_export.checkpoints.framework_weights import hugging_face_weight
from albert_export.checkpoints.number_formats import BFLOAT16
from albert_export.checkpoints.weight_names import full_name
from albert_runtime.errors import AlbertError, CheckpointError

# flax/serialization.py: an array is an extension of this type, which holds [shape, name of the dtype, bytes].
_ARRAYS = (1, 3)  # 3 for the arrays without axes that numpy calls scalars
# An array of more than 1 GiB is a map with this entry, its shape and its pieces.
_CHUNKED = "__msgpack_chunked_array__"
_DTYPES = ("float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool")
_DEEPEST = 32
_READ_AHEAD = 1 << 20
# Flax from before 2022 puts this between the name of a list and the number of its item.
_LIST = "layers"


def read_flax_msgpack(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The weights in `path`, by Hugging Face's full names and in its layout, in the dtype of the file.

    The format is that of `flax.serialization.to_bytes`: nested maps whose leaves are arrays, such as
    `albert/encoder/albert_layer_groups/0/albert_layers/0/ffn/kernel`. The arrays are read one after the other, so that
    there is no second copy of the file in memory.

    Raises:
        CheckpointError: the file is damaged, has no arrays, or has arrays that are not numbers.
        DependencyError: msgpack is missing.
    """
    with needing(f"reading {path.name} needs msgpack", "other-frameworks"):
        import msgpack

    size, found = path.stat().st_size, False
    try:
        with path.open("rb") as stream, path.open("rb", buffering=0) as ahead:
            # Flax writes no lists, and a list's length is not to be trusted.
            limits = {"max_buffer_size": size + _READ_AHEAD, "max_array_len": 0}
            unpacker = msgpack.Unpacker(stream, read_size=_READ_AHEAD, **limits)
            for parts, array in _Reader(path, unpacker, ahead).arrays(()):
                found = True
                *modules, variable = parts
                name, array = hugging_face_weight(".".join(one for one in modules if one != _LIST), variable, array)
                if (full := full_name(name.removeprefix("params."))) is not None:
                    yield full, array
            if unpacker.tell() != size:
                raise CheckpointError(f"{path} is damaged: {size - unpacker.tell()} bytes follow the weights")
    except AlbertError:
        raise
    except Exception as error:  # msgpack raises many kinds of exceptions for damaged files
        raise CheckpointError(
            f"{path} is damaged or not a file of Flax weights ({error or type(error).__name__}; {size} bytes): "
            "fetch it again"
        ) from error
    if not found:
        raise CheckpointError(f"{path} is a msgpack file without weights")


@dataclass(frozen=True)
class _Reader:
    """Walks through the maps of an open file."""

    path: Path
    unpacker: Any  # msgpack.Unpacker; msgpack is optional
    #: the same file, opened once more, to see what comes next
    ahead: BinaryIO

    def arrays(self, parts: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], np.ndarray]]:
        """The arrays in the map that comes next, with the keys that lead to them; `parts` lead to the map itself."""
        if len(parts) > _DEEPEST:
            raise self._damaged(parts, f"is nested more than {_DEEPEST} times")
        entries = self.unpacker.read_map_header()
        for number in range(entries):
            key = self.unpacker.unpack()
            if not isinstance(key, str):
                raise self._damaged(parts, f"has the key {key!r}, which is no name")
            if key == _CHUNKED and number == 0:
                self.unpacker.skip()
                rest = {self.unpacker.unpack(): self.unpacker.unpack() for _ in range(entries - 1)}
                yield parts, self._joined(parts, rest)
                return
            if self._map_is_next():
                yield from self.arrays((*parts, key))
                continue
            value = self.unpacker.unpack()
            if hasattr(value, "code"):
                yield (*parts, key), self._array((*parts, key), value)
            # Anything else is a number of the training, such as the step.

    def _map_is_next(self) -> bool:
        self.ahead.seek(self.unpacker.tell())
        first = self.ahead.read(1)
        return bool(first) and (0x80 <= first[0] <= 0x8F or first[0] in (0xDE, 0xDF))

    def _joined(self, parts: tuple[str, ...], entries: dict[str, Any]) -> np.ndarray:
        """The array that flax wrote in pieces."""
        shape, pieces = entries["shape"], entries["chunks"]
        flat = np.concatenate([self._array(parts, pieces[str(number)]) for number in range(len(pieces))])
        return flat.reshape([shape[str(axis)] for axis in range(len(shape))])

    def _array(self, parts: tuple[str, ...], extension: Any) -> np.ndarray:
        """The array in an extension of msgpack: its shape, the name of its dtype, and its bytes."""
        import msgpack

        if extension.code not in _ARRAYS:
            raise self._damaged(parts, f"is an extension of the type {extension.code}, and flax's arrays are {_ARRAYS}")
        shape, dtype, data = msgpack.unpackb(extension.data, raw=True)
        name = dtype.decode("ascii", "replace")
        if name == "bfloat16":
            return np.frombuffer(data, BFLOAT16).reshape(shape)
        if name not in _DTYPES:
            raise self._damaged(parts, f"is {name}; supported are bfloat16, {', '.join(_DTYPES)}")
        return np.frombuffer(data, np.dtype(name).newbyteorder("<")).reshape(shape)

    def _damaged(self, parts: tuple[str, ...], reason: str) -> CheckpointError:
        return CheckpointError(f"{self.path} can't be read: {'/'.join(parts) or 'the whole'} {reason}")

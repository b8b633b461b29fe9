"""Reads and writes Hugging Face's folders: `config.json` and safetensors or `pytorch_model.bin`, whole or in shards."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from albert_converters.extras import needing
from albert_export.checkpoints.checkpoint import Checkpoint, assemble
from albert_export.checkpoints.weight_names import DECODER, DECODER_BIAS, full_name
from albert_export.config import AlbertConfig
from albert_export.config_file import read_json_object
from albert_export.utils.atomic_file import replacing
from albert_runtime.errors import CheckpointError, UsageError, listed

SAFETENSORS = "model.safetensors"
SAFETENSORS_INDEX = "model.safetensors.index.json"
PICKLE = "pytorch_model.bin"
PICKLE_INDEX = "pytorch_model.bin.index.json"
#: the order is that in which transformers looks for them
WEIGHT_FILES = (SAFETENSORS, SAFETENSORS_INDEX, PICKLE, PICKLE_INDEX)

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}

_NamedArrays = Iterator[tuple[str, np.ndarray]]
# The only function of safetensors that reads bfloat16 without PyTorch. It has no type annotations.
_deserialize: Callable[[bytes], list[tuple[str, dict[str, Any]]]] = safetensors.deserialize


def read_hugging_face(weight_file: Path) -> Checkpoint:
    """The checkpoint whose weights are in `weight_file`, one of WEIGHT_FILES, in a folder that `save_pretrained` wrote.

    Half-precision and double-precision weights become float32.

    Raises:
        CheckpointError: a file is missing or damaged, is not an ALBERT's, or contains code.
        DependencyError: `pytorch_model.bin` needs PyTorch, which is missing.
    """
    config = AlbertConfig.from_folder(weight_file.parent)
    readers: dict[str, Callable[[Path], _NamedArrays]] = {
        SAFETENSORS: _read_safetensors,
        SAFETENSORS_INDEX: lambda index: _read_shards(index, _read_safetensors),
        PICKLE: _read_pickle,
        PICKLE_INDEX: lambda index: _read_shards(index, _read_pickle),
    }
    return assemble(weight_file.parent, config, readers[weight_file.name](weight_file))


def write_checkpoint(
    folder: str | Path,
    config: AlbertConfig,
    weights: Mapping[str, np.ndarray],
    *,
    vocab_file: str | Path | None = None,
    tokenizer_files: Sequence[str | Path] = (),
) -> None:
    """Writes a folder that transformers opens: `config.json`, `model.safetensors` and the tokenizer's files.

    Each file is written completely or not at all. Weights keep their dtype; the tied decoder is left out.

    Args:
        folder: it is created if it does not exist.
        config: its `architectures` should name the class that the weights belong to.
        weights: by Hugging Face's names; those of an AlbertModel, without a head, are written without `albert.`.
        vocab_file: the SentencePiece model, copied as `spiece.model`.
        tokenizer_files: copied under their own names.

    Raises:
        UsageError: the folder can't be written to, or a file to copy can't be read.
    """
    folder = Path(folder)
    copies = {Path(file).name: Path(file) for file in tokenizer_files}
    if vocab_file is not None:
        copies["spiece.model"] = Path(vocab_file)
    missing = [f"{source} is not a file" for source in copies.values() if not source.is_file()]
    if missing:
        raise UsageError(listed(f"can't copy the tokenizer into {folder}:", missing))
    arrays = {
        name: np.ascontiguousarray(array)
        for name, array in ((full_name(given), array) for given, array in weights.items())
        if name not in (None, DECODER, DECODER_BIAS)
    }
    # If the configuration states the precision of the weights, it must state the new one.
    dtype = next(iter(arrays.values())).dtype.name
    stated: dict[str, Any] = {key: dtype for key in ("dtype", "torch_dtype") if key in config.extra}
    if all(name.startswith("albert.") for name in arrays):
        arrays = {name.removeprefix("albert."): array for name, array in arrays.items()}
    with replacing(folder / SAFETENSORS) as part:
        # transformers refuses a file without this format entry.
        part.write_bytes(safetensors.numpy.save(arrays, metadata={"format": "pt"}))
    replace(config, extra={**config.extra, **stated}).save(folder)
    for name, source in copies.items():
        with replacing(folder / name) as part:
            shutil.copyfile(source, part)


def _read_safetensors(file: Path) -> _NamedArrays:
    try:
        tensors = _deserialize(file.read_bytes())
    except safetensors.SafetensorError as error:
        raise CheckpointError(
            f"{file} is damaged or not a safetensors file ({error}; {file.stat().st_size} bytes): fetch it again"
        ) from error
    for name, tensor in tensors:
        if full_name(name) is None:
            continue
        dtype, data, shape = tensor["dtype"], tensor["data"], tensor["shape"]
        if dtype == "BF16":
            # A bfloat16 is the upper half of a float32.
            upper = np.frombuffer(data, "<u2").astype(np.uint32) << 16
            yield name, upper.view(np.float32).reshape(shape)
        elif dtype in _DTYPES:
            yield name, np.frombuffer(data, _DTYPES[dtype]).reshape(shape)
        else:
            raise CheckpointError(f"{file}: {name} is {dtype}; supported are F32, F16, BF16 and F64")


def _read_pickle(file: Path) -> _NamedArrays:
    with needing(f"reading {file.name} needs PyTorch", "torch"):
        import torch

    with file.open("rb") as stream:
        try:
            tensors = torch.load(stream, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            raise CheckpointError(
                f"{file} holds more than weights, or is damaged. Nothing in it was run, since it could be any program. "
                f"Ask its author for {SAFETENSORS}; if you trust the file, load it with your own code and save the "
                f"model with save_pretrained(folder, safe_serialization=True)"
            ) from error
        except Exception as error:  # torch raises many kinds of exceptions for damaged files
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CheckpointError(
                f"{file} is damaged or not a PyTorch file ({reason}; {file.stat().st_size} bytes): fetch it again"
            ) from error
    if not isinstance(tensors, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()):
        raise CheckpointError(f"{file} must hold a dictionary of weights (a state_dict), and holds something else")
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            tensor = tensor.float()
        yield str(name), tensor.detach().cpu().numpy()


def _read_shards(index_file: Path, read: Callable[[Path], _NamedArrays]) -> _NamedArrays:
    """The weights of all shards that `index_file` lists; each shard is read once."""
    weight_map = read_json_object(index_file).get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(shard, str) for shard in weight_map.values()):
        raise CheckpointError(f'{index_file} must have a "weight_map" of weight names and file names')
    shards = sorted(set(weight_map.values()))
    problems = []
    for shard in shards:
        # An index comes from others, so it must not name files outside of its folder.
        if shard in ("", ".", "..") or "/" in shard or "\\" in shard or "\0" in shard or Path(shard).is_absolute():
            problems.append(f"{shard!r} is not the name of a file in the folder")
        elif not (index_file.parent / shard).is_file():
            problems.append(f"{shard} is missing")
    if problems:
        raise CheckpointError(listed(f"{index_file} lists shards that can't be read:", problems))
    absent = dict(weight_map)
    for shard in shards:
        for name, array in read(index_file.parent / shard):
            if absent.pop(name, None) is not None:
                yield name, array
    absent = {name: shard for name, shard in absent.items() if full_name(name) is not None}
    if absent:
        raise CheckpointError(
            listed(f"{index_file} lists missing weights:", [f"{n} in {s}" for n, s in absent.items()])
        )

"""Reads weights that are spread over several files, which an index lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from albert_export.checkpoints.containers import NamedArrays
from albert_export.config_file import read_json_object
from albert_runtime.errors import CheckpointError, listed


def read_shards(index_file: Path, read: Callable[[Path], NamedArrays]) -> NamedArrays:
    """The weights of all shards that `index_file` lists; each shard is read once, by `read`.

    Raises:
        CheckpointError: the index is damaged or names files outside of its folder, or shards or weights are missing.
    """
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
    if absent:
        raise CheckpointError(
            listed(f"{index_file} lists missing weights:", [f"{n} in {s}" for n, s in absent.items()])
        )

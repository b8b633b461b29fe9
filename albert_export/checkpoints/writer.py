"""write_checkpoint: writes a folder that transformers opens."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from albert_export.checkpoints.weight_names import DECODER, DECODER_BIAS, full_name
from albert_export.config import AlbertConfig
from albert_export.utils.atomic_file import replacing
from albert_runtime.errors import UsageError, listed

SAFETENSORS = "model.safetensors"


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

"""Reads `tf_model.h5`, the file of transformers' TensorFlow classes (`TFAlbertForQuestionAnswering` and its kind)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from albert_export.checkpoints.containers.hdf5_file import datasets, open_hdf5, read_array
from albert_export.checkpoints.framework_weights import hugging_face_weight
from albert_export.checkpoints.weight_names import full_name
from albert_runtime.errors import CheckpointError

# Keras calls a model after its class, and counts the models of a class: `tf_albert_model`, `tf_albert_model_1`.
_MODEL = re.compile(r"tf_albert_\w+")
# `model.save("x.h5")` puts the weights into this group, beside the configuration and the optimizer.
_WHOLE_MODEL = "model_weights"


def read_keras_h5(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The weights in the HDF5 file `path`, by Hugging Face's full names and in its layout, in the dtype of the file.

    Keras writes one group for each layer of the model, and below it the names of the variables, such as
    `albert/tf_albert_model/albert/encoder/albert_layer_groups_._0/albert_layers_._0/ffn/kernel:0` (`_._` is how
    transformers writes the number of a layer, in modeling_tf_pytorch_utils.py). `predictions.decoder.bias` is the
    bias that TFAlbertForMaskedLM computes with.

    Raises:
        CheckpointError: the file is damaged, holds no weights, or links to other files.
        DependencyError: h5py is missing.
    """
    with open_hdf5(path) as file:
        beginning = f"{_WHOLE_MODEL}/" if _WHOLE_MODEL in file else ""
        found = False
        for stored, dataset in datasets(path, file):
            if not stored.startswith(beginning):
                continue
            found = True
            parts = stored.removeprefix(beginning).replace("_._", ".").split("/")
            *modules, variable = _without_model(parts)
            name, array = hugging_face_weight(".".join(modules), variable, read_array(path, dataset))
            if (full := full_name(name)) is not None:
                yield full, array
        if not found:
            raise CheckpointError(f"{path} is an HDF5 file without weights: it has {', '.join(file) or 'nothing'}")


def _without_model(parts: list[str]) -> list[str]:
    """The names of the layers and the variable in `parts`, which begin with Keras' group and the name of the model."""
    group, *inside = [*parts[:-1], parts[-1].removesuffix(":0")]
    # The name of the model comes before that of the layer.
    if group in inside[:-1]:
        inside = inside[inside.index(group) :]
    elif len(inside) > 2:
        inside = inside[1:]
    else:
        inside = [group, *inside]
    while len(inside) > 1 and _MODEL.fullmatch(inside[0]):
        inside = inside[1:]
    return inside

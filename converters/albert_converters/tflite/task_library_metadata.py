"""Adds the metadata and the tokenizer to a TFLite file that TFLite Task Library or MediaPipe needs to run it on texts.

Both read two things beside the graph: a flatbuffer in the model's metadata that describes the tensors and the tokenizer
(TFLite Model Metadata, tensorflow_lite_support/metadata/metadata_schema.fbs), and the files that it names, which are
appended to the model as a zip archive.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.task_library_tokenizer import (
    BERT_TOKENIZER,
    SENTENCEPIECE_FILE,
    VOCABULARY_FILE,
    TaskLibraryTokenizer,
)
from albert_converters.tflite.text_library import TASK_LIBRARY, TensorLayout, TextLibrary
from albert_runtime.errors import ConversionError, UnsupportedError, listed
from albert_runtime.tasks import Task

METADATA_NAME = "TFLITE_METADATA"
LABELS_FILE = "labels.txt"

_IDENTIFIER = b"M001"
#: the first version of the metadata parser that supports tokenizers
_PARSER_VERSION = "1.1.0"
_DESCRIPTIONS = {
    "ids": "Ids of the tokens.",
    "mask": "1 for a token, 0 for padding.",
    "segment_ids": "0 for the first text, 1 for the second.",
    "start_logits": "Score of each token as the answer's first.",
    "end_logits": "Score of each token as the answer's last.",
    "probability": "Probability of each label.",
    "sentence_embedding": "The vector of the text.",
    "pooler_output": "The output of the model's pooler.",
    "last_hidden_state": "The vector of each token.",
}


def add_task_library_metadata(
    tflite: bytes,
    *,
    task: Task,
    tokenizer: TaskLibraryTokenizer,
    labels: Sequence[str],
    name: str,
    description: str,
    version: str,
    library: TextLibrary = TASK_LIBRARY,
) -> bytes:
    """Return `tflite` as a file that a class of `library` loads without other files.

    These are BertQuestionAnswerer and BertNLClassifier of Task Library, TextClassifier and TextEmbedder of MediaPipe.

    Args:
        tflite: a model with one signature and static shapes: int32 [1, length] `ids`, `mask`, `segment_ids` ->
            float32 [1, length] `end_logits`, `start_logits` (384 tokens), or [1, labels] `probability`, which both
            report as the score of each label, or [1, hidden] `sentence_embedding`, `pooler_output` and [1, length,
            hidden] `last_hidden_state`. If it has such metadata already, they are replaced.
        task: one that the library has a class for.
        tokenizer: see `task_library_tokenizer`.
        labels: the names of the labels of text-classification; if there are none, their numbers are reported.
        name, description, version: of the model, for information only.
        library: the library that is to load the file.

    Raises:
        UnsupportedError: the library has no class for the task, or can't use the tokenizer or the labels.
        ConversionError: the model's tensors have other names, shapes or types.
    """
    if task.name not in library.layouts:
        raise UnsupportedError(f"{library.name} supports {' and '.join(library.layouts)}, not {task.name}")
    layout = library.layouts[task.name]
    problems = list(tokenizer.problems)
    problems += [f"label {label!r} is more than one line" for label in labels if len(label.splitlines()) > 1]
    if problems:
        raise UnsupportedError(listed(f"{library.name} can't use this model:", problems))

    model = tflite_model.loads(tflite)
    made = {tflite_model.text(entry.name) for one in model.signatureDefs or [] for entry in one.outputs}
    outputs = [name for name in layout.outputs if name in made or name not in layout.optional]
    tflite_model.name_tensors(model, inputs=layout.inputs, outputs=outputs)
    _check_shapes(model, layout, labels, library)
    files = dict(tokenizer.files)
    if labels:
        files[LABELS_FILE] = "\n".join(labels).encode()
    described = _model_metadata(
        layout.inputs, outputs, tokenizer, name=name, description=description, version=version, labelled=bool(labels)
    )
    _set_metadata(model, described)
    return _with_files(tflite_model.dumps(model), files)


def _check_shapes(model: schema.ModelT, layout: TensorLayout, labels: Sequence[str], library: TextLibrary) -> None:
    """Refuse tensors that the library would read or write beyond their end."""
    graph = model.subgraphs[0]
    problems = []
    for index in graph.inputs:
        tensor = graph.tensors[index]
        axes = tflite_model.axes(tensor)
        length = layout.length or (axes[-1] if len(axes) == 2 else 0)
        if axes != [1, length] or length < 1 or tensor.type != schema.TensorType.INT32:
            wanted = f"int32 [1, {layout.length or 'length'}]"
            problems.append(
                f"{tflite_model.text(tensor.name)} must be {wanted}, not {tflite_model.type_name(tensor)} {axes}"
            )
    for index in graph.outputs:
        tensor = graph.tensors[index]
        axes = tflite_model.axes(tensor)
        if tensor.type != schema.TensorType.FLOAT32:
            problems.append(f"{tflite_model.text(tensor.name)} must be float32, not {tflite_model.type_name(tensor)}")
        if labels and axes[-1:] != [len(labels)]:
            problems.append(f"there are {len(labels)} labels, and {tflite_model.text(tensor.name)} is {axes}")
    if problems:
        raise ConversionError(listed(f"{library.name} can't run this graph:", problems))


def _set_metadata(model: schema.ModelT, content: bytes) -> None:
    data = np.frombuffer(content, np.uint8)
    for entry in model.metadata or []:
        if tflite_model.text(entry.name) == METADATA_NAME:
            model.buffers[entry.buffer] = schema.BufferT(data=data)
            return
    model.buffers.append(schema.BufferT(data=data))
    model.metadata = [*(model.metadata or []), schema.MetadataT(name=METADATA_NAME, buffer=len(model.buffers) - 1)]


def _with_files(tflite: bytes, files: Mapping[str, bytes]) -> bytes:
    """Append `files` to the model as a zip archive, uncompressed, since they are read in place."""
    whole = io.BytesIO(tflite)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            # a ZipInfo has a fixed date, so that equal models give equal files
            archive.writestr(zipfile.ZipInfo(name), content)
    return whole.getvalue()


# --- the flatbuffer: one function for each table of metadata_schema.fbs, with its field numbers ----------------------

_TENSOR_AXIS_LABELS, _VOCABULARY = 2, 5
_FEATURE_PROPERTIES = 1


@dataclass(frozen=True)
class _Table:
    """A flatbuffer table: field number -> a text, a byte (enum or type of a union), a table, or a list of tables."""

    fields: Mapping[int, str | int | _Table | list[_Table]]

    def write(self, builder: flatbuffers.Builder) -> int:
        """Write the table, after all that it points to, and return its offset in `builder`."""
        offsets = {number: _write(builder, value) for number, value in self.fields.items()}
        builder.StartObject(max(self.fields, default=-1) + 1)
        for number, offset in offsets.items():
            if isinstance(self.fields[number], int):
                builder.PrependUint8Slot(number, offset, 0)
            else:
                builder.PrependUOffsetTRelativeSlot(number, offset, 0)
        return int(builder.EndObject())


def _write(builder: flatbuffers.Builder, value: str | int | _Table | list[_Table]) -> int:
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, _Table):
        return value.write(builder)
    offsets = [table.write(builder) for table in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _model_metadata(
    inputs: Sequence[str],
    outputs: Sequence[str],
    tokenizer: TaskLibraryTokenizer,
    *,
    name: str,
    description: str,
    version: str,
    labelled: bool,
) -> bytes:
    subgraph = _Table(
        {
            # left out: 0 name, 1 description, 4 associated_files, 6 output_process_units
            2: [_tensor_metadata(tensor) for tensor in inputs],
            3: [_tensor_metadata(tensor, labelled=labelled) for tensor in outputs],
            5: [_tokenizer(tokenizer)],
        }
    )
    # left out: 4 author, 5 license, 6 associated_files
    model = _Table({0: name, 1: description, 2: version, 3: [subgraph], 7: _PARSER_VERSION})
    builder = flatbuffers.Builder()
    builder.Finish(model.write(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _tensor_metadata(name: str, *, labelled: bool = False) -> _Table:
    # left out: 2 dimension_names, 4 process_units, 5 stats
    fields: dict[int, str | int | _Table | list[_Table]] = {0: name, 1: _DESCRIPTIONS[name], 3: _content()}
    if labelled:
        fields[6] = [_associated_file(LABELS_FILE, "The name of each output, one a line.", _TENSOR_AXIS_LABELS)]
    return _Table(fields)


def _content() -> _Table:
    # FeatureProperties, the union's member for plain numbers, has no fields
    return _Table({0: _FEATURE_PROPERTIES, 1: _Table({})})


def _tokenizer(tokenizer: TaskLibraryTokenizer) -> _Table:
    """Return a ProcessUnit with BertTokenizerOptions or SentencePieceTokenizerOptions."""
    if tokenizer.options == BERT_TOKENIZER:
        options = _Table({0: [_associated_file(VOCABULARY_FILE, "The pieces, one a line.", _VOCABULARY)]})
    else:
        description = "The pieces of the SentencePiece model, one a line."
        options = _Table(
            {
                0: [_associated_file(SENTENCEPIECE_FILE, "The SentencePiece model.")],
                1: [_associated_file(VOCABULARY_FILE, description, _VOCABULARY)],
            }
        )
    return _Table({0: tokenizer.options, 1: options})


def _associated_file(name: str, description: str, kind: int = 0) -> _Table:
    return _Table({0: name, 1: description, 2: kind})

"""The metadata for TFLite Task Library, read back with flatbuffers; tests/test_task_library.py runs the library."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.model import dumps, loads
from albert_converters.tflite.task_library_metadata import add_task_library_metadata
from albert_converters.tflite.task_library_tokenizer import TaskLibraryTokenizer, sentencepiece_tokenizer
from albert_converters.tflite.text_library import MEDIAPIPE
from albert_runtime.errors import ConversionError, UnsupportedError
from albert_runtime.tasks import TASKS
from tests.conftest import VOCABULARY
from tests.tiny_tflite import ids_as_floats, scores_of_tokens, sums_of_inputs

PIECES = VOCABULARY.read_bytes()
SCORES = np.arange(10, dtype=np.float32)


def packed(
    model: Any, task: str, *, labels: tuple[str, ...] = (), tokenizer: TaskLibraryTokenizer | None = None
) -> bytes:
    return add_task_library_metadata(
        dumps(model),
        task=TASKS[task],
        tokenizer=tokenizer or sentencepiece_tokenizer(PIECES),
        labels=labels,
        name="Tiny",
        description="A model made by hand.",
        version="7",
    )


def described(content: bytes) -> Fields:
    """Return the root table of the metadata in a .tflite file."""
    model = loads(content)
    [buffer] = [entry.buffer for entry in model.metadata if entry.name == b"TFLITE_METADATA"]
    data = tflite_model.content(model.buffers[buffer]).tobytes()
    assert data[4:8] == b"M001"
    return Fields(data, flatbuffers.encode.Get(flatbuffers.packer.uoffset, data, 0))


class Fields:
    """Reads a flatbuffer table by field numbers."""

    def __init__(self, data: bytes, position: int) -> None:
        self._table = flatbuffers.table.Table(data, position)

    def _position(self, number: int) -> int:
        offset = self._table.Offset(4 + 2 * number)
        assert offset, f"there is no field {number}"
        return int(offset + self._table.Pos)

    def text(self, number: int) -> str:
        return str(self._table.String(self._position(number)).decode())

    def byte(self, number: int) -> int:
        return int(self._table.Bytes[self._position(number)])

    def table(self, number: int) -> Fields:
        return Fields(self._table.Bytes, self._table.Indirect(self._position(number)))

    def tables(self, number: int) -> list[Fields]:
        offset = self._position(number) - self._table.Pos
        start, length = self._table.Vector(offset), self._table.VectorLen(offset)
        return [Fields(self._table.Bytes, self._table.Indirect(start + 4 * index)) for index in range(length)]


def test_question_answering() -> None:
    content = packed(scores_of_tokens(SCORES, SCORES), "question-answering")
    root = described(content)
    assert [root.text(number) for number in (0, 1, 2, 7)] == ["Tiny", "A model made by hand.", "7", "1.1.0"]
    [graph] = root.tables(3)
    assert [tensor.text(0) for tensor in graph.tables(2)] == ["ids", "mask", "segment_ids"]
    assert [tensor.text(0) for tensor in graph.tables(3)] == ["end_logits", "start_logits"]
    [tokenizer] = graph.tables(5)
    assert tokenizer.byte(0) == 5
    assert [file.text(0) for file in tokenizer.table(1).tables(0)] == ["spiece.model"]
    assert [file.text(0) for file in tokenizer.table(1).tables(1)] == ["vocab.txt"]

    # the metadata lists the tensors in the order of the graph, where they now have the same names
    interpreter = Interpreter(model_content=content)
    assert [entry["name"] for entry in interpreter.get_input_details()] == ["ids", "mask", "segment_ids"]
    assert [entry["name"] for entry in interpreter.get_output_details()] == ["end_logits", "start_logits"]
    ids = np.resize(np.int32([4, 5]), (1, 384))
    results = interpreter.get_signature_runner()(ids=ids, mask=ids * 0 + 1, segment_ids=ids * 0 + 1)
    assert results["start_logits"][0, :2].tolist() == [4, 5]


def test_text_classification() -> None:
    content = packed(sums_of_inputs(length=16), "text-classification", labels=("good", "schlecht", "größer"))
    [graph] = described(content).tables(3)
    # BertNLClassifier 0.4.4 reads them by position
    assert [tensor.text(0) for tensor in graph.tables(2)] == ["ids", "segment_ids", "mask"]
    [probability] = graph.tables(3)
    assert probability.text(0) == "probability"
    [labels] = probability.tables(6)
    assert labels.text(0) == "labels.txt"
    assert labels.byte(2) == 2


@pytest.mark.parametrize(
    "outputs",
    [
        ("last_hidden_state",),
        ("pooler_output", "last_hidden_state"),
        ("sentence_embedding", "pooler_output", "last_hidden_state"),
    ],
)
def test_embeddings_for_mediapipe(outputs: tuple[str, ...]) -> None:
    """TextEmbedder gives them in the order of the graph, and the vector of the text comes first."""
    content = add_task_library_metadata(
        dumps(ids_as_floats(*reversed(outputs))),
        task=TASKS["feature-extraction"],
        tokenizer=sentencepiece_tokenizer(PIECES),
        labels=(),
        name="Tiny",
        description="A model made by hand.",
        version="7",
        library=MEDIAPIPE,
    )
    [graph] = described(content).tables(3)
    assert [tensor.text(0) for tensor in graph.tables(2)] == ["ids", "segment_ids", "mask"]
    assert tuple(tensor.text(0) for tensor in graph.tables(3)) == outputs
    interpreter = Interpreter(model_content=content)
    assert tuple(entry["name"] for entry in interpreter.get_output_details()) == outputs


def test_tasks_without_a_class_in_mediapipe() -> None:
    with pytest.raises(UnsupportedError, match="MediaPipe supports text-classification and feature-extraction, not"):
        add_task_library_metadata(
            dumps(scores_of_tokens(SCORES, SCORES)),
            task=TASKS["question-answering"],
            tokenizer=sentencepiece_tokenizer(PIECES),
            labels=(),
            name="",
            description="",
            version="",
            library=MEDIAPIPE,
        )


def test_packed_files_are_stored_as_they_are() -> None:
    content = packed(sums_of_inputs(length=16), "text-classification", labels=("good", "schlecht", "größer"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["spiece.model", "vocab.txt", "labels.txt"]
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
        assert archive.read("spiece.model") == PIECES
        assert archive.read("labels.txt").decode().splitlines() == ["good", "schlecht", "größer"]
        pieces = archive.read("vocab.txt").decode().split("\n")
    assert len(pieces) == 30000
    assert pieces[:5] == ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]


def test_metadata_are_replaced_when_they_are_added_again() -> None:
    once = packed(sums_of_inputs(length=16), "text-classification", labels=("a", "b", "c"))
    again = packed(loads(once), "text-classification", labels=("a", "b", "c"))
    assert again == once
    assert "labels.txt" not in zipfile.ZipFile(io.BytesIO(packed(loads(once), "text-classification"))).namelist()


# --- refusals -------------------------------------------------------------------------------------------------------


def test_tasks_without_a_class() -> None:
    with pytest.raises(UnsupportedError, match="question-answering and text-classification, not fill-mask"):
        packed(sums_of_inputs(length=16), "fill-mask")


def test_tokenizers_and_labels_that_it_cannot_use() -> None:
    with pytest.raises(UnsupportedError, match="SentencePiece model can't be read"):
        sentencepiece_tokenizer(b"\xff")
    with pytest.raises(UnsupportedError) as error:
        packed(
            sums_of_inputs(length=16),
            "text-classification",
            tokenizer=sentencepiece_tokenizer(b""),
            labels=("a\nb",),
        )
    for problem in ("no piece [CLS]", "no piece [SEP]", r"'a\nb' is more than one line"):
        assert problem in str(error.value)


def test_graphs_with_other_shapes() -> None:
    with pytest.raises(ConversionError, match=r"its outputs are probability, not end_logits, start_logits"):
        packed(sums_of_inputs(length=384), "question-answering")
    with pytest.raises(ConversionError, match=r"ids must be int32 \[1, 384\], not int32 \[1, 128\]"):
        packed(scores_of_tokens(SCORES, SCORES, length=128), "question-answering")
    with pytest.raises(ConversionError, match=r"there are 2 labels, and probability is \[1, 3\]"):
        packed(sums_of_inputs(length=16), "text-classification", labels=("a", "b"))
    dynamic = sums_of_inputs(length=16)
    dynamic.subgraphs[0].tensors[0].shapeSignature = [1, -1]
    with pytest.raises(ConversionError, match=r"ids must be int32 \[1, length\], not int32 \[1, -1\]"):
        packed(dynamic, "text-classification")

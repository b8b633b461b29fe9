"""Makes tiny bundles: a small SentencePiece vocabulary, and a graph of a few nodes or an empty file."""

from __future__ import annotations

import functools
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import sentencepiece
from onnx import TensorProto, helper, numpy_helper

from albert_runtime.bundle import MANIFEST_FILE, sha256_of
from albert_runtime.manifest import Manifest
from albert_runtime.tasks import INPUT_NAMES
from albert_runtime.tokenization.encoding import Encoding

LABELS = {
    "text-classification": ("bad", "good"),
    "token-classification": ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
}
_WORDS = """
the tower stands in paris and ada lovelace lived in london where she wrote about engines that compute numbers
what is a capital of france a good film or bad one he opened door went home rome berlin is not far from there
"""


@functools.cache
def vocabulary(pieces: tuple[str, ...] = ()) -> bytes:
    """A SentencePiece model of ALBERT's five special pieces, letters, digits, punctuation and the words of _WORDS.

    `pieces` are in it too.
    """
    target = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["abcdefghijklm nopqrstuvwxyz 0123456789 ( ) , . ? - ' \" $ #"] * 3),
        model_writer=target,
        vocab_size=1000,
        user_defined_symbols=list(dict.fromkeys([*(f"▁{word}" for word in _WORDS.split()), *pieces])),
        hard_vocab_limit=False,
        pad_id=0,
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        normalization_rule_name="identity",
        minloglevel=2,
    )
    return target.getvalue()


def make_bundle(
    folder: Path,
    task: str,
    *,
    model: bytes = b"",
    model_file: str = "model.onnx",
    config: dict[str, Any] | None = None,
    pieces: tuple[str, ...] = (),
    **fields: Any,
) -> Path:
    """Write a bundle for `task` to `folder`; `fields` are fields of its manifest, and `pieces` of its vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / model_file).write_bytes(model)
    (folder / "spiece.model").write_bytes(vocabulary(pieces))
    (folder / "config.json").write_text(json.dumps({"model_type": "albert", **(config or {})}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "AlbertTokenizer"}))
    write_manifest(folder, task=task, model_file=model_file, **fields)
    return folder


def make_bundle_of_two(folder: Path) -> Path:
    """Write a bundle for question answering with two graphs, in fp32 and int8, which give different answers."""
    (folder / "onnx").mkdir(parents=True)
    second = "onnx/model_quantized.onnx"
    (folder / second).write_bytes(question_answering_graph(seed=1))
    variants = {"int8": {"model_file": second}}
    graph = question_answering_graph()
    return make_bundle(folder, "question-answering", model=graph, model_file="onnx/model.onnx", variants=variants)


def write_manifest(folder: Path, **fields: Any) -> None:
    """Write the manifest for the files that are now in `folder`."""
    paths = [file for file in folder.rglob("*") if file.is_file() and file.name != MANIFEST_FILE]
    files = {file.relative_to(folder).as_posix(): sha256_of(file) for file in paths}
    defaults = {"model_file": "model.onnx", "max_length": 64, "labels": LABELS.get(fields["task"], ()), "files": files}
    (folder / MANIFEST_FILE).write_text(json.dumps(Manifest(**{**defaults, **fields}).to_dict()))


def question_answering_graph(vocabulary_size: int = 200, seed: int = 0) -> bytes:
    """An ONNX graph whose start and end logits are looked up by token id, less 100 for padding."""
    weights = np.random.default_rng(seed).normal(size=(2, vocabulary_size)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["mask", "one"], ["minus"]),
        helper.make_node("Mul", ["minus", "hundred"], ["hiding"]),
    ]
    constants = [
        numpy_helper.from_array(np.float32(1), "one"),
        numpy_helper.from_array(np.float32(100), "hundred"),
    ]
    for name, row in zip(("start", "end"), weights, strict=True):
        constants.append(numpy_helper.from_array(row, f"{name}_weights"))
        nodes.append(helper.make_node("Gather", [f"{name}_weights", "input_ids"], [f"{name}_raw"]))
        nodes.append(helper.make_node("Add", [f"{name}_raw", "hiding"], [f"{name}_logits"]))
    shape = ["batch_size", "sequence_length"]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in INPUT_NAMES],
        [helper.make_tensor_value_info(f"{name}_logits", TensorProto.FLOAT, shape) for name in ("start", "end")],
        constants,
    )
    return serialized(graph)


def serialized(graph: onnx.GraphProto, opset: int = 18) -> bytes:
    """A model file of `graph`."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    content: bytes = model.SerializeToString()
    return content


def sequence(ids: list[int], pair_from: int | None = None) -> Encoding:
    """A sequence with these ids; the second text begins at position `pair_from`."""
    count = len(ids)
    first = count if pair_from is None else pair_from
    return Encoding(
        ids=tuple(ids),
        type_ids=(0,) * first + (1,) * (count - first),
        attention_mask=(1,) * count,
        special_tokens_mask=(0,) * count,
        tokens=("",) * count,
        offsets=((0, 0),) * count,
        word_ids=(None,) * count,
        sequence_ids=(None,) * count,
        sample=0,
    )

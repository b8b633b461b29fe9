"""What inputs are for, told from the tables that they look up, whatever they are called."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from albert_converters.onnx.doctor.diagnose import diagnose_onnx
from albert_converters.onnx.model import read_onnx
from tests.tiny_onnx import SIZE, TOKENS, Values, matrix, node, reader_of_tokens, save_onnx, tiny_onnx

#: names that torch.onnx.export, torch.export and torch.compile make up
MADE_UP = [
    ("input.1", "attention_mask", "input.3"),
    ("onnx::Gather_0", "onnx::Unsqueeze_1", "onnx::Gather_2"),
    ("args_0", "args_1", "args_2"),
    ("input_ids.1", "attention_mask.1", "token_type_ids.1"),
    ("l_input_ids_", "l_attention_mask_", "l_token_type_ids_"),
    ("x", "y0", "z"),
]
INT64 = TensorProto.INT64


def renamed(model: onnx.ModelProto, names: dict[str, str]) -> onnx.ModelProto:
    for value in (*model.graph.input, *model.graph.initializer):
        value.name = names.get(value.name, value.name)
    for one in model.graph.node:
        one.input[:] = [names.get(name, name) for name in one.input]
    return model


def roles(folder: Path, model: onnx.ModelProto) -> dict[str, str]:
    return {one.name: one.role for one in read_onnx(save_onnx(folder, model)).inputs}


def results(folder: Path, model: onnx.ModelProto) -> dict[str, str]:
    return {result.name: result.what for result in diagnose_onnx(save_onnx(folder, model)).results}


def lookups(**tables: int) -> onnx.ModelProto:
    """A graph with an input for each table of so many rows; it adds up what it finds there."""
    inputs: Values = {f"args_{number}": (INT64, ["b", "s"]) for number in range(len(tables))}
    nodes = [node("Gather", f"{name} args_{number}", f"v{number}") for number, name in enumerate(tables)]
    nodes.append(node("Sum", " ".join(f"v{number}" for number in range(len(tables))), "y"))
    return tiny_onnx(nodes, {name: matrix(rows, rows=rows) for name, rows in tables.items()}, inputs=inputs)


@pytest.mark.parametrize("names", MADE_UP)
@pytest.mark.parametrize("weights_have_names", [True, False])
def test_made_up_names(tmp_path: Path, names: tuple[str, ...], weights_have_names: bool) -> None:
    inputs = dict(zip(TOKENS, names, strict=True))
    weights = {"words": "word_embeddings", "types": "token_type_embeddings"}
    opaque = {"words": "onnx::Gather_7", "types": "onnx::Gather_8"}
    model = renamed(reader_of_tokens(), inputs | (weights if weights_have_names else opaque))
    assert roles(tmp_path, model) == dict(zip(names, ("ids", "mask", "segments"), strict=True))
    found = results(tmp_path, model)
    assert found.keys() <= {"unnamed-inputs"}
    assert ("unnamed-inputs" in found) == (names[0] in ("input.1", "onnx::Gather_0", "args_0", "x"))


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [("attention_mask", "missing-attention-mask"), ("token_type_ids", "missing-token-type-ids")],
)
def test_what_is_missing_is_still_missing(tmp_path: Path, left_out: str, missing: str) -> None:
    inputs = {name: value for name, value in TOKENS.items() if name != left_out}
    names = {name: f"input.{number}" for number, name in enumerate(inputs)}
    assert missing in results(tmp_path, renamed(reader_of_tokens(inputs=inputs), names))


def test_names_that_say_something_else(tmp_path: Path) -> None:
    """torch.onnx.export(model, (ids, mask, types), input_names=[ids, types, mask])"""
    swapped = {"attention_mask": "token_type_ids", "token_type_ids": "attention_mask"}
    model = renamed(reader_of_tokens(), swapped)
    # nothing here is attention, so only the lookup is certain
    assert results(tmp_path, model)["misnamed-inputs"] == "attention_mask is read as the token type ids"
    model.graph.node.append(node("Softmax", "mask", "p"))
    found = results(tmp_path, model)["misnamed-inputs"]
    assert "token_type_ids is read as the attention mask" in found
    assert "attention_mask is read as the token type ids" in found


def test_more_positions_than_words(tmp_path: Path) -> None:
    """The largest table is that of the words, unless the names of the tables or config.json say something else."""
    assert roles(tmp_path, lookups(a=512, b=30)) == {"args_0": "ids", "args_1": "unknown"}
    named = lookups(position_embeddings=512, word_embeddings=30)
    assert roles(tmp_path, named) == {"args_0": "positions", "args_1": "ids"}
    assert read_onnx(tmp_path / "model.onnx").vocabulary_size == 30
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 30, "max_position_embeddings": 512}))
    (tmp_path / "onnx").mkdir()
    for folder in (tmp_path, tmp_path / "onnx"):
        assert roles(folder, lookups(a=512, b=30)) == {"args_0": "positions", "args_1": "ids"}


def test_more_token_types_than_two(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 30, "type_vocab_size": 4}))
    assert roles(tmp_path, lookups(a=4, b=30)) == {"args_0": "segments", "args_1": "ids"}
    (tmp_path / "config.json").write_text("[")
    assert roles(tmp_path, lookups(a=2, b=30)) == {"args_0": "segments", "args_1": "ids"}


def test_inputs_that_cannot_be_told_apart(tmp_path: Path) -> None:
    model = lookups(a=30, b=30)
    model.graph.initializer[1].CopyFrom(onnx.numpy_helper.from_array(matrix(7, rows=30), "b"))
    assert roles(tmp_path, model) == {"args_0": "unknown", "args_1": "unknown"}
    found = results(tmp_path, model)
    assert "args_0, args_1" in found["unclear-inputs"]
    assert not {"missing-attention-mask", "missing-token-type-ids"} & found.keys()


def test_two_texts_share_the_words(tmp_path: Path) -> None:
    nodes = [node("Gather", "words a", "one"), node("Gather", "words b", "two"), node("Add", "one two", "y")]
    model = tiny_onnx(nodes, {"words": matrix(1, rows=50)}, inputs=dict.fromkeys("ab", (INT64, ["n", "s"])))
    assert roles(tmp_path, model) == {"a": "ids", "b": "ids"}


def test_one_hot_token_types(tmp_path: Path) -> None:
    """Google's code multiplies one-hot rows by the table."""
    nodes = [
        node("Gather", "words a", "word"),
        node("OneHot", "b depth values", "hot", axis=-1),
        node("MatMul", "hot table", "type"),
        node("Add", "word type", "y"),
    ]
    weights = {"words": matrix(1, rows=50), "depth": np.int64([2]), "values": np.float32([0, 1]),
               "table": matrix(2, rows=2)}  # fmt: skip
    model = tiny_onnx(nodes, weights, inputs=dict.fromkeys("ab", (INT64, ["n", "s"])))
    assert roles(tmp_path, model) == {"a": "ids", "b": "segments"}


def test_fused_embeddings(tmp_path: Path) -> None:
    """ONNX Runtime's optimizer makes one operator of all lookups, whose inputs have a fixed order."""
    fused = node("EmbedLayerNormalization", "a b w p s gamma beta c", "y mask_index", domain="com.microsoft")
    weights = {"w": matrix(1, rows=50), "p": matrix(2, rows=64), "s": matrix(3, rows=2),
               "gamma": np.ones(SIZE, np.float32), "beta": np.zeros(SIZE, np.float32)}  # fmt: skip
    inputs = dict.fromkeys("abc", (TensorProto.INT32, ["n", "s"]))
    model = tiny_onnx([fused], weights, inputs=inputs, domains=["com.microsoft"])
    assert roles(tmp_path, model) == {"a": "ids", "b": "segments", "c": "mask"}
    assert read_onnx(tmp_path / "model.onnx").vocabulary_size == 50


def test_into_bodies(tmp_path: Path) -> None:
    """The mask goes into a Loop as a carried value, and from there to the scores."""
    body = helper.make_graph(
        [node("Cast", "kept", "kept_float", to=TensorProto.FLOAT), node("Softmax", "kept_float", "scores"),
         node("Identity", "go", "go_on"), node("Identity", "kept", "kept_out"), node("Add", "state scores", "next")],
        "body",
        [helper.make_tensor_value_info(name, kind, None)
         for name, kind in (("i", INT64), ("go", TensorProto.BOOL), ("kept", INT64), ("state", TensorProto.FLOAT))],
        [helper.make_tensor_value_info(name, kind, None)
         for name, kind in (("go_on", TensorProto.BOOL), ("kept_out", INT64), ("next", TensorProto.FLOAT))],
    )  # fmt: skip
    nodes = [
        node("Gather", "words a", "word"),
        helper.make_node("Loop", ["count", "", "b", "word"], ["kept_last", "y"], body=body),
    ]
    weights = {"words": matrix(1, rows=50), "count": np.int64(2)}
    model = tiny_onnx(nodes, weights, inputs=dict.fromkeys("ab", (INT64, ["n", "s"])))
    assert roles(tmp_path, model) == {"a": "ids", "b": "mask"}


def test_hidden_states_are_no_mask(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x w", "scores"), node("Softmax", "scores", "y")]
    assert roles(tmp_path, tiny_onnx(nodes, {"w": matrix(0)})) == {"x": "other"}

"""Diagnosis and repair of whole files: what is refused, what is written, and what is checked before."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_converters.tflite import model as tflite_model
from albert_export.doctor import equivalence
from albert_export.doctor import repair as repair_module
from albert_export.doctor.diagnose import diagnose
from albert_export.doctor.repair import repair
from albert_runtime.errors import AlbertError, ParityError, UnsupportedError, UsageError
from tests.conftest import CheckpointOf
from tests.tiny_onnx import matrix, node, reader_of_tokens, save_onnx, tiny_onnx
from tests.tiny_tflite import scores_of_tokens, two_linear_layers


def onnx_with_errors() -> onnx.ModelProto:
    """Two matmuls with equal weights, the second behind an Identity."""
    nodes = [node("MatMul", "x first", "a"), node("Identity", "second", "seen"), node("MatMul", "a seen", "y")]
    return tiny_onnx(nodes, {"first": matrix(0), "second": matrix(0)})


@pytest.fixture
def with_errors(tmp_path: Path) -> Path:
    return save_onnx(tmp_path, onnx_with_errors(), "errors.onnx")


@pytest.fixture
def tflite_with_errors(tmp_path: Path) -> Path:
    (tmp_path / "errors.tflite").write_bytes(tflite_model.dumps(two_linear_layers(matrix(0), matrix(0))))
    return tmp_path / "errors.tflite"


@pytest.mark.parametrize("fixture", ["with_errors", "tflite_with_errors"])
def test_repaired_and_checked(fixture: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    file: Path = request.getfixturevalue(fixture)
    content = file.read_bytes()
    output = tmp_path / "new" / f"repaired{file.suffix}"
    report = repair(file, output)
    assert report.before.errors
    assert not report.after.errors
    assert report.after.file_bytes == output.stat().st_size < len(content)
    assert report.equivalence.requests >= 2
    assert report.equivalence.max_difference <= equivalence.TOLERANCE
    assert file.read_bytes() == content
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    assert report.to_dict()["repair"]["repaired"]["healthy"] is True


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_real_graphs_stay_what_they_are(
    suffix: str, tmp_path: Path, bundle_of: CheckpointOf, tflite_bundle_of: CheckpointOf
) -> None:
    """Multiple choice has three axes, and these checkpoints have 48 positions: longer requests are not counted."""
    bundle = (bundle_of if suffix == ".onnx" else tflite_bundle_of)("multiple-choice")
    report = repair(bundle, tmp_path / f"out{suffix}")
    assert report.done == ()
    assert report.equivalence.max_difference == 0.0
    assert 0 < report.equivalence.requests < len(equivalence._SHAPES)


def test_names_of_task_library(tmp_path: Path) -> None:
    scores = np.arange(100, dtype=np.float32)
    (tmp_path / "model.tflite").write_bytes(tflite_model.dumps(scores_of_tokens(scores, scores)))
    report = repair(tmp_path / "model.tflite", tmp_path / "out.tflite")
    assert [result.name for result in report.before.errors] == ["duplicated-weights"]
    assert report.after.errors == ()


def test_a_folder_that_holds_one_graph(with_errors: Path, tmp_path: Path) -> None:
    assert diagnose(tmp_path).file == with_errors
    shutil.copy(with_errors, tmp_path / "second.onnx")
    with pytest.raises(UsageError, match=r"holds 2 graphs(.|\n)*second\.onnx"):
        diagnose(tmp_path)


@pytest.mark.parametrize("below", ["", "onnx"])
def test_the_graph_that_the_others_were_made_from(with_errors: Path, tmp_path: Path, below: str) -> None:
    folder = tmp_path / "my-albert"
    (folder / below).mkdir(parents=True)
    shutil.copy(with_errors, folder / below / "model_quantized.onnx")
    assert diagnose(folder).file == folder / below / "model_quantized.onnx"
    shutil.copy(with_errors, folder / below / "model_fp16.onnx")
    with pytest.raises(UsageError, match=r"holds 2 graphs; name one of them:(.|\n)*fp16\.onnx(.|\n)*quantized\.onnx"):
        diagnose(folder)
    shutil.copy(with_errors, folder / below / "model.onnx")
    assert diagnose(folder).file == folder / below / "model.onnx"
    report = repair(folder, tmp_path / "out.onnx")
    assert report.before.file == folder / below / "model.onnx"
    assert report.after.errors == ()


def test_config_and_tokenizer_of_the_folder_above(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    """There are more positions than words, so that config.json decides which table is which."""
    folder = tmp_path / "my-albert"
    shutil.copytree(checkpoint_of("question-answering"), folder)
    inputs = dict.fromkeys(("args_0", "args_1"), (onnx.TensorProto.INT64, ["batch", "length"]))
    nodes = [node("Gather", "a args_0", "word"), node("Gather", "b args_1", "place"), node("Add", "word place", "y")]
    model = tiny_onnx(nodes, {"a": matrix(0, rows=30), "b": matrix(1, rows=512)}, inputs=inputs)
    file = save_onnx(folder / "onnx", model)
    assert [one.role for one in diagnose(folder).inputs] == ["unknown", "ids"]
    (folder / "config.json").write_text('{"vocab_size": 30, "max_position_embeddings": 512}')
    diagnosis = diagnose(folder)
    assert [one.role for one in diagnosis.inputs] == ["ids", "positions"]
    tokenizer = equivalence._tokenizer_of(file)
    assert tokenizer is not None
    assert tokenizer.vocab_file == folder / "spiece.model"
    (made, *_) = equivalence.requests(diagnosis.inputs, diagnosis.vocabulary_size, tokenizer)
    assert made["args_1"].tolist() == [list(range(7))]
    (folder / "spiece.model").write_bytes(b"no vocabulary")
    assert equivalence._tokenizer_of(file) is None
    assert repair(folder, tmp_path / "out.onnx").equivalence.requests == 4


def test_inputs_of_unknown_use_are_not_repaired(tmp_path: Path) -> None:
    nodes = [node("Gather", "a args_0", "one"), node("Gather", "b args_1", "two"), node("Add", "one two", "y")]
    inputs = dict.fromkeys(("args_0", "args_1"), (onnx.TensorProto.INT64, ["batch", "length"]))
    model = tiny_onnx(nodes, {"a": matrix(0, rows=30), "b": matrix(1, rows=30)}, inputs=inputs)
    file = save_onnx(tmp_path, model)
    assert [result.name for result in diagnose(file).errors] == ["unclear-inputs"]
    with pytest.raises(UnsupportedError, match=r"can't be repaired.* what args_0, args_1 is for.*input_names="):
        repair(file, tmp_path / "out.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_what_is_no_graph(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "model.txt").write_text("x")
    for name, error, message in (
        ("nowhere.onnx", UsageError, "nothing at"),
        ("folder", UsageError, "there is no .onnx or .tflite file"),
        ("model.txt", UnsupportedError, "is not a .onnx or .tflite file"),
    ):
        with pytest.raises(error, match=message):
            diagnose(tmp_path / name)
    for suffix in (".onnx", ".tflite"):
        for content in (b"", b"\xff" * 100, b"not a graph at all"):
            file = tmp_path / f"model{suffix}"
            file.write_bytes(content)
            with pytest.raises(UnsupportedError):
                diagnose(file)


def test_outputs_that_are_refused(with_errors: Path, tmp_path: Path) -> None:
    (tmp_path / "there.onnx").write_text("mine")
    (tmp_path / "link.onnx").symlink_to(with_errors)
    for output, message in (
        (with_errors, "never written over"),
        (tmp_path / "link.onnx", "never written over"),
        (tmp_path / "there.onnx", "--force"),
        (tmp_path / "out.tflite", "name of the .onnx file"),
        (tmp_path, "name of the .onnx file"),
    ):
        with pytest.raises(UsageError, match=message):
            repair(with_errors, output)
    assert (tmp_path / "there.onnx").read_text() == "mine"
    assert not repair(with_errors, tmp_path / "there.onnx", force=True).after.errors


def test_other_answers_are_refused(with_errors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tiny_onnx([node("MatMul", "x w", "y")], {"w": matrix(7)}).SerializeToString()
    monkeypatch.setattr(
        "albert_converters.onnx.doctor.diagnose.repair_onnx", lambda file: file.proto.ParseFromString(other)
    )
    with pytest.raises(ParityError, match=r"can't be repaired(.|\n)*y differs by"):
        repair(with_errors, tmp_path / "out.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["errors.onnx"]


def test_what_does_not_run_is_not_repaired(tmp_path: Path) -> None:
    model = tiny_onnx([node("Magic", "x w", "y", domain="my.company")], {"w": matrix(0)}, domains=["my.company"])
    file = save_onnx(tmp_path, model)
    assert diagnose(file).results != ()
    with pytest.raises(AlbertError, match="Magic"):
        repair(file, tmp_path / "out.onnx")
    never = tiny_onnx([node("Gather", "w x", "y")], {"w": matrix(0)}, inputs={"x": (7, [1, "n"])})
    never.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(matrix(0, rows=3), "w"))
    assert repair(save_onnx(tmp_path, never, "few.onnx"), tmp_path / "few-out.onnx").equivalence.requests > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["few-out.onnx", "few.onnx", "model.onnx"]


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_answers_that_are_nan_are_no_evidence(suffix: str, tmp_path: Path) -> None:
    weight = np.full_like(matrix(0), np.nan)
    nodes = [node("MatMul", "x first", "a"), node("MatMul", "x second", "y")]
    file = tmp_path / f"errors{suffix}"
    if suffix == ".onnx":
        save_onnx(tmp_path, tiny_onnx(nodes, {"first": weight, "second": weight}), file.name)
    else:
        file.write_bytes(tflite_model.dumps(two_linear_layers(weight, weight)))
    with pytest.raises(UnsupportedError, match=r"errors\.\w+ gives NaN throughout for y, .*; export it again"):
        repair(file, tmp_path / f"out{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_an_output_with_a_few_nan_is_checked(tmp_path: Path) -> None:
    weight = matrix(0)
    weight[0, 0] = np.nan
    nodes = [node("MatMul", "x first", "y"), node("MatMul", "x second", "unread")]
    file = save_onnx(tmp_path, tiny_onnx(nodes, {"first": weight, "second": weight}))
    assert repair(file, tmp_path / "out.onnx").equivalence.requests > 0


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_behind(
    with_errors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise stop

    monkeypatch.setattr(repair_module, "check_equivalence", fail)
    with pytest.raises(UsageError if isinstance(stop, OSError) else KeyboardInterrupt):
        repair(with_errors, tmp_path / "out.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["errors.onnx"]


_ONNX = reader_of_tokens().SerializeToString()
_TFLITE = tflite_model.dumps(two_linear_layers(matrix(0), matrix(0)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from([".onnx", ".tflite"]))
def test_damaged_files_end_in_a_message(data: st.DataObject, suffix: str, tmp_path: Path) -> None:
    content = bytearray(_ONNX if suffix == ".onnx" else _TFLITE)
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file = tmp_path / f"model{suffix}"
    file.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    with contextlib.suppress(AlbertError):  # anything else is a traceback for the user
        diagnose(file).repair()

"""Diagnoses and repairs as a whole: what is refused, what is written, and what is proved before."""

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
from albert_export.doctor import equivalence as proof
from albert_export.doctor import repair as repair_module
from albert_export.doctor.diagnose import diagnose
from albert_export.doctor.repair import repair
from albert_runtime.errors import AlbertError, ParityError, UnsupportedError, UsageError
from tests.conftest import CheckpointOf
from tests.tiny_onnx import matrix, node, reader_of_tokens, save_onnx, tiny_onnx
from tests.tiny_tflite import scores_of_tokens, two_products


def faulty_onnx() -> onnx.ModelProto:
    """Two products by equal weights, the second behind an Identity."""
    nodes = [node("MatMul", "x first", "a"), node("Identity", "second", "seen"), node("MatMul", "a seen", "y")]
    return tiny_onnx(nodes, {"first": matrix(0), "second": matrix(0)})


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    return save_onnx(tmp_path, faulty_onnx(), "faulty.onnx")


@pytest.fixture
def faulty_tflite(tmp_path: Path) -> Path:
    (tmp_path / "faulty.tflite").write_bytes(tflite_model.dumps(two_products(matrix(0), matrix(0))))
    return tmp_path / "faulty.tflite"


@pytest.mark.parametrize("fixture", ["faulty", "faulty_tflite"])
def test_mended_and_proved(fixture: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    file: Path = request.getfixturevalue(fixture)
    content = file.read_bytes()
    output = tmp_path / "new" / f"mended{file.suffix}"
    repaired = repair(file, output)
    assert repaired.before.faults
    assert not repaired.after.faults
    assert repaired.after.file_bytes == output.stat().st_size < len(content)
    assert repaired.proof.requests >= 2
    assert repaired.proof.max_difference <= proof.TOLERANCE
    assert file.read_bytes() == content
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    assert repaired.to_dict()["repair"]["mended"]["healthy"] is True


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_real_graphs_stay_what_they_are(
    suffix: str, tmp_path: Path, bundle_of: CheckpointOf, tflite_bundle_of: CheckpointOf
) -> None:
    """Multiple choice has three axes, and these checkpoints no positions beyond 48: longer requests do not count."""
    bundle = (bundle_of if suffix == ".onnx" else tflite_bundle_of)("multiple-choice")
    repaired = repair(bundle, tmp_path / f"out{suffix}")
    assert repaired.done == ()
    assert repaired.proof.max_difference == 0.0
    assert 0 < repaired.proof.requests < len(proof._SHAPES)


def test_names_of_task_library(tmp_path: Path) -> None:
    scores = np.arange(100, dtype=np.float32)
    (tmp_path / "model.tflite").write_bytes(tflite_model.dumps(scores_of_tokens(scores, scores)))
    repaired = repair(tmp_path / "model.tflite", tmp_path / "out.tflite")
    assert [finding.name for finding in repaired.before.faults] == ["duplicated-weights"]
    assert repaired.after.faults == ()


def test_a_folder_that_holds_one_graph(faulty: Path, tmp_path: Path) -> None:
    assert diagnose(tmp_path).file == faulty
    shutil.copy(faulty, tmp_path / "second.onnx")
    with pytest.raises(UsageError, match=r"holds 2 graphs(.|\n)*second\.onnx"):
        diagnose(tmp_path)


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


def test_outputs_that_are_refused(faulty: Path, tmp_path: Path) -> None:
    (tmp_path / "there.onnx").write_text("mine")
    (tmp_path / "link.onnx").symlink_to(faulty)
    for output, message in (
        (faulty, "never written over"),
        (tmp_path / "link.onnx", "never written over"),
        (tmp_path / "there.onnx", "--force"),
        (tmp_path / "out.tflite", "name of the .onnx file"),
        (tmp_path, "name of the .onnx file"),
    ):
        with pytest.raises(UsageError, match=message):
            repair(faulty, output)
    assert (tmp_path / "there.onnx").read_text() == "mine"
    assert not repair(faulty, tmp_path / "there.onnx", force=True).after.faults


def test_other_answers_are_refused(faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tiny_onnx([node("MatMul", "x w", "y")], {"w": matrix(7)}).SerializeToString()
    monkeypatch.setattr(
        "albert_converters.onnx.doctor.diagnose.repair_onnx", lambda file: file.model.ParseFromString(other)
    )
    with pytest.raises(ParityError, match=r"can't be mended(.|\n)*y differs by"):
        repair(faulty, tmp_path / "out.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["faulty.onnx"]


def test_what_does_not_run_is_not_mended(tmp_path: Path) -> None:
    model = tiny_onnx([node("Magic", "x w", "y", domain="my.company")], {"w": matrix(0)}, domains=["my.company"])
    file = save_onnx(tmp_path, model)
    assert diagnose(file).findings != ()
    with pytest.raises(AlbertError, match="Magic"):
        repair(file, tmp_path / "out.onnx")
    never = tiny_onnx([node("Gather", "w x", "y")], {"w": matrix(0)}, inputs={"x": (7, [1, "n"])})
    never.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(matrix(0, rows=3), "w"))
    assert repair(save_onnx(tmp_path, never, "few.onnx"), tmp_path / "few-out.onnx").proof.requests > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["few-out.onnx", "few.onnx", "model.onnx"]


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_answers_that_are_nan_prove_nothing(suffix: str, tmp_path: Path) -> None:
    weight = np.full_like(matrix(0), np.nan)
    nodes = [node("MatMul", "x first", "a"), node("MatMul", "x second", "y")]
    file = tmp_path / f"faulty{suffix}"
    if suffix == ".onnx":
        save_onnx(tmp_path, tiny_onnx(nodes, {"first": weight, "second": weight}), file.name)
    else:
        file.write_bytes(tflite_model.dumps(two_products(weight, weight)))
    with pytest.raises(UnsupportedError, match=r"faulty\.\w+ gives NaN throughout for y, .*; export it again"):
        repair(file, tmp_path / f"out{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_an_output_with_a_few_nan_is_proved(tmp_path: Path) -> None:
    weight = matrix(0)
    weight[0, 0] = np.nan
    nodes = [node("MatMul", "x first", "y"), node("MatMul", "x second", "unread")]
    file = save_onnx(tmp_path, tiny_onnx(nodes, {"first": weight, "second": weight}))
    assert repair(file, tmp_path / "out.onnx").proof.requests > 0


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_behind(
    faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise stop

    monkeypatch.setattr(repair_module, "prove", fail)
    with pytest.raises(UsageError if isinstance(stop, OSError) else KeyboardInterrupt):
        repair(faulty, tmp_path / "out.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["faulty.onnx"]


def test_differences() -> None:
    ones = np.ones(3, np.float32)
    assert proof.difference(ones, ones) == 0.0
    assert proof.difference(100 * ones + 1, 100 * ones) == pytest.approx(0.01)
    assert proof.difference(0.1 * ones, 0.2 * ones) == pytest.approx(0.1)
    assert proof.difference(ones[:2], ones) == np.inf
    assert proof.difference(ones.astype(np.float64), ones) == np.inf
    nan = np.float32([np.nan, 1, np.inf])
    assert proof.difference(nan, nan) == 0.0
    assert proof.difference(ones, nan) == np.inf
    assert proof.difference(nan, ones) == np.inf
    assert proof.difference(np.int64([1]), np.int64([2])) == np.inf


def test_requests_are_padded_text(tmp_path: Path) -> None:
    patient = diagnose(save_onnx(tmp_path, reader_of_tokens()))
    made = list(proof.requests(patient.inputs, patient.vocabulary))
    assert {request["input_ids"].shape for request in made} == {(1, 7), (1, 128), (3, 16), (2, 61)}
    batch = next(request for request in made if request["input_ids"].shape == (3, 16))
    assert batch["attention_mask"].sum(axis=1).tolist() == [16, 10, 5]
    assert not batch["input_ids"][batch["attention_mask"] == 0].any()
    assert batch["input_ids"].max() < patient.vocabulary == 50
    assert set(batch["token_type_ids"].ravel()) == {0, 1}


_ONNX = reader_of_tokens().SerializeToString()
_TFLITE = tflite_model.dumps(two_products(matrix(0), matrix(0)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from([".onnx", ".tflite"]))
def test_damaged_files_end_in_a_message(data: st.DataObject, suffix: str, tmp_path: Path) -> None:
    content = bytearray(_ONNX if suffix == ".onnx" else _TFLITE)
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file = tmp_path / f"model{suffix}"
    file.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    with contextlib.suppress(AlbertError):  # anything else is a traceback for the user
        diagnose(file).mend()

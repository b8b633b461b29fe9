"""`--head masked`: graphs of fill-mask that are told where the masks are, and score the vocabulary there only."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from albert_export import read_checkpoint
from albert_export.doctor.diagnose import diagnose
from albert_export.export import export_onnx, export_tflite
from albert_export.reference.registry import build_reference, reference_engine
from albert_export.vectors.vectors_file import check_vectors, make_vectors
from albert_export.verification.verify import verify_bundle
from albert_runtime.errors import UnsupportedError, UsageError
from albert_runtime.tasks import MASKED_POSITIONS, TASKS
from tests.albert_export.export.conftest import HEAD_GRAPHS

TASK = "fill-mask"
TEXTS = (
    "the [MASK] of the city",
    "[MASK] and [MASK] met",
    "a longer text than both, with a [MASK] and one [MASK] more [MASK]",
)
GRAPHS = ("onnx", "loop", "unrolled")


@pytest.fixture
def session_for(session_with_head):
    return functools.partial(session_with_head, TASK)


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_scores_are_those_of_the_usual_head_at_the_masks(graph, session_for, checkpoint_of):
    masked, usual = session_for(graph, "masked"), session_for(graph)
    assert (masked.manifest.head, usual.manifest.head) == ("masked", "")
    framework = HEAD_GRAPHS[graph][2]
    model = build_reference(read_checkpoint(checkpoint_of(TASK)), TASK, framework=framework)
    reference = reference_engine(model, masked.bundle.task, framework)
    for text in TEXTS:
        arrays = masked.arrays(text)
        places = np.flatnonzero(arrays["input_ids"][0] == masked.tokenizer.mask_token_id)
        assert arrays[MASKED_POSITIONS].tolist() == [places.tolist()]
        got = masked.run(arrays)["logits"]
        assert got.shape == (1, len(places), len(usual.tokenizer))
        np.testing.assert_allclose(got[0], usual.run(usual.arrays(text))["logits"][0, places], atol=1e-5)
        np.testing.assert_allclose(got, reference.run(arrays)["logits"], atol=1e-5)
        assert [[one.token for one in mask] for mask in masked(text)] == [
            [one.token for one in mask] for mask in usual(text)
        ]


@pytest.mark.parametrize("graph", GRAPHS)
def test_texts_with_different_numbers_of_masks_share_a_batch(graph, session_for):
    session = session_for(graph, "masked")
    for answer, text in zip(session.map(list(TEXTS)), TEXTS, strict=True):
        alone = session(text)
        assert len(answer) == len(alone) == text.count("[MASK]")
        for mask, own in zip(answer, alone, strict=True):
            assert [one.token_id for one in mask] == [one.token_id for one in own]
            assert [one.score for one in mask] == pytest.approx([one.score for one in own], abs=1e-5)


def test_positions_are_padded_with_0(session_for):
    session = session_for("onnx", "masked")
    mask = session.tokenizer.mask_token_id
    runs = []
    run = session.engine.run
    session.engine.run = lambda arrays: runs.append(arrays) or run(arrays)
    logits = session.run_ids([[2, mask, 7, mask, 3], [2, 7, mask, 3], [2, 7, 3]])["logits"]
    assert runs[0][MASKED_POSITIONS].tolist() == [[1, 3], [2, 0], [0, 0]]
    assert logits.shape[:2] == (3, 2)
    assert session.run_ids([2, 7, 3])["logits"].shape[:2] == (1, 1)


def test_what_a_text_must_have_is_what_it_was(session_for):
    masked, usual = session_for("onnx", "masked"), session_for("onnx")
    for text in ("no mask", "", "word " * 2000 + "[MASK]", "[MASK] " * 2000):
        messages = []
        for session in (masked, usual):
            with pytest.raises(UsageError) as raised:
                session(text)
            messages.append(str(raised.value))
        assert messages[0] == messages[1]


def test_verify_vectors_and_doctor_know_the_head(session_for, checkpoint_of):
    session = session_for("onnx", "masked")
    report = verify_bundle(session.bundle.folder, checkpoint_of(TASK))
    assert report.passed
    vectors = make_vectors(session)
    assert vectors["bundle"]["head"] == "masked"
    assert all(len(one[MASKED_POSITIONS]) == len(one["input_ids"]) for one in vectors["requests"])
    assert check_vectors(session, vectors) > len(vectors["requests"])
    diagnosis = diagnose(session.bundle.folder)
    assert {one.name: one.role for one in diagnosis.inputs}[MASKED_POSITIONS] == "positions"
    assert [one.name for one in diagnosis.results if one.is_error] == []
    with pytest.raises(UnsupportedError, match="different heads"):
        verify_bundle(session.bundle.folder, session_for("onnx").bundle.folder)


@pytest.mark.parametrize(
    ("export", "options", "message"),
    [
        (export_onnx, {"sequence_length": 16}, "--head masked .* leave out --sequence-length"),
        (export_tflite, {"sequence_length": 16}, "--head masked .* leave out --sequence-length"),
        (export_tflite, {"target": "tflite-runtime"}, "--head masked .* --target litert"),
        (export_onnx, {"layout": "hub"}, "--layout hub is for tools that do not give masked_positions"),
        (export_onnx, {"no_tokenizer": True}, "--no-tokenizer leaves out what masked_positions follows from"),
        (export_onnx, {"with_tokenizer": True}, "--with-tokenizer does not know the head 'masked'"),
        (export_onnx, {"head": "beam-search"}, "--head beam-search can't be chosen .* fill-mask has masked"),
    ],
)
def test_what_does_not_go_with_it_is_refused(export, options, message, checkpoint_of, tmp_path):
    with pytest.raises((UsageError, UnsupportedError), match=message):
        export(checkpoint_of(TASK), tmp_path / "bundle", **{"task": TASK, "head": "masked", **options})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("task", [task for task in TASKS if task != TASK])
def test_other_tasks_have_no_such_head(task, checkpoint_of, tmp_path):
    with pytest.raises(UsageError, match=rf"{task} has .*; others: .*masked with --task fill-mask"):
        export_onnx(checkpoint_of(task), tmp_path / "bundle", task=task, head="masked")
    assert list(tmp_path.iterdir()) == []

"""`--head sentence-order`: graphs of pretraining that tell the order of two texts, and score no vocabulary."""

from __future__ import annotations

import functools

import numpy as np
import onnx
import pytest

import albert_runtime
from albert_converters.tflite.model import text
from albert_converters.tflite.model_view import read_tflite
from albert_export import read_checkpoint
from albert_export.demos import demo_checkpoint, demo_examples
from albert_export.doctor.diagnose import diagnose
from albert_export.evaluation.datasets.example import Example
from albert_export.evaluation.metrics.masked_words import judge_masked, order_scores
from albert_export.export import export_onnx, export_tflite
from albert_export.reference.registry import build_reference, reference_engine
from albert_export.vectors.vectors_file import check_vectors, make_vectors
from albert_export.verification.verify import verify_bundle
from albert_runtime.errors import UnsupportedError, UsageError
from tests.albert_export.export.conftest import HEAD_GRAPHS
from tests.albert_export.export.test_first_token_only import queries_of_one_row

TASK, HEAD = "pretraining", "sentence-order"
PAIRS = (
    ("she wrote a letter", "then she went home"),
    ("the [MASK] of the city", "[MASK] and [MASK] met"),
    ("a longer text than the others, which is cut off " * 4 + "[MASK]", "and [MASK] after it " * 8 + "[MASK]"),
)


@pytest.fixture
def session_for(session_with_head):
    return functools.partial(session_with_head, TASK)


@pytest.mark.parametrize("graph", HEAD_GRAPHS)
def test_the_order_is_that_of_the_usual_head(graph, session_for, checkpoint_of):
    session, usual = session_for(graph, HEAD), session_for(graph)
    assert (session.manifest.head, usual.manifest.head) == (HEAD, "")
    assert session.engine.output_names == ("sop_logits",)
    framework = HEAD_GRAPHS[graph][2]
    model = build_reference(read_checkpoint(checkpoint_of(TASK)), TASK, framework=framework)
    reference = reference_engine(model, session.bundle.task, framework)
    for pair in PAIRS[:2]:
        arrays = session.arrays(*pair)
        got = session.run(arrays)
        assert got.keys() == {"sop_logits"}
        assert got["sop_logits"].shape == (1, 2)
        np.testing.assert_allclose(got["sop_logits"], usual.run(arrays)["sop_logits"], atol=1e-5)
        np.testing.assert_allclose(got["sop_logits"], reference.run(arrays)["sop_logits"], atol=1e-5)
        order, expected = session(*pair), usual(*pair)
        assert (order.label, order.in_order, order.filled) == (expected.label, expected.in_order, ())
        assert order.score == pytest.approx(expected.score, abs=1e-5)
        assert len(expected.filled) == " ".join(pair).count("[MASK]")


@pytest.mark.parametrize("graph", ["loop", "unrolled", "static"])
def test_the_decoder_is_left_out_of_tflite_files(graph, session_for):
    products = {}
    for head in (HEAD, None):
        view = read_tflite(session_for(graph, head).bundle.folder / "model.tflite")
        names = [name for operator in view.operators for tensor in operator.tensors() if (name := text(tensor.name))]
        assert any("predictions" in name for name in names) is (head is None)
        products[head] = len(view.matmuls)
    assert products[None] - products[HEAD] == 2  # the dense layer and the decoder


def test_the_last_layer_computes_cls_alone_and_nothing_is_left_over(session_for):
    folder = session_for("onnx", HEAD).bundle.folder
    graph = onnx.load(str(folder / "model.onnx")).graph
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    assert {name for node in graph.node for name in node.output} <= used
    assert {weight.name for weight in graph.initializer} <= used
    assert not [weight.name for weight in graph.initializer if weight.name.startswith("predictions")]
    assert queries_of_one_row(folder / "model.onnx") == 1


@pytest.mark.parametrize("graph", HEAD_GRAPHS)
def test_pairs_of_different_lengths_share_a_batch(graph, session_for):
    session = session_for(graph, HEAD)
    requests = [{"first": first, "second": second} for first, second in PAIRS]
    for answer, request in zip(session.map(requests), requests, strict=True):
        alone = session(**request)
        assert answer.label == alone.label
        assert answer.score == pytest.approx(alone.score, abs=1e-5)


def test_a_mask_may_be_cut_off_where_none_is_filled(session_for):
    assert session_for("onnx", HEAD)(*PAIRS[2]).filled == ()
    with pytest.raises(UsageError, match="would be cut off"):
        session_for("onnx")(*PAIRS[2])
    for wrong in (("", "b"), ("a", " "), ("a", "b", 0)):
        messages = []
        for head in (HEAD, None):
            with pytest.raises(UsageError) as raised:
                session_for("onnx", head)(*wrong)
            messages.append(str(raised.value))
        assert messages[0] == messages[1]


def test_verify_vectors_and_doctor_know_the_head(session_for, checkpoint_of):
    session = session_for("onnx", HEAD)
    assert verify_bundle(session.bundle.folder, checkpoint_of(TASK)).passed
    vectors = make_vectors(session)
    assert vectors["bundle"]["head"] == HEAD
    assert all(one["outputs"].keys() == {"sop_logits"} for one in vectors["requests"])
    assert check_vectors(session, vectors) > len(vectors["requests"])
    assert [one.name for one in diagnose(session.bundle.folder).results if one.is_error] == []
    with pytest.raises(UnsupportedError, match="different heads"):
        verify_bundle(session.bundle.folder, session_for("onnx").bundle.folder)


def test_the_order_alone_is_evaluated(session_for):
    session = session_for("onnx", HEAD)
    examples = [
        Example({"first": "The [MASK] sat.", "second": "It slept."}, (True, "cat")),
        Example({"first": "1 2", "second": "3 4"}, (False, None)),
    ]
    answers = [judge_masked(session, one) for one in examples]
    assert answers == [{"in_order": session(**one.request).in_order} for one in examples]
    assert order_scores(examples, answers).keys() == {"order_accuracy"}


@pytest.mark.parametrize(
    ("export", "options"),
    [
        (export_onnx, {"precision": "int8"}),
        (export_onnx, {"precision": "int8-static"}),
        (export_onnx, {"precision": "int4"}),
        (export_onnx, {"precision": "fp16", "layout": "hub"}),
        (export_tflite, {"precision": "int8"}),
        (export_tflite, {"precision": "int8", "graph": "unrolled"}),
        (export_tflite, {"precision": "int4"}),
        (export_tflite, {"precision": "int8-static"}),
    ],
)
def test_precisions(export, options, tmp_path):
    done = export(demo_checkpoint(TASK), tmp_path / "bundle", task=TASK, head=HEAD, **options)
    session = albert_runtime.load(done.folder)
    assert (session.manifest.head, session.engine.output_names) == (HEAD, ("sop_logits",))
    wrong = 0
    for example in demo_examples(TASK):
        wrong += session(**example.inputs).in_order != example.expected
    assert wrong == 0


def test_without_a_tokenizer(checkpoint_of, tmp_path):
    export_onnx(checkpoint_of(TASK), tmp_path / "bundle", task=TASK, head=HEAD, no_tokenizer=True)
    outputs = albert_runtime.load(tmp_path / "bundle").run_ids([[2, 7, 3, 8, 3], [2, 7, 3]])
    assert {name: array.shape for name, array in outputs.items()} == {"sop_logits": (2, 2)}


@pytest.mark.parametrize("task", ["fill-mask", "text-classification"])
def test_other_tasks_have_no_such_head(task, checkpoint_of, tmp_path):
    with pytest.raises(UsageError, match=r"others: .*sentence-order with --task pretraining"):
        export_onnx(checkpoint_of(task), tmp_path / "bundle", task=task, head=HEAD)
    assert list(tmp_path.iterdir()) == []

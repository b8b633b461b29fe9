"""Checkpoints with Google's head for SQuAD v2.0 go through every command: both formats, evaluation, verification."""

from __future__ import annotations

import collections
import json
import re
import string
from pathlib import Path

import numpy as np
import pytest

import albert_runtime
from albert_export import read_checkpoint
from albert_export.evaluation import evaluate, find_model, read_dataset
from albert_export.export import export_onnx, export_tflite
from albert_export.inspection import describe, inspect_path
from albert_export.reference.registry import build_reference, reference_engine
from albert_export.sensitivity import scan, typical_inputs
from albert_export.verification.verify import verify_bundle
from albert_runtime.errors import CheckpointError, UnsupportedError
from tests.conftest import BuiltOnce, save_tiny

TASK = "question-answering"
REQUEST = {
    "question": "Who lit the lamp?",
    "context": "The keeper climbed the steps every evening to light the lamp. " * 4,
}
#: the arguments of the export, and the framework of its reference
GRAPHS = {
    "onnx": (export_onnx, {"precision": "fp32"}, "torch"),
    "loop": (export_tflite, {"precision": "fp32", "graph": "loop"}, "tf"),
    "unrolled": (export_tflite, {"precision": "fp32", "graph": "unrolled"}, "tf"),
}


@pytest.fixture(scope="module")
def checkpoint(built_once: BuiltOnce) -> Path:
    return built_once("checkpoint/beam-search", lambda folder: save_tiny(folder, TASK, head="beam-search"))


@pytest.fixture(scope="module")
def bundle_for(built_once: BuiltOnce, checkpoint: Path):
    def build(graph: str) -> Path:
        export, options, _ = GRAPHS[graph]
        return built_once(f"beam-search/{graph}", lambda folder: export(checkpoint, folder, **options))

    return build


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_graph_computes_what_the_reference_does(graph, bundle_for, checkpoint):
    session = albert_runtime.load(bundle_for(graph))
    framework = GRAPHS[graph][2]
    reference = reference_engine(
        build_reference(read_checkpoint(checkpoint), TASK, framework=framework), session.bundle.task, framework
    )
    assert set(session.engine.output_names) == set(session.bundle.task.outputs)
    random = np.random.default_rng(0)
    for rows, length in ((1, 1), (2, 3), (3, 5), (1, 48), (4, 31)):
        kept = random.integers(1, length + 1, (rows, 1))
        mask = (np.arange(length) < kept).astype(np.int64)
        arrays = {
            "input_ids": random.integers(5, 30000, (rows, length)),
            "attention_mask": mask,
            "token_type_ids": (np.arange(length) >= kept // 2) * mask,
        }
        got, expected = session.engine.run(arrays), reference.run(arrays)
        for name, array in expected.items():
            if name.endswith("index"):
                assert got[name].dtype.kind == "i"
                np.testing.assert_array_equal(got[name], array, err_msg=f"{name}, {rows} x {length}")
            else:
                np.testing.assert_allclose(got[name], array, atol=1e-4, err_msg=f"{name}, {rows} x {length}")


@pytest.mark.parametrize("graph", GRAPHS)
def test_answers_alone_in_a_batch_and_of_the_checkpoint(graph, bundle_for, checkpoint):
    session, original = albert_runtime.load(bundle_for(graph)), find_model(checkpoint).open()
    requests = [{**REQUEST, "question": question} for question in ("Who?", "What did the keeper light?", "When?")]
    for request, batched in zip(requests, session(requests, top_k=3), strict=True):
        alone, expected = session(**request, top_k=3), original(**request, top_k=3)
        assert [one.text for one in alone] == [one.text for one in batched] == [one.text for one in expected]
        np.testing.assert_allclose([one.score for one in alone], [one.score for one in expected], atol=1e-4)
    assert session.manifest.null_threshold == 0.0


def test_bundles_are_verified_and_described(bundle_for, checkpoint, checkpoint_of, bundle_of, tmp_path):
    assert verify_bundle(bundle_for("onnx"), checkpoint).passed
    assert verify_bundle(bundle_for("loop"), bundle_for("onnx")).passed
    with pytest.raises(UnsupportedError, match="different heads"):
        verify_bundle(bundle_for("onnx"), bundle_of(TASK))
    with pytest.raises(UnsupportedError, match=r"no weights for .*cls_logits"):
        verify_bundle(bundle_for("onnx"), checkpoint_of(TASK))
    facts = inspect_path(bundle_for("onnx"))
    assert facts["manifest"]["head"] == "beam-search"
    assert "question-answering with the head beam-search, fp32" in describe(facts)
    assert [one["name"] for one in facts["graph"]["outputs"]][-1] == "cls_logits"
    assert "| output | end_top_index | int64 | batch_size x start_n_top * end_n_top |" in (
        bundle_for("onnx") / "README.md"
    ).read_text(encoding="utf-8")
    assert inspect_path(checkpoint)["tasks"] == ["feature-extraction", "question-answering"]


@pytest.mark.parametrize(
    ("export", "options"),
    [
        (export_onnx, {"precision": "fp16"}),
        (export_onnx, {"precision": "int8"}),
        (export_tflite, {"precision": "int8"}),
        pytest.param(export_onnx, {"precision": "int4"}, marks=pytest.mark.slow),
        pytest.param(export_onnx, {"precision": "int8-static"}, marks=pytest.mark.slow),
        pytest.param(export_tflite, {"precision": "fp16"}, marks=pytest.mark.slow),
        pytest.param(export_tflite, {"precision": "int4"}, marks=pytest.mark.slow),
        pytest.param(export_tflite, {"precision": "int8-static"}, marks=pytest.mark.slow),
    ],
)
def test_other_precisions_keep_the_answers(export, options, checkpoint, tmp_path):
    exported = export(checkpoint, tmp_path / "bundle", **options)
    (trial, *_) = exported.manifest.recipe_search["trials"]
    assert trial["agreement"] >= 99
    assert exported.report.passed
    assert (
        albert_runtime.load(tmp_path / "bundle")(**REQUEST, handle_impossible_answer=False).text in REQUEST["context"]
    )


def test_the_layers_with_few_rows_stay_in_float(checkpoint, tmp_path):
    export_onnx(checkpoint, tmp_path / "bundle", precision="int8")
    import onnx

    graph = onnx.load(tmp_path / "bundle" / "model.onnx").graph
    kinds = {one.name: one.data_type for one in graph.initializer}
    floats = {name for name, kind in kinds.items() if kind == onnx.TensorProto.FLOAT and name.endswith(".weight")}
    assert {"start_logits.dense.weight", "end_logits.dense_1.weight", "answer_class.dense_1.weight"} <= floats
    assert not {"end_logits.dense_0.weight", "answer_class.dense_0.weight"} & floats


def test_the_task_library_is_refused(checkpoint, tmp_path):
    with pytest.raises(UnsupportedError, match="beam-search, gives only the best starts and ends"):
        export_tflite(checkpoint, tmp_path / "bundle", target="task-library")
    assert not (tmp_path / "bundle").exists()


def test_sensitivity(checkpoint):
    read = read_checkpoint(checkpoint)
    result = scan(read, "qa", typical_inputs(read, "qa", limit=2))
    modules = {row.module for row in result.rows}
    assert {"start_logits.dense", "end_logits.dense_0", "answer_class.dense_1"} <= modules
    assert 0 < result.everything.error < 1
    of_reference = scan(build_reference(read, TASK), "qa", typical_inputs(read, "qa", limit=2))
    assert of_reference.everything == result.everything


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "5"])
def test_beams_of_a_wrong_size(value, tmp_path, checkpoint):
    from albert_export import AlbertConfig, AlbertForQuestionAnsweringBeamSearch

    config = AlbertConfig.from_folder(checkpoint)
    config.extra = {"start_n_top": value, "end_n_top": 3}
    with pytest.raises(CheckpointError, match="start_n_top must be a positive whole number"):
        AlbertForQuestionAnsweringBeamSearch(config)


def test_beams_of_other_sizes(tmp_path):
    folder = save_tiny(tmp_path / "model", TASK, head="beam-search", extra={"start_n_top": 1, "end_n_top": 3})
    export_onnx(folder, tmp_path / "onnx")
    export_tflite(folder, tmp_path / "tflite", precision="fp32")
    one, other = (albert_runtime.load(tmp_path / name) for name in ("onnx", "tflite"))
    arrays = one.arrays(**REQUEST)
    assert one.run(arrays)["end_top_index"].shape == (len(arrays["input_ids"]), 3)
    np.testing.assert_array_equal(one.run(arrays)["end_top_index"], other.run(arrays)["end_top_index"])
    assert one(**REQUEST) == pytest.approx(one(**REQUEST))


def words(text):
    text = "".join(sign for sign in text.lower() if sign not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def official_scores(answer, rights):
    """compute_exact and compute_f1 of evaluate-v2.0.py, the best over all right answers."""

    def f1(right):
        given, wanted = words(answer), words(right)
        same = sum((collections.Counter(given) & collections.Counter(wanted)).values())
        if not given or not wanted:
            return float(given == wanted)
        return 2 * same / (len(given) + len(wanted))

    rights = [right for right in rights if words(right)] or [""]
    return max(float(words(answer) == words(right)) for right in rights), max(map(f1, rights))


def official_best(scores, passages, odds, answerable):
    """find_best_thresh of evaluate-v2.0.py."""
    current = best = sum(not one for one in answerable)
    threshold = 0.0
    for index in sorted(range(len(odds)), key=odds.__getitem__):
        current += scores[index] if answerable[index] else -1 if passages[index] else 0
        if current > best:
            best, threshold = current, odds[index]
    return 100 * best / len(scores), threshold


def test_evaluate_gives_the_figures_of_the_official_script(bundle_for, tmp_path):
    session = albert_runtime.load(bundle_for("onnx"))
    context = REQUEST["context"]
    asked = [f"{word} {rest}?" for word in ("Who", "What", "When", "Why") for rest in ("lit", "climbed", "is the lamp")]
    passages = [session(question, context, max_answer_len=30, handle_impossible_answer=False) for question in asked]
    odds = [session.null_odds(one) for one in passages]
    # every second question has an answer: the model's own, or a part of it, so that the scores are neither 0 nor 1
    rights = [
        [] if index % 2 else [passage.text if index % 4 else passage.text.split()[0]]
        for index, passage in enumerate(passages)
    ]
    questions = [
        {"id": str(index), "question": question, "is_impossible": not right, "answers": [
            {"text": text, "answer_start": context.index(text)} for text in right
        ]}
        for index, (question, right) in enumerate(zip(asked, rights, strict=True))
    ]  # fmt: skip
    record = {"version": "v2.0", "data": [{"title": "", "paragraphs": [{"context": context, "qas": questions}]}]}
    (tmp_path / "dev.json").write_text(json.dumps(record))
    evaluation = evaluate(session, read_dataset(tmp_path / "dev.json", "qa"))

    answers = ["" if odd > 0 else passage.text for odd, passage in zip(odds, passages, strict=True)]
    assert list(evaluation.answers) == answers
    scored = [official_scores(answer, right) for answer, right in zip(answers, rights, strict=True)]
    of_passages = [official_scores(one.text, right) for one, right in zip(passages, rights, strict=True)]
    for place, name in enumerate(("exact", "f1")):
        metric = "exact_match" if name == "exact" else name
        assert evaluation.metrics[metric] == pytest.approx(100 * np.mean([one[place] for one in scored]))
        best, threshold = official_best(
            [one[place] for one in of_passages], [one.text for one in passages], odds, [bool(one) for one in rights]
        )
        assert best > 50
        assert evaluation.metrics[f"best_{name}"] == pytest.approx(best)
        assert evaluation.metrics[f"best_{name}_thresh"] == pytest.approx(threshold)


def test_a_bundle_without_a_tokenizer_decides_on_token_ids(tmp_path):
    folder = save_tiny(tmp_path / "model", TASK, head="beam-search")
    (folder / "spiece.model").unlink()
    exported = export_onnx(folder, tmp_path / "bundle", precision="int8", no_tokenizer=True)
    assert exported.report.passed
    assert exported.manifest.recipe_search["trials"][0]["agreement"] >= 99

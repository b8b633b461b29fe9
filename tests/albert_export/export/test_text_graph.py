"""`--with-tokenizer`: a second graph in the bundle takes texts and gives the answers of the runtime."""

from __future__ import annotations

import importlib.util
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import albert_runtime
from albert_converters.onnx.text_graph.graph import TEXT_GRAPH_FILE
from albert_converters.onnx.text_graph.session import TextGraphSession
from albert_export.cli.main import main
from albert_export.demos import demo_checkpoint, demo_examples
from albert_export.export import export_onnx
from albert_export.export.text_graph import _OPTIONS, _SAME, text_inputs
from albert_runtime.errors import UnsupportedError, UsageError
from albert_runtime.tasks import TASKS
from tests.clients.rows import Record, Row
from tests.conftest import BuiltOnce, CheckpointOf, save_tiny

if importlib.util.find_spec("onnxruntime_extensions") is None:
    pytest.skip("pip install onnxruntime-extensions", allow_module_level=True)


#: every task in one precision, and every precision of one task
_CASES = [
    *((task, "fp32") for task in TASKS),
    *(("text-classification", precision) for precision in ("fp16", "int8", "int4", "int8-static")),
]


@pytest.fixture(params=_CASES, ids="-".join)
def bundle(request: pytest.FixtureRequest, built_once: BuiltOnce) -> Path:
    task, precision = request.param
    checkpoint = demo_checkpoint(task)
    return built_once(
        f"text-graph/{task}-{precision}",
        lambda folder: export_onnx(checkpoint, folder, task=task, precision=precision, with_tokenizer=True),
    )


@pytest.mark.clients
def test_the_answers_are_those_of_the_runtime(bundle: Path, record: Record) -> None:
    session: Any = albert_runtime.load(bundle)
    model = TextGraphSession(bundle / TEXT_GRAPH_FILE)
    names = model.output_names
    facts = session.manifest.text_graph
    assert facts["outputs"] == names
    assert TEXT_GRAPH_FILE in session.manifest.files
    assert facts["equal_ids"] == facts["texts"] > 100
    assert "SentencepieceTokenizer" in facts["operators"]
    assert f"`{TEXT_GRAPH_FILE}` holds the model and its tokenizer" in (bundle / "README.md").read_text("utf-8")
    examples = demo_examples(session.task)
    for example in examples:
        request = {name: value for name, value in example.inputs.items() if name in (*_TEXTS, "choices")}
        expected = session(**request, **_OPTIONS.get(session.task, {}))
        found = dict(zip(names, model.run(names, text_inputs(request)), strict=True))
        assert _SAME[session.task](found, expected), request
    model.close()
    version, precision = metadata.version("onnxruntime-extensions"), session.manifest.precision
    note = "Texts in, answers out, in one file."
    record(Row("onnxruntime-extensions", version, session.task, "onnx, --with-tokenizer", precision, True, True, note))


_TEXTS = ("text", "text_pair", "pair", "first", "second", "prompt", "question", "context")


def test_scores_of_a_classifier(built_once: BuiltOnce) -> None:
    folder = built_once(
        "text-graph/text-classification-fp32",
        lambda folder: export_onnx(
            demo_checkpoint("text-classification"), folder, task="text-classification", with_tokenizer=True
        ),
    )
    session: Any = albert_runtime.load(folder)
    model = TextGraphSession(folder / TEXT_GRAPH_FILE)
    texts = ["A lovely film.", "I want my money back!", ""]
    label, scores = model.run(["label", "scores"], {"text": np.array(texts[:2], dtype=object)})
    for index, text in enumerate(texts[:2]):
        expected = session(text, top_k=None)
        assert label[index] == expected[0].label
        np.testing.assert_allclose(sorted(scores[index])[::-1], [one.score for one in expected], atol=1e-5)
    model.run(["label"], {"text": np.array(texts, dtype=object)})  # an empty text is no error there
    model.close()


@pytest.mark.parametrize("precision", ["fp32", "int8", "int8-static", "int4"])
def test_a_context_of_several_windows(precision: str, built_once: BuiltOnce) -> None:
    """Windows run one by one: in integers, a batch would share the ranges of activations, and give other answers."""
    task = "question-answering"
    folder = built_once(
        f"text-graph/{task}-{precision}",
        lambda folder: export_onnx(demo_checkpoint(task), folder, task=task, precision=precision, with_tokenizer=True),
    )
    session: Any = albert_runtime.load(folder)
    names = ["answer", "score", "null_score"]
    question = "Where is the tower?"
    with TextGraphSession(folder / TEXT_GRAPH_FILE) as model:
        for context in ("The tower stands in Paris.", _LONG_CONTEXT):
            found = model.run(names, text_inputs({"question": question, "context": context}))
            expected = session(question, context)
            assert found[0].tolist() == [" ".join(expected.text.split())]
            np.testing.assert_allclose(found[1], expected.score, rtol=1e-4)
            np.testing.assert_allclose(found[2], expected.null_score, rtol=1e-3)
        [answer] = model.run(["answer"], text_inputs({"question": question, "context": " "}))
        assert answer.tolist() == [""]


_LONG_CONTEXT = "It  is\na very \u202f tall one. " * 60 + "The tower stands in (Paris), France. " + "And so on. " * 60


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"no_tokenizer": True}, "--no-tokenizer"),
        ({"layout": "hub"}, "--layout hub"),
        ({"sequence_length": 16}, "--sequence-length"),
    ],
)
def test_options_that_do_not_go_with_it(
    options: dict[str, Any], said: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=f"--with-tokenizer does not go with {said}"):
        export_onnx(checkpoint_of("text-classification"), tmp_path / "out", with_tokenizer=True, **options)
    assert list(tmp_path.iterdir()) == []


def test_the_order_of_two_texts_without_masks(tmp_path: Path) -> None:
    task = "pretraining"
    export_onnx(demo_checkpoint(task), tmp_path / "out", task=task, head="sentence-order", with_tokenizer=True)
    session: Any = albert_runtime.load(tmp_path / "out")
    with TextGraphSession(tmp_path / "out" / TEXT_GRAPH_FILE) as model:
        assert model.output_names == ["order_scores", "order"]
        for example in demo_examples(task):
            scores, order = model.run(model.output_names, text_inputs(example.inputs))
            expected = session(**example.inputs)
            assert order.tolist() == [expected.label]
            np.testing.assert_allclose(scores.max(), expected.score, atol=1e-5)


def test_what_a_graph_cannot_do_is_refused(tmp_path: Path) -> None:
    checkpoint = save_tiny(tmp_path / "beams", "question-answering", head="beam-search")
    with pytest.raises(UnsupportedError, match="only the usual one"):
        export_onnx(checkpoint, tmp_path / "out", with_tokenizer=True)
    with pytest.raises(UnsupportedError, match="needs opset 18"):
        export_onnx(checkpoint, tmp_path / "out", with_tokenizer=True, opset=17)
    assert not (tmp_path / "out").exists()


def test_the_command(checkpoint_of: CheckpointOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, output = str(checkpoint_of("feature-extraction")), str(tmp_path / "out")
    assert main(["onnx", "--model", model, "--with-tokenizer", "-o", output, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["bundle"] == output
    assert main(["verify", output, "--model", model]) == 0
    assert main(["doctor", output]) == 0
    assert main(["inspect", output]) == 0
    assert f"text graph  {TEXT_GRAPH_FILE}: text -> embedding; needs onnxruntime-extensions" in capsys.readouterr().out
    assert main(["doctor", f"{output}/{TEXT_GRAPH_FILE}"]) == 3
    assert "takes texts (text): it holds a tokenizer" in capsys.readouterr().err

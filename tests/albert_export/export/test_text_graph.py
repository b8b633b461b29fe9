"""--with-tokenizer: a second graph in the bundle, which gives the runtime's answers to texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import albert_runtime
from albert_export.cli.main import main
from albert_export.demos import demo_checkpoint
from albert_export.export import export_onnx
from albert_export.export import text_graph as module
from albert_export.export.text_graph import text_inputs
from albert_export.inspection import describe, inspect_path
from albert_export.vectors.texts import PASSAGE, TEXTS
from albert_runtime.errors import DependencyError, ParityError, UnsupportedError, UsageError
from albert_runtime.tasks import TASKS
from tests.conftest import BuiltOnce

FILE = "model_with_tokenizer.onnx"
CONTEXT = "It  is\na very \u202f tall one. " * 60 + "The tower stands in (Paris), France. " + "And so on. " * 60


@pytest.fixture
def extensions() -> None:
    pytest.importorskip("onnxruntime_extensions", reason="pip install 'albert-export[text-graph]'")


def exported(built_once: BuiltOnce, task: str, precision: str = "fp32") -> Path:
    def export(folder: Path) -> Any:
        return export_onnx(demo_checkpoint(task), folder, task=task, precision=precision, with_tokenizer=True)

    return built_once(f"text-graph-{task}-{precision}", export)


def run(folder: Path, **texts: Any) -> dict[str, Any]:
    from albert_converters.onnx.text_graph.graph import text_session

    session = text_session(folder / FILE)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, text_inputs(texts)), strict=True))


@pytest.mark.usefixtures("extensions")
class TestAnswers:
    @pytest.mark.parametrize("task", TASKS)
    def test_the_export_measures_equal_ids_and_answers(self, built_once: BuiltOnce, task: str) -> None:
        folder = exported(built_once, task)
        session = albert_runtime.load(folder)
        facts = session.manifest.text_graph
        assert FILE in session.manifest.files
        assert facts["equal_ids"] == facts["texts"] >= 200
        assert facts["equal_answers"] == facts["answers"] == 20
        assert "SentencepieceTokenizer" in facts["operators"]
        assert f"`{FILE}` holds the model and its tokenizer" in (folder / "README.md").read_text()
        assert f"text graph  {FILE}: " in describe(inspect_path(folder))

    def test_texts_and_pairs_in_one_batch(self, built_once: BuiltOnce) -> None:
        folder = exported(built_once, "text-classification")
        session: Any = albert_runtime.load(folder)
        texts, pairs = ["What a lovely film. " * 200, "boring", PASSAGE], ["dull " * 300, "", "Lovely."]
        found = run(folder, text=texts, text_pair=pairs)
        for row, (text, pair) in enumerate(zip(texts, pairs, strict=True)):
            expected = session(text, pair or None)
            assert found["label"][row] == expected[0].label
            assert found["scores"][row].max() == pytest.approx(expected[0].score, abs=1e-5)
        assert run(folder, text=texts)["label"][1] == session("boring")[0].label

    @pytest.mark.parametrize("precision", ["fp16", "int8", "int8-static", "int4"])
    def test_every_precision(self, built_once: BuiltOnce, precision: str) -> None:
        folder = exported(built_once, "question-answering", precision)
        session: Any = albert_runtime.load(folder)
        question = "Where is the tower?"
        for context in ("The tower stands in Paris.", CONTEXT):
            found, expected = run(folder, question=question, context=context), session(question, context)
            assert found["answer"].tolist() == [" ".join(expected.text.split())]
            assert found["score"][0] == pytest.approx(expected.score, rel=1e-2 if precision == "fp16" else 1e-4)

    def test_a_context_of_several_windows(self, built_once: BuiltOnce) -> None:
        folder = exported(built_once, "question-answering")
        session: Any = albert_runtime.load(folder)
        found = run(folder, question="Where is the tower?", context=CONTEXT)
        expected = session("Where is the tower?", CONTEXT)
        assert found["answer"][0] == expected.text
        assert found["score"][0] == pytest.approx(expected.score, rel=1e-4)
        assert found["null_score"][0] == pytest.approx(expected.null_score, rel=1e-3)

    def test_hostile_texts(self, built_once: BuiltOnce) -> None:
        folder = exported(built_once, "token-classification")
        texts = [text for name, text in TEXTS.items() if name != "lone surrogates"] + ["a " * 100_000, "\U0010ffff"]
        found = run(folder, text=texts)
        assert found["tokens"].shape == (len(texts), 128)
        assert np.isfinite(found["logits"]).all()
        empty = [*TEXTS].index("empty") - ([*TEXTS].index("lone surrogates") < [*TEXTS].index("empty"))
        assert [token for token in found["tokens"][empty] if token] == ["[CLS]", "[SEP]"]
        with pytest.raises(UnicodeEncodeError):
            run(folder, text=TEXTS["lone surrogates"])

    def test_no_context_at_all(self, built_once: BuiltOnce) -> None:
        found = run(exported(built_once, "question-answering"), question="Where?", context=" ")
        assert found["answer"].tolist() == [""]

    def test_doctor_says_what_the_file_is(self, built_once: BuiltOnce, capsys: pytest.CaptureFixture[str]) -> None:
        folder = exported(built_once, "text-classification")
        assert main(["doctor", str(folder / FILE)]) == 3
        assert "takes texts (text): it holds a tokenizer" in capsys.readouterr().err
        assert main(["doctor", str(folder)]) == 0

    def test_too_many_different_ids_are_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "request_arrays", lambda session, request: {"input_ids": np.zeros((1, 3))})
        with pytest.raises(ParityError, match=r"ids on 0 of \d+ texts.*too few.*\n- {'text': "):
            export_onnx(demo_checkpoint("text-classification"), tmp_path / "bundle", with_tokenizer=True)
        assert list(tmp_path.iterdir()) == []

    def test_an_old_opset_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedError, match="needs opset 18 or later, and the graph has opset 17"):
            export_onnx(demo_checkpoint("fill-mask"), tmp_path / "bundle", with_tokenizer=True, opset=17)


def test_options_that_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--with-tokenizer and --no-tokenizer"):
        export_onnx(demo_checkpoint("fill-mask"), tmp_path / "bundle", with_tokenizer=True, no_tokenizer=True)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "onnxruntime_extensions" else name)
    with pytest.raises(DependencyError, match=r"needs onnxruntime_extensions; .*albert-export\[text-graph\]"):
        export_onnx(demo_checkpoint("fill-mask"), tmp_path / "bundle", with_tokenizer=True)


def test_other_bundles_stay_as_they_are(bundle_of: Any) -> None:
    folder = bundle_of("fill-mask")
    assert "text_graph" not in json.loads((folder / "manifest.json").read_text())
    assert not (folder / FILE).exists()

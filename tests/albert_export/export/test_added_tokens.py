"""Exports of checkpoints whose tokenizer has added tokens, with embeddings that transformers resized."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import albert_runtime
from albert_export.checkpoints import read_checkpoint
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.evaluation.dataset_reading import read_dataset
from albert_export.evaluation.evaluator import evaluate
from albert_export.evaluation.model_loading import find_model
from albert_export.export import export_onnx, export_tflite
from albert_export.verification.verify import verify_bundle
from albert_runtime.cli import main
from albert_runtime.errors import CheckpointError
from tests.conftest import BuiltOnce, CheckpointOf

TEXT = "Paris [E1] is the [MASK] of [unused0][E2]France[E2]."
REQUESTS: dict[str, dict[str, Any]] = {
    "fill-mask": {"text": TEXT},
    "text-classification": {"text": TEXT.replace("[MASK]", "capital")},
}


def save_resized(source: Path, folder: Path, architecture: str, multiple: int | None = 8) -> None:
    """The checkpoint in `source` with three added tokens, as users of transformers make it."""
    import torch
    import transformers

    tokenizer = transformers.AlbertTokenizer.from_pretrained(source)
    assert tokenizer.add_tokens(["[E1]", "[unused0]"]) == 2
    assert tokenizer.add_special_tokens({"additional_special_tokens": ["[E2]"]}) == 1
    model = getattr(transformers, architecture).from_pretrained(source)
    torch.manual_seed(1)
    model.resize_token_embeddings(len(tokenizer), pad_to_multiple_of=multiple, mean_resizing=False)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(params=REQUESTS)
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def checkpoint(task: str, built_once: BuiltOnce, checkpoint_of: CheckpointOf) -> Path:
    architecture = albert_runtime.tasks.TASKS[task].architecture
    return built_once(f"added/{task}", lambda folder: save_resized(checkpoint_of(task), folder, architecture))


def theirs(checkpoint: Path, task: str) -> tuple[np.ndarray, list[int]]:
    """The logits and the ids of transformers."""
    import torch
    import transformers

    tokenizer = transformers.AlbertTokenizer.from_pretrained(checkpoint)
    model = getattr(transformers, albert_runtime.tasks.TASKS[task].architecture).from_pretrained(checkpoint).eval()
    inputs = tokenizer(REQUESTS[task]["text"], return_tensors="pt")
    with torch.no_grad():
        return model(**inputs).logits.numpy(), inputs["input_ids"][0].tolist()


@pytest.mark.parametrize("model_format", ["onnx", "tflite"])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_whole_export(model_format: str, precision: str, task: str, checkpoint: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    export = export_onnx if model_format == "onnx" else export_tflite
    exported = export(checkpoint, bundle, precision=precision, max_drop=100)
    assert exported.report.passed
    config = json.loads((bundle / "config.json").read_text())
    assert config["vocab_size"] == 30008  # a multiple of 8, with five embeddings that no token has
    assert json.loads((bundle / "added_tokens.json").read_text()) == {"[e1]": 30000, "[unused0]": 30001, "[E2]": 30002}
    report = verify_bundle(bundle, checkpoint)
    assert report.passed or precision == "int8"
    assert next(check for check in report.checks if check.name == "tokens").passed

    session = albert_runtime.load(bundle)
    expected, ids = theirs(checkpoint, task)
    assert {30000, 30001, 30002} < set(ids)
    arrays = session.arrays(**REQUESTS[task])
    assert arrays["input_ids"].tolist() == [ids]
    logits = session.run(arrays)["logits"]
    assert logits.shape == expected.shape
    if precision == "fp32":
        assert np.abs(logits - expected).max() < 1e-4
    answer = session(**REQUESTS[task], top_k=10**6)
    if task == "fill-mask":
        assert len(answer[0]) == 30003  # the spare embeddings are no tokens
        assert {30000, 30001, 30002} < {one.token_id for one in answer[0]}
        assert session("A [MASK] b.", targets=["[e1]"])[0][0].text == "A [e1] b."


def test_evaluate_and_run(task: str, checkpoint: Path, tmp_path: Path) -> None:
    """The bundle gives the figures of its checkpoint, and the command line the answers of the session."""
    if task == "fill-mask":
        data = tmp_path / "data.txt"
        data.write_text("".join(f"The story {n} [E1] was about a dog and [E2] a house.\n" for n in range(5)))
    else:
        data = tmp_path / "data.tsv"
        rows = [f"a [E1] film {n}[E2]\tLABEL_{n % 2}\n" for n in range(8)]
        data.write_text("sentence\tlabel\n" + "".join(rows))
    bundle = tmp_path / "bundle"
    export_onnx(checkpoint, bundle)
    figures = []
    for folder in (bundle, checkpoint):
        model = find_model(folder)
        dataset = read_dataset(data, model.task, labels=model.labels, problem_type=model.problem_type)
        figures.append(evaluate(model.open(), dataset).to_dict()["metrics"])
    assert figures[0] == figures[1]

    (tmp_path / "in.jsonl").write_text(json.dumps(REQUESTS[task]) + "\n")
    arguments = ["--input", str(tmp_path / "in.jsonl"), "--output", str(tmp_path / "out.jsonl")]
    assert main([str(bundle), *arguments]) == 0
    answer = albert_runtime.load(bundle)(**REQUESTS[task])
    best = answer[0] if task == "text-classification" else answer[0][0]
    assert json.dumps(best.score)[:8] in (tmp_path / "out.jsonl").read_text()


def test_task_library(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    """Its vocabulary has the pieces alone, and the export says what that means."""
    save_resized(checkpoint_of("text-classification"), tmp_path / "checkpoint", "AlbertForSequenceClassification")
    lines: list[str] = []
    export_tflite(
        tmp_path / "checkpoint", tmp_path / "bundle", target="task-library", sequence_length=16, progress=lines.append
    )
    assert "note: the Task Library reads added tokens as ordinary text" in lines


def test_fewer_embeddings_than_ids(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    """The tokens were added, and resize_token_embeddings was forgotten."""
    import transformers

    source = checkpoint_of("fill-mask")
    save_resized(source, tmp_path / "checkpoint", "AlbertForMaskedLM")
    transformers.AlbertForMaskedLM.from_pretrained(source).save_pretrained(tmp_path / "checkpoint")
    with pytest.raises(CheckpointError, match=r"\[E2\] \(30002\).*30000 word embeddings.*resize_token_embeddings"):
        export_onnx(tmp_path / "checkpoint", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_warnings(tmp_path: Path, checkpoint_of: CheckpointOf, caplog: pytest.LogCaptureFixture) -> None:
    """Spare embeddings, and a token that is never found."""
    folder = tmp_path / "checkpoint"
    save_resized(checkpoint_of("fill-mask"), folder, "AlbertForMaskedLM")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["additional_special_tokens"] = []
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    load_tokenizer(read_checkpoint(folder))
    assert "30008 word embeddings, and the tokenizer 30003 tokens. The last 5 embeddings are never used" in caplog.text
    assert "[E2] will never be found" in caplog.text


def test_another_vocabulary(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    """Too many spare embeddings show that the vocabulary is not that of the model."""
    save_resized(checkpoint_of("fill-mask"), tmp_path / "checkpoint", "AlbertForMaskedLM", multiple=4096)
    with pytest.raises(CheckpointError, match="30000 pieces and 3 added tokens, and the model has 32768 word"):
        load_tokenizer(read_checkpoint(tmp_path / "checkpoint"))

"""optimum, sentence-transformers and transformers.js open a folder of `--layout hub`, in four precisions."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import albert_runtime
from tests.clients.environments import SCRIPTS, node_client, python_client, run_client
from tests.clients.hub_repository import PRECISIONS, TEXTS, TOLERANCE, HubRepository, file_names
from tests.clients.rows import Record, Row
from tests.clients.versions import OPTIMUM, SENTENCE_TRANSFORMERS, TRANSFORMERS_JS, version_of
from tests.conftest import BuiltOnce

pytestmark = [pytest.mark.clients, pytest.mark.slow]

_BUNDLE = "onnx, layout hub"
#: the tasks that optimum has a class for
_OPTIMUM = {
    "question-answering": "ORTModelForQuestionAnswering",
    "text-classification": "ORTModelForSequenceClassification",
    "token-classification": "ORTModelForTokenClassification",
    "multiple-choice": "ORTModelForMultipleChoice",
    "fill-mask": "ORTModelForMaskedLM",
    "feature-extraction": "ORTModelForFeatureExtraction",
}
#: the tasks that transformers.js has a class for, and its dtypes
_TRANSFORMERS_JS = {
    "question-answering": "AutoModelForQuestionAnswering",
    "text-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "fill-mask": "AutoModelForMaskedLM",
    "feature-extraction": "AutoModel",
}
_DTYPES = {"fp32": "fp32", "fp16": "fp16", "int8": "q8", "int4": "q4"}
_INTEGER_NOTE = "int8 and int4: the numbers of another ONNX Runtime differ where it has other kernels."


def record_all(record: Record, client: str, requirement: str, tasks: list[str], note: str = "") -> None:
    """A row for each task and precision."""
    for task in tasks:
        for precision in PRECISIONS:
            record(Row(client, version_of(requirement), task, _BUNDLE, precision, True, True, note))


def test_optimum(built_once: BuiltOnce, record: Record) -> None:
    python = python_client("optimum", [OPTIMUM, SENTENCE_TRANSFORMERS], shared=True)
    repositories = [HubRepository(task, built_once) for task in _OPTIMUM]
    folders = [{**one.request(file_names()), "class": _OPTIMUM[one.task]} for one in repositories]
    found = run_client(python, SCRIPTS / "run_optimum.py", {"folders": folders})
    assert found["version"] == version_of(OPTIMUM)
    for repository, folder in zip(repositories, found["folders"], strict=True):
        # its class for embeddings returns the vectors of the tokens only
        repository.check(folder, lacks="pooler_output" if repository.task == "feature-extraction" else "")
    record_all(record, "optimum-onnx", OPTIMUM, [*_OPTIMUM])


def test_sentence_transformers(built_once: BuiltOnce, record: Record) -> None:
    python = python_client("optimum", [OPTIMUM, SENTENCE_TRANSFORMERS], shared=True)
    repository = HubRepository("feature-extraction", built_once)
    texts = [text for (text, *_) in TEXTS]
    files = {precision: f"onnx/{name}" for precision, name in file_names().items()}
    request = {"path": str(repository.path), "texts": texts, "files": [*files.values()]}
    found = run_client(python, SCRIPTS / "run_sentence_transformers.py", request)
    assert found["version"] == version_of(SENTENCE_TRANSFORMERS)
    for precision, file in files.items():
        session = albert_runtime.load(repository.path, precision=precision)
        expected = np.array([session(text).vector for text in texts])
        np.testing.assert_allclose(found["vectors"][file], expected, atol=TOLERANCE[precision] / 10, err_msg=precision)
    note = "It pools by the mean, and so does our runtime with this bundle."
    record_all(record, "sentence-transformers", SENTENCE_TRANSFORMERS, ["feature-extraction"], note)


@pytest.mark.node
def test_transformers_js(built_once: BuiltOnce, record: Record, tmp_path: Path) -> None:
    node = node_client("transformers-js", [TRANSFORMERS_JS])
    repositories = [HubRepository(task, built_once) for task in _TRANSFORMERS_JS]
    for one in repositories:
        shutil.copytree(one.path, tmp_path / one.path.name)
    folders = [{**one.request(_DTYPES), "class": _TRANSFORMERS_JS[one.task]} for one in repositories]
    found = run_client(node, SCRIPTS / "run_transformers_js.mjs", {"root": f"{tmp_path}/", "folders": folders})
    assert found["version"] == version_of(TRANSFORMERS_JS)
    for repository, folder in zip(repositories, found["folders"], strict=True):
        repository.check(folder)
    record_all(record, "transformers.js", TRANSFORMERS_JS, [*_TRANSFORMERS_JS], _INTEGER_NOTE)

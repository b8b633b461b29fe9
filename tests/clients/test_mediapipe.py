"""MediaPipe's TextClassifier and TextEmbedder, in Python and in the browser, answer from bundles of their target."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import albert_runtime
from albert_converters.tflite.model import dumps
from albert_converters.tflite.task_library_metadata import add_task_library_metadata
from albert_converters.tflite.task_library_tokenizer import sentencepiece_tokenizer
from albert_converters.tflite.text_library import MEDIAPIPE as LIBRARY
from albert_export.demos import demo_checkpoint, demo_examples
from albert_export.export.packed_tokenizer import library_ids
from albert_export.targets import PRECISIONS
from albert_runtime import AlbertTokenizer
from albert_runtime.tasks import TASKS
from tests.clients.environments import SCRIPTS, node_client, python_client, run_client
from tests.clients.rows import Record, Row
from tests.clients.versions import MEDIAPIPE, MEDIAPIPE_WEB, version_of
from tests.conftest import VOCABULARY, BuiltOnce, DemoBundleOf
from tests.shared_data import all_texts
from tests.tiny_tflite import ids_as_floats
from tools.page.browser import served

pytestmark = [pytest.mark.clients, pytest.mark.slow]

#: the largest difference of a score or of a number of a vector, in fp32 and fp16; integers are rounded alike
_TOLERANCE = 1e-5
_CASES = [(task, precision) for task in ("text-classification", "feature-extraction") for precision in PRECISIONS]
_LENGTH = 128


@pytest.fixture
def bundles(built_once: BuiltOnce) -> list[Path]:
    """The bundle of each case."""
    from albert_export.export import export_tflite

    def export(task: str, precision: str, folder: Path) -> None:
        drop = 5 if precision.startswith("int") else None  # the demos are so small that they lose a few answers
        checkpoint = demo_checkpoint(task)
        export_tflite(checkpoint, folder, task=task, target="mediapipe", precision=precision, max_drop=drop)

    return [
        built_once(f"mediapipe-{task}-{precision}", lambda folder, case=(task, precision): export(*case, folder))
        for task, precision in _CASES
    ]


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """A page with the npm package, in Chromium, and the folder that it is served from."""
    package = node_client("mediapipe-tasks-text", [MEDIAPIPE_WEB]) / "node_modules" / "@mediapipe" / "tasks-text"
    site = tmp_path / "site"
    site.mkdir()
    (site / "tasks-text").symlink_to(package)
    shutil.copy(SCRIPTS / "mediapipe.html", site / "index.html")
    with served(site) as address:
        opened = browser.new_page()
        opened.goto(address)
        opened.wait_for_function("globalThis.answer !== undefined")
        yield opened, site
        opened.close()


def texts_of(task: str) -> list[str]:
    return [example.inputs["text"] for example in demo_examples(task)]


def largest_difference(task: str, bundle: Path, answers: list[Any]) -> float:
    """Between the scores, or the numbers of the vectors, of a client and of the runtime; the labels are the same."""
    session = albert_runtime.load(bundle)
    largest = 0.0
    for text, got in zip(texts_of(task), answers, strict=True):
        if task == "feature-extraction":
            pairs = zip(session(text).vector.tolist(), got, strict=True)
        else:
            wanted = [(label.label, label.score) for label in session(text)]
            assert [name for name, _ in got] == [name for name, _ in wanted]
            pairs = zip((score for _, score in wanted), (score for _, score in got), strict=True)
        largest = max([largest, *(abs(ours - theirs) for ours, theirs in pairs)])
    return largest


def test_python(bundles: list[Path], demo_bundle_of: DemoBundleOf, record: Record) -> None:
    python = python_client("mediapipe", [MEDIAPIPE], shared=False)
    files = [str(bundle / "model.tflite") for bundle in bundles]
    jobs = [
        {"task": task, "file": file, "texts": texts_of(task)} for (task, _), file in zip(_CASES, files, strict=True)
    ]
    loop = demo_bundle_of("tflite", "text-classification", "fp32")
    jobs.append({"task": "text-classification", "file": str(loop / "model.tflite"), "texts": ["A film."]})
    asked = run_client(python, SCRIPTS / "run_mediapipe.py", {"jobs": jobs})
    version = version_of(MEDIAPIPE)
    assert asked["version"] == version
    *found, refused = asked["found"]
    for (task, precision), bundle, one in zip(_CASES, bundles, found, strict=True):
        assert largest_difference(task, bundle, one["answers"]) <= _TOLERANCE, (task, precision)
        note = f"Numbers differ by less than {_TOLERANCE}."
        record(Row("MediaPipe (Python)", version, task, "tflite, target mediapipe", precision, True, True, note))
    assert "assumed to have a single subgraph" in refused["error"]
    note = 'It says "assumed to have a single subgraph"; export with --target mediapipe.'
    record(Row("MediaPipe (Python)", version, "text-classification", "tflite", "fp32", False, None, note))


@pytest.mark.browser
def test_npm(bundles: list[Path], page: Any, record: Record) -> None:
    opened, site = page
    for (task, precision), bundle in zip(_CASES, bundles, strict=True):
        name = f"{task}-{precision}.tflite"
        (site / name).symlink_to(bundle / "model.tflite")
        got = opened.evaluate("job => answer(job)", {"task": task, "file": name, "texts": texts_of(task)})
        assert "error" not in got, (task, precision, got)
        limit = _TOLERANCE if precision in ("fp32", "fp16") else 0.05
        assert largest_difference(task, bundle, got["answers"]) <= limit, (task, precision)
        note = f"In Chromium with WebAssembly. Numbers differ by less than {limit}."
        version = version_of(MEDIAPIPE_WEB)
        record(Row("MediaPipe (npm)", version, task, "tflite, target mediapipe", precision, True, True, note))


def test_token_ids_are_those_that_the_export_expects(tmp_path: Path) -> None:
    """On texts of the test data: an export says by the same rules how many texts get other ids."""
    texts = [text for found in all_texts().values() for text in found[:60]]
    assert len(texts) > 500
    tokenizer = AlbertTokenizer(VOCABULARY)
    file = tmp_path / "ids.tflite"
    content = add_task_library_metadata(
        dumps(ids_as_floats("last_hidden_state", length=_LENGTH)),
        task=TASKS["feature-extraction"],
        tokenizer=sentencepiece_tokenizer(VOCABULARY.read_bytes()),
        labels=(),
        name="",
        description="",
        version="",
        library=LIBRARY,
    )
    file.write_bytes(content)
    python = python_client("mediapipe", [MEDIAPIPE], shared=False)
    job = {"task": "feature-extraction", "file": str(file), "texts": texts}
    [found] = run_client(python, SCRIPTS / "run_mediapipe.py", {"jobs": [job]})["found"]
    expected = library_ids(tokenizer)
    for text, got in zip(texts, found["answers"], strict=True):
        ids = tokenizer.build_inputs_with_special_tokens(expected(text)[: _LENGTH - 2])
        assert got == ids + [0] * (_LENGTH - len(ids)), text

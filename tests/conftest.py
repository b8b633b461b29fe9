"""Tiny random ALBERTs, bundles of them and of the demos: each is built once in a test run, if a test asks for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from albert_runtime.tasks import TASKS
from tools.page.browser import FLAGS

pytest_plugins = ["tests.clients.pytest_plugin"]
# No test asks the Hugging Face hub; those of `tests/albert_export/hub` ask a stub, from processes of their own.
os.environ["HF_HUB_OFFLINE"] = "1"
# No test writes into the cache of whoever runs it; those of the cache set another folder.
os.environ["ALBERT_CACHE"] = "off"

VOCABULARY = Path(__file__).parent / "fixtures" / "albert" / "spiece.model"
TINY = {
    "vocab_size": 30000,
    "embedding_size": 8,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 48,
    "num_hidden_layers": 3,
    "initializer_range": 0.3,
}

#: an address that is this machine, and for which browsers give no secure context, as in a home network
INSECURE_HOST = "phone.test"

CheckpointOf = Callable[[str], Path]
StaticDemoOf = Callable[[str], Path]
DemoBundleOf = Callable[[str, str, str], Path]
BuiltOnce = Callable[[str, Callable[[Path], object]], Path]


#: what exports models, trains them or runs TensorFlow: `make quick` leaves it out
_EXPORTING_TESTS = (
    "albert_export/export/",
    "albert_export/languages/test_exports.py",
    "albert_export/reference/",
    "converters/onnx/export/",
    "converters/tflite/test_convert.py",
    "parity/",
    "test_demo_bundles.py",
    "tools/",
)
_EXPORTING_FIXTURES = {"tflite_bundle_of", "demo_bundle_of"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the marker `export` to the tests of the folders and fixtures above."""
    for item in items:
        path = item.path.relative_to(Path(__file__).parent).as_posix()
        exports = path.startswith(_EXPORTING_TESTS) or _EXPORTING_FIXTURES & set(getattr(item, "fixturenames", ()))
        if exports:
            item.add_marker("export")


def save_tiny(folder: Path, task: str, *, head: str = "", **options: object) -> Path:
    """Saves a random tiny checkpoint for `task`, with its vocabulary, into `folder`; see `Task.head` for `head`."""
    import torch

    import albert_export
    from albert_export.config import AlbertConfig

    architecture = TASKS[task].with_head(head).architecture
    model_class = getattr(albert_export, architecture)
    torch.manual_seed(len(task))
    model_class(AlbertConfig(**{**TINY, **options})).save_pretrained(folder)
    shutil.copy(VOCABULARY, folder)
    return folder


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> BuiltOnce:
    """A function that makes a folder once in a test run, however many workers of pytest-xdist need it."""
    base = tmp_path_factory.getbasetemp()
    # Every worker has its own folder inside the folder of the run.
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "built-once"
    shared.mkdir(exist_ok=True)

    def build(name: str, make: Callable[[Path], object]) -> Path:
        # If `make` fails, the incomplete folder is not where others look for it. It has the final name already,
        # because bundles are named after the folder of their checkpoint.
        folder, incomplete = shared / name, shared / "incomplete" / name
        for path in (folder, incomplete):
            path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(shared / f"{name}.lock"):
            if not folder.is_dir():
                shutil.rmtree(incomplete, ignore_errors=True)
                make(incomplete)
                incomplete.rename(folder)
        return folder

    return build


@pytest.fixture(scope="session")
def checkpoint_of(built_once: BuiltOnce) -> CheckpointOf:
    """A function of the task: the folder of a tiny random checkpoint. Tests share it and must not write into it."""
    return lambda task: built_once(f"checkpoint/{task}", lambda folder: save_tiny(folder, task))


@pytest.fixture(scope="session")
def bundle_of(built_once: BuiltOnce, checkpoint_of: CheckpointOf) -> CheckpointOf:
    """A function of the task: the ONNX bundle of `checkpoint_of`. Tests share it and must not write into it."""

    def make(task: str) -> Path:
        from albert_export.export import export_onnx

        return built_once(f"onnx/{task}", lambda folder: export_onnx(checkpoint_of(task), folder))

    return make


@pytest.fixture(scope="session")
def tflite_bundle_of(built_once: BuiltOnce, checkpoint_of: CheckpointOf) -> CheckpointOf:
    """A function of the task: the fp32 TFLite bundle of `checkpoint_of`. Tests share it and must not write into it."""

    def make(task: str) -> Path:
        from albert_export.export import export_tflite

        return built_once(f"tflite/{task}", lambda folder: export_tflite(checkpoint_of(task), folder, precision="fp32"))

    return make


@pytest.fixture(scope="session")
def static_demo_of(built_once: BuiltOnce) -> StaticDemoOf:
    """A function of the task: the fp32 ONNX bundle of its demo, for sequences of exactly 64 tokens. Tests share it."""

    def make(task: str) -> Path:
        from albert_export.demos import demo_checkpoint
        from albert_export.export import export_onnx

        return built_once(
            f"demo-onnx-{task}-64",
            lambda folder: export_onnx(demo_checkpoint(task), folder, task=task, sequence_length=64),
        )

    return make


@pytest.fixture(scope="session")
def demo_bundle_of(built_once: BuiltOnce) -> DemoBundleOf:
    """A function of format ("onnx" or "tflite"), task and precision: the bundle of the task's demo. Tests share it."""

    def make(model_format: str, task: str, precision: str) -> Path:
        from albert_export.demos import demo_checkpoint
        from albert_export.export import export_onnx, export_tflite

        export = export_onnx if model_format == "onnx" else export_tflite
        # The accuracy check uses texts that the demos were not trained for. There, such small models lose some answers
        # to 4 bits and to static ranges; the one for text classification keeps the default budget.
        lossy = model_format == "tflite" and precision in ("int4", "int8-static") and task != "text-classification"
        max_drop = 5 if lossy else None
        return built_once(
            f"demo-{model_format}-{task}-{precision}",
            lambda folder: export(demo_checkpoint(task), folder, task=task, precision=precision, max_drop=max_drop),
        )

    return make


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium, for all tests of a worker: Playwright can't be started twice in a process."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with playwright.sync_playwright() as started:
        resolver = f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1"
        chromium = started.chromium.launch(executable_path=program, args=[*FLAGS, resolver])
        yield chromium
        chromium.close()

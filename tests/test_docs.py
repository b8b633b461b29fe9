"""The documentation names files that exist, and leaves out no task, precision or engine."""

from __future__ import annotations

import re

import pytest

import albert_runtime.cli
from albert_export.cli.main import main
from albert_export.export import ONNX_PRECISIONS
from albert_export.targets import PRECISIONS
from albert_runtime.engines import _ENGINES
from albert_runtime.tasks import TASKS
from tests.docs.blocks import PAGES, ROOT

#: the folders that a path on a page may begin in
SOURCE_ROOTS = ("", "albert_export", "converters", "converters/albert_converters", "runtime", "runtime/albert_runtime")

_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
#: a path with a folder, to a file of a kind that the repository holds
_PATH = re.compile(r"[\w.-]+(/[\w.-]+)*/[\w.-]+\.(py|md|toml|txt|svg)")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose_of(page: str) -> str:
    """The text of a page without its blocks of code."""
    return _FENCE.sub("", text_of(page))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    targets = [target for target in _LINK.findall(prose_of(page)) if "://" not in target and not target.startswith("#")]
    assert [target for target in targets if not (ROOT / page).parent.joinpath(target.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_paths_of_the_repository_exist(page: str) -> None:
    words = [word.partition("::")[0] for code in _CODE.findall(prose_of(page)) for word in code.split()]
    paths = [word for word in words if _PATH.fullmatch(word)]
    assert [path for path in paths if not any((ROOT / root / path).exists() for root in SOURCE_ROOTS)] == []


@pytest.mark.parametrize("page", ["docs/bundles.md", "docs/embedding.md", "runtime/README.md"])
def test_every_task_is_documented(page: str) -> None:
    assert [task for task in TASKS if f"| {task} " not in text_of(page)] == []


def test_the_readme_names_every_task() -> None:
    names = {task.name: (task.name, *task.aliases) for task in TASKS.values()}
    shown = set(_CODE.findall(text_of("README.md")))
    assert [task for task, known in names.items() if not shown & set(known)] == []


@pytest.mark.parametrize(
    ("command", "precisions", "page"),
    [("onnx", ONNX_PRECISIONS, "docs/quantization.md"), ("tflite", PRECISIONS, "docs/tflite.md")],
)
def test_every_precision_is_documented(
    command: str, precisions: tuple[str, ...], page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"[{'|'.join(precisions)}]" in shown
    for text in (shown, text_of(page), text_of("README.md"), text_of("docs/bundles.md")):
        assert [precision for precision in precisions if not re.search(rf"\b{precision}(?![\w-])", text)] == []


def test_every_engine_is_documented(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "500")  # narrower help would break lines within names
    with pytest.raises(SystemExit):
        albert_runtime.cli.main(["--help"])
    shown, table, extras = capsys.readouterr().out, text_of("runtime/README.md"), text_of("runtime/pyproject.toml")
    assert [name for name in _ENGINES if not re.search(rf" {name}[ ,]", shown)] == []
    assert [name for name in _ENGINES if f"| `{name}` |" not in table] == []
    installed_by = [extra for kind in _ENGINES.values() for extra in re.findall(r"albert-runtime\[(.+?)\]", kind.pip)]
    assert [extra for extra in installed_by if f"\n{extra} = [" not in extras] == []

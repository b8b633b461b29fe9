"""The architecture: imports point one way, importing a package loads little, and the public names exist."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import albert_export
import albert_runtime

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "tensorflow", "transformers", "onnx", "onnxruntime", "safetensors", "rich")


def modules_after(statement: str) -> set[str]:
    """The top-level modules that `statement` loads in a new interpreter."""
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "statement",
    [
        "import albert_export",
        "import albert_runtime",
        "from albert_export.cli.main import main",
        "from albert_export import AlbertConfig",
    ],
)
def test_imports_load_no_heavy_package(statement: str) -> None:
    assert not modules_after(statement) & set(HEAVY)


def test_the_runtime_loads_no_training_library() -> None:
    names = [path.stem for path in (ROOT / "runtime" / "albert_runtime").glob("*.py") if path.stem != "__main__"]
    statement = "; ".join(f"import albert_runtime.{name}" for name in names if not name.startswith("__"))
    loaded = modules_after(statement + "; import albert_runtime.engines.onnx_engine")
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "tensorflow", "transformers", "onnx", "safetensors", "click", "rich"}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    sources = (folder, folder / "converters", folder / "runtime")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources))}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)


def test_imports_follow_the_layers() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "statement", "broken"),
    [
        ("converters/albert_converters/onnx/names.py", "import albert_export.config", "imports point one way only"),
        ("runtime/albert_runtime/windows.py", "import onnx", "the runtime is thin"),
        ("albert_export/config.py", "import albert_export.export.pipeline", "layers inside albert_export"),
        ("runtime/albert_runtime/tasks.py", "import albert_runtime.session", "layers inside albert_runtime"),
        ("converters/albert_converters/extras.py", "import albert_converters.onnx.names", "layers inside albert_conv"),
        ("albert_export/evaluation/datasets/parsing.py", "import albert_export.evaluation.evaluator", "no import cycl"),
    ],
)
def test_a_planted_violation_is_found(module: str, statement: str, broken: str, tmp_path: Path) -> None:
    for folder in ("albert_export", "converters", "runtime"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("demos", "__pycache__"))
    (tmp_path / "albert_export" / "demos").mkdir()
    shutil.copy(ROOT / "albert_export" / "demos" / "__init__.py", tmp_path / "albert_export" / "demos")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n\n{statement}\n")
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    assert re.search(rf"{broken}.* BROKEN", done.stdout), done.stdout


def test_files_are_short() -> None:
    """A file is about one noun: in 350 lines there is room for that."""
    folders = ("albert_export", "converters", "runtime", "tests", "tools")
    lengths = {
        file: len(file.read_text("utf-8").splitlines()) for name in folders for file in (ROOT / name).rglob("*.py")
    }
    assert {str(file): length for file, length in lengths.items() if length > 350} == {}


@pytest.mark.parametrize("package", [albert_export, albert_runtime])
def test_public_names_are_sorted_and_exist(package: object) -> None:
    names = package.__all__  # type: ignore[attr-defined]
    assert names == sorted(names)
    for name in names:
        assert getattr(package, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="AlbertForNothing"):
        albert_export.AlbertForNothing  # noqa: B018


def test_names_that_the_readme_imports_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert blocks
    for block in map(ast.parse, blocks):
        for statement in ast.walk(block):
            if isinstance(statement, ast.Import):
                for name in statement.names:
                    import_module(name.name)
            elif isinstance(statement, ast.ImportFrom):
                module = import_module(str(statement.module))
                assert [name.name for name in statement.names if not hasattr(module, name.name)] == []

"""The architecture: imports point one way, importing a package loads little, and the public names exist."""

from __future__ import annotations

import ast
import re
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


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout


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

"""Runs the blocks of a page, in their order, in the current folder: `python run_blocks.py BLOCKS.json`.

The Python blocks share a namespace. Shell blocks run with `bash -e`. Code that a contributor writes into a file of the
repository runs in the namespace of that module, as if it stood at its end: rows of a table are added to the table, and
tests are run.
"""

from __future__ import annotations
import __future__

import importlib
import importlib.util
import json
import subprocess
import sys
import traceback
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
#: where the names of modules begin
_SOURCE_ROOTS = ("converters/", "runtime/")
#: Packages that the tests do not install. A block that imports one where it is missing is only compiled.
NOT_INSTALLED = ("fastapi", "mediapipe", "openvino", "pyspark", "ray", "sentence_transformers")


def main(file: Path) -> int:
    """Run the blocks in `file`; returns 1 after the first one that fails."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in json.loads(file.read_text(encoding="utf-8")):
        print(f"--- {block['page']}:{block['line']}", flush=True)
        try:
            if block["language"] == "sh":
                subprocess.run(["bash", "-e", "-c", block["text"]], check=True)
            elif block["file"]:
                _run_in_module(block)
            else:
                code = _compiled(block)
                if not _needs_what_is_missing(block["text"]):
                    exec(code, namespace)
        except Exception:
            traceback.print_exc()
            return 1
    return 0


def _compiled(block: dict[str, Any], text: str | None = None, mode: str = "exec") -> Any:
    """The code of the block, with the lines of its page, so that a traceback shows them."""
    source = "\n" * (block["line"] - 1) + (block["text"] if text is None else text)
    flags = __future__.annotations.compiler_flag if block["file"] else 0
    return compile(source, str(ROOT / block["page"]), mode, flags=flags, dont_inherit=True)


def _needs_what_is_missing(text: str) -> bool:
    return any(
        (f"import {name}" in text or f"from {name}" in text) and importlib.util.find_spec(name) is None
        for name in NOT_INSTALLED
    )


def _run_in_module(block: dict[str, Any]) -> None:
    module = _module(block["file"])
    if block["table"]:
        rows = eval(_compiled(block, f"{{{block['text']}}}", "eval"), vars(module))
        getattr(module, block["table"]).update(rows)
        return
    before = dict(vars(module))
    exec(_compiled(block), vars(module))
    for name, value in list(vars(module).items()):
        if name.startswith("test_") and isinstance(value, FunctionType) and value is not before.get(name):
            _run_test(value)


def _module(file: str) -> ModuleType:
    """The module of a file of the repository; a file that does not exist yet is an empty module."""
    name = file.removesuffix(".py")
    for root in _SOURCE_ROOTS:
        name = name.removeprefix(root)
    name = name.replace("/", ".").removesuffix(".__init__")
    if (ROOT / file).is_file() or name in sys.modules:
        return importlib.import_module(name)
    if not (ROOT / file).parent.is_dir():
        raise FileNotFoundError(f"{file}: there is no such folder")
    module = sys.modules[name] = ModuleType(name)
    return module


def _run_test(test: FunctionType) -> None:
    """Run a test that has at most one parameter."""
    marks = getattr(test, "pytestmark", [])
    if not marks:
        test()
        return
    (mark,) = marks
    for value in mark.args[1]:
        test(value)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

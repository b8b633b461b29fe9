"""Every block of Python and shell on the pages of the documentation runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.conftest import BuiltOnce, DemoBundleOf
from tests.docs.assumed import prepare
from tests.docs.blocks import PAGES, ROOT, RUN, Block, blocks_of
from tests.docs.run_blocks import NOT_INSTALLED
from tests.docs.shell_lines import CHECKED, SLOW_TOOLS, runnable

_DRIVER = Path(__file__).with_name("run_blocks.py")
_WITH_BLOCKS = [page for page in PAGES if any(block.language in RUN for block in blocks_of(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", _WITH_BLOCKS)
def test_the_blocks_of_a_page_run(
    page: str, tmp_path: Path, demo_bundle_of: DemoBundleOf, built_once: BuiltOnce
) -> None:
    folder = tmp_path / "current"
    folder.mkdir()
    prepare(page, folder, demo_bundle_of, built_once)
    blocks = [_to_run(block) for block in blocks_of(page) if block.language in RUN]
    (tmp_path / "blocks.json").write_text(json.dumps(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(_DRIVER), str(tmp_path / "blocks.json")],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("--- ") >= len(blocks)


def _to_run(block: Block) -> dict[str, object]:
    text = runnable(block.text) if block.language == "sh" else block.text
    return {**asdict(block), "file": block.file, "table": block.table, "text": text}


def _environment() -> dict[str, str]:
    sources = (ROOT, ROOT / "converters", ROOT / "runtime")
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([*map(str, sources), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "OMP_NUM_THREADS": "1",
        # transformers does not work with the Keras 3 that the tests install, and would try
        "USE_TF": "0",
    }


def test_json_on_pages_is_valid() -> None:
    for page in PAGES:
        for block in (one for one in blocks_of(page) if one.language == "json"):
            for line in block.text.splitlines():
                json.loads(line)


def test_few_blocks_need_what_the_tests_do_not_install() -> None:
    """These blocks are only compiled, unless somebody has installed the package."""
    pattern = re.compile(rf"^ *(?:import|from) ({'|'.join(NOT_INSTALLED)})\b", re.MULTILINE)
    found = {(page, name) for page in PAGES for block in blocks_of(page) for name in pattern.findall(block.text)}
    assert found <= {
        ("docs/beyond-one-machine.md", "pyspark"),
        ("docs/beyond-one-machine.md", "ray"),
        ("docs/clients.md", "openvino"),
        ("docs/coming-from-pipelines.md", "sentence_transformers"),
        ("docs/tflite.md", "mediapipe"),
    }


def test_little_is_checked_instead_of_run() -> None:
    """A longer list needs a good reason beside each entry."""
    not_run = {*CHECKED} - {("python", "-m", tool) for tool in SLOW_TOOLS}
    # `web` builds a page with npm; tests/albert_export/web runs it.
    assert not_run == {("pip", "install"), ("make",), ("scp",), ("python", "-m", "pytest"), ("albert-export", "web")}
    assert all(SLOW_TOOLS.values())
    assert len(SLOW_TOOLS) <= 4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("pip install -e '.[onxx]'", "no extra onxx"),
        ("pip install 'albert-runtime[evaluate]'", "no extra evaluate"),
        ("pip install albert-exprot", "no such package"),
        ("make demos", "no demos"),
        ("make demo PIP_ARG=x", "no PIP_ARG"),
        ("python -m pytest -q tests/no_such_folder", "not all of these paths exist"),
        ("python -m pytest -q", "not all of these paths exist"),
        ("scp my-bundle there", "write it as"),
    ],
)
def test_a_wrong_line_that_is_not_run_is_found(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        runnable(f"true\n{line}\n")


def test_other_lines_are_run_as_they_are() -> None:
    script = "albert-export run x \\\n  --json | head -1\nmake check  # lint\ncat <<'END'\nthat's it\nEND"
    assert runnable(script) == "albert-export run x --json | head -1\n:\ncat <<'END'\nthat's it\nEND"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Text:\n\n    make test\n", "only indented"),
        ("```\nmake test\n```\n", "is not one of"),
        ("```bash\nmake test\n```\n", "is not one of"),
        ("```python noqa\n1\n```\n", "is not one of"),
    ],
)
def test_no_block_escapes(text: str, message: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        blocks_of(str(page))

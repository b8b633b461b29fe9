"""The packed npm package can be imported and required, and the code in its documentation fits its types."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.runtime_js.javascript_package import PACKAGE, needs, node

pytestmark = [pytest.mark.node, pytest.mark.slow]

_ROOT = PACKAGE.parents[1]
_NAMES = [
    "load",
    "QuestionAnsweringSession",
    "ZeroShotClassifier",
    "onnxWeb",
    "onnxNode",
    "liteRt",
    "UsageError",
    "toDict",
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder whose `node_modules` has the packed package, and the engines that it may use."""
    node()
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is absent; install Node with npm")
    command = [npm, "pack", "--ignore-scripts", "--pack-destination", str(tmp_path)]
    subprocess.run(command, cwd=PACKAGE, check=True, capture_output=True)
    (archive,) = tmp_path.glob("albert-runtime-*.tgz")
    modules = tmp_path / "node_modules"
    shutil.unpack_archive(archive, modules, "gztar")
    (modules / "package").rename(modules / "albert-runtime")
    for name in ("onnxruntime-web", "onnxruntime-common", "@types"):
        needs(name)
        (modules / name).symlink_to(PACKAGE / "node_modules" / name)
    return tmp_path


def test_import_and_require_give_the_same_names(project: Path) -> None:
    (project / "imported.mjs").write_text(
        'import * as runtime from "albert-runtime";\nconsole.log(JSON.stringify(Object.keys(runtime).sort()));\n'
    )
    (project / "required.cjs").write_text(
        'const runtime = require("albert-runtime");\nconsole.log(JSON.stringify(Object.keys(runtime).sort()));\n'
    )
    found = []
    for script in ("imported.mjs", "required.cjs"):
        done = subprocess.run([node(), script], cwd=project, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        found.append([name for name in json.loads(done.stdout) if name != "default"])
    assert found[0] == found[1]
    assert set(_NAMES) <= set(found[0])


def test_the_code_in_the_documentation_fits_the_types(project: Path) -> None:
    needs("typescript")
    blocks = [
        block
        for page in (PACKAGE / "README.md", _ROOT / "docs" / "javascript.md")
        for block in re.findall(r"^```ts\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    ]
    assert len(blocks) >= 5
    for number, block in enumerate(blocks):
        (project / f"block{number}.ts").write_text(block + "export {};\n", "utf-8")
    (project / "wrong.ts").write_text('import { load } from "albert-runtime";\nload(7);\nexport {};\n')
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"]
    compiler = [node(), str(PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"), *options, "--skipLibCheck"]
    files = [f"block{number}.ts" for number in range(len(blocks))]
    done = subprocess.run([*compiler, *files], cwd=project, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    # The check itself notices what does not fit.
    done = subprocess.run([*compiler, "wrong.ts"], cwd=project, capture_output=True, text=True, timeout=300)
    assert "wrong.ts(2,6)" in done.stdout

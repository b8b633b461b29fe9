"""Sessions whose graph comes from the cache: with other users, at once in several processes, and after a fork."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import albert_runtime
from albert_converters.packed_writer import pack_bundle
from albert_runtime.bundle import open_bundle
from albert_runtime.errors import BundleError
from albert_runtime.self_test import make_self_test
from tests.runtime.cache_files import entries
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph

REQUEST = ("where is the tower", "the tower stands in paris")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle with a self-test."""
    graph = question_answering_graph()
    plain = make_bundle(tmp_path / "qa", "question-answering", model=graph)
    inputs = dict(zip(("question", "context"), REQUEST, strict=True))
    vector = make_self_test(albert_runtime.load(plain), inputs, 1e-5)
    return make_bundle(tmp_path / "qa", "question-answering", model=graph, self_test=(vector,))


def test_sessions_use_it_only_if_they_verify(cache: Path, bundle: Path, tmp_path: Path) -> None:
    assert albert_runtime.clear_cache() == 1
    plain = albert_runtime.load(bundle, verify=False)
    assert entries(cache) == []
    for path in (bundle, bundle, pack_bundle(bundle, tmp_path / "qa.albert")):
        session = albert_runtime.load(path)
        assert session.engine.is_stored  # type: ignore[attr-defined]
        assert session(*REQUEST) == plain(*REQUEST)
    assert len(entries(cache)) == 1  # the same model, packed or not


def test_a_stored_graph_with_other_answers_is_not_used(
    cache: Path, bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = albert_runtime.load(bundle)(*REQUEST)
    [file] = entries(cache)
    other = make_bundle(tmp_path / "other", "question-answering", model=question_answering_graph(seed=9))
    albert_runtime.load(other)
    [wrong] = set(entries(cache)) - {file}
    shutil.copy(wrong, file)
    session = albert_runtime.load(bundle)
    assert "albert_runtime.clear_cache()" in caplog.text
    assert not session.engine.is_stored  # type: ignore[attr-defined]
    assert session(*REQUEST) == expected


def test_a_damaged_model_is_refused_although_its_graph_is_stored(cache: Path, bundle: Path) -> None:
    albert_runtime.load(bundle)
    file = bundle / "model.onnx"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleError, match="is not the file that was exported"):
        albert_runtime.load(bundle)
    with pytest.raises(BundleError, match="is not the file that was exported"):
        open_bundle(bundle, for_engine=True).finish_check()


def test_processes_that_store_at_once(cache: Path, bundle: Path) -> None:
    script = (
        "import sys, albert_runtime\nsys.stdin.read()\n"
        f"session = albert_runtime.load({str(bundle)!r})\nprint(session(*{REQUEST!r}).text, session.engine.is_stored)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for one in processes:
        assert one.stdin is not None
        one.stdin.close()  # now all of them begin
    for one in processes:
        assert one.stdout is not None
        assert one.stdout.read().split()[-1] == "True"
        assert one.wait() == 0
        one.stdout.close()
    assert len(entries(cache)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_loads_the_stored_graph(cache: Path, bundle: Path) -> None:
    script = (
        "import os, albert_runtime\n"
        f"session = albert_runtime.load({str(bundle)!r}, threads=2)\nrequest = {REQUEST!r}\n"
        "expected = session(*request)\nchild = os.fork()\n"
        "if not child:\n    os._exit(0 if session(*request) == expected and session.engine.is_stored else 1)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\nassert session(*request) == expected"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    assert len(entries(cache)) == 1


@pytest.mark.skipif(shutil.which("setpriv") is None or not hasattr(os, "geteuid"), reason="needs setpriv")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize("owner_reads", [False, True])
def test_another_user_without_permission(tmp_path: Path, owner_reads: bool) -> None:
    """The folder belongs to root: nobody else can write to it, but what root has stored may be read."""
    lent = Path("/tmp") / f"albert-{os.getpid()}-{owner_reads}"  # other users can't look into pytest's folders
    try:
        bundle = make_bundle(lent / "bundle", "question-answering", model=question_answering_graph())
        (lent / "cache").mkdir()
        lent.chmod(0o755)
        script = (
            "import albert_runtime, logging; logging.basicConfig(level=logging.DEBUG)\n"
            f"session = albert_runtime.load({str(bundle)!r})\n"
            f"print(session(*{REQUEST!r}).text, session.engine.is_stored)"
        )
        environment = {**os.environ, "ALBERT_CACHE": str(lent / "cache")}
        if owner_reads:
            subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True)
            for file in entries(lent / "cache"):
                file.chmod(0o644)
        command = ["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if "ModuleNotFoundError" in done.stderr or "Permission" in done.stderr.split("albert_runtime:")[0]:
            pytest.skip("another user can't read this installation")
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[-1] == str(owner_reads)
        assert len(entries(lent / "cache")) == owner_reads
    finally:
        shutil.rmtree(lent, ignore_errors=True)

"""An engine in a forked child: it loads its file again, and never waits for threads that exist only in the parent."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.runtime.lookup_graph import lookup_graph
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

#: what each script begins with: a session that has answered, and `run`, which calls a function in a forked child
_BEGIN = """
import os, pathlib, sys, threading, time
import albert_runtime

folder = pathlib.Path(sys.argv[1])
session = albert_runtime.load(folder, threads=2)
request = ("the tower", "the tower stands in paris")[: 2 if session.task == "question-answering" else 1]
expected = session(*request)
assert session(*request) == expected

def run(function, leave):
    sys.stdout.flush()
    child = os.fork()
    if not child:
        code = 1
        try:
            function()
            code = 0
        finally:
            leave(code)
    for _ in range(100):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0, status
            return
        time.sleep(0.1)
    os.kill(child, 9)
    sys.exit("the child hangs")
"""

_ANSWERS = """
def answer():
    assert session(*request) == expected

def grandchild():
    answer()
    run(answer, os._exit)

run(answer, os._exit)
run(grandchild, os._exit)
run(answer, sys.exit)           # the interpreter ends in the usual way
run(lambda: None, sys.exit)     # the child never used the session

def close():
    global session
    del session

run(close, os._exit)
answer()
"""

_THREADS = """
def answer_forever():
    while True:
        session(*request)

for _ in range(3):
    threading.Thread(target=answer_forever, daemon=True).start()

def answer_in_threads():
    wrong = []
    def answer():
        if session(*request) != expected:
            wrong.append(1)
    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong

for _ in range(5):  # a fork at a moment when another thread runs the engine
    run(answer_in_threads, os._exit)
os._exit(0)
"""

_REPLACED = """
def answer():
    os.chdir("/")
    assert session(*request) == expected

os.chdir(folder.parent)
session = albert_runtime.load(folder.name, threads=2)
run(answer, os._exit)

model = session.bundle.model_file.absolute()
new = model.with_suffix(".new")
new.write_bytes(model.read_bytes())
new.rename(model)

def refuse():
    try:
        session(*request)
    except albert_runtime.BundleError as error:
        assert "has changed since it was loaded" in str(error)
    else:
        sys.exit("the child has loaded another file")

run(refuse, os._exit)
assert session(*request) == expected
"""


@pytest.fixture(params=["onnx", "litert"])
def bundle(request, tmp_path):
    if request.param == "onnx":
        return make_bundle(tmp_path / "bundle", "question-answering", model=question_answering_graph())
    graph = lookup_graph("text-classification", (-1, -1))
    return make_bundle(tmp_path / "bundle", "text-classification", model=graph, model_file="model.tflite")


@pytest.mark.parametrize("script", [_ANSWERS, _THREADS, _REPLACED], ids=["answers", "threads", "replaced"])
def test_in_a_forked_child(bundle, script):
    """The scripts run in a process of their own: one that has loaded other native libraries should not be forked."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _BEGIN + script, str(bundle)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""The service under load, overloaded, and stopped. It runs in an environment of its own, with FastAPI and uvicorn."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

import albert_runtime
from tests.conftest import CheckpointOf
from tests.virtual_environment import ROOT, build, new_environment
from tools.load_test import measure

pytestmark = pytest.mark.slow

WORDS = ("Paris", "Rome", "Berlin", "London")
REQUESTS = [
    {"question": "Where does Ada live?", "context": f"Ada lives in {word}. " + "She likes music. " * (number * 2)}
    for number, word in enumerate(WORDS)
]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("service")
    build(ROOT / "runtime", folder, "--wheel")
    (wheel,) = folder.glob("albert_runtime-*.whl")
    requirements = ["-c", str(ROOT / "constraints.txt"), f"{wheel}[onnx]", "fastapi", "uvicorn"]
    yield new_environment(folder / "venv", requirements, may_lack="fastapi")
    shutil.rmtree(folder / "venv")


@pytest.fixture
def bundle(bundle_of: CheckpointOf) -> Path:
    return bundle_of("question-answering")


@contextmanager
def service(python: str, bundle: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The URL and the process of a running service, which is killed in the end if it has not ended by itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [python, str(ROOT / "examples" / "serve.py"), str(bundle), "--port", str(port), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            if process.poll() is not None or get(f"{url}/health")[0] == 200:
                break
            time.sleep(0.2)
        assert process.poll() is None, process.stderr and process.stderr.read()
        yield url, process
    finally:
        process.kill()
        process.communicate()


def get(url: str, body: bytes | None = None) -> tuple[int, str]:
    """The status and the content of a response; 0 if there is no connection."""
    try:
        with urllib.request.urlopen(url, body, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def bodies() -> list[bytes]:
    return [json.dumps(request).encode() for request in REQUESTS]


def test_two_hundred_clients_get_the_answers_of_a_single_process(python: str, bundle: Path) -> None:
    session = albert_runtime.load(bundle)
    expected = {session(**request).text for request in REQUESTS}
    with service(python, bundle) as (url, _):
        report = asyncio.run(measure(f"{url}/answer", bodies(), clients=200, seconds=5, timeout=60))
        print(report.lines())
        assert not report.errors
        assert set(report.statuses) == {200}
        assert report.statuses[200] >= 200
        assert {json.loads(body)["answer"]["text"] for body in report.bodies} == expected
        status, metrics = get(f"{url}/metrics")
    assert status == 200
    assert f'albert_requests_total{{status="200"}} {report.statuses[200]}\n' in metrics
    assert f"albert_batched_requests_total {report.statuses[200]}\n" in metrics
    assert "albert_queue_length 0\n" in metrics


def test_overload_is_refused_and_nothing_hangs(python: str, bundle: Path) -> None:
    with service(python, bundle, "--queue", "4", "--batch", "1") as (url, _):
        report = asyncio.run(measure(f"{url}/answer", bodies(), clients=200, seconds=3, timeout=60))
        print(report.lines())
        assert not report.errors
        assert set(report.statuses) == {200, 503}
        assert get(f"{url}/health")[0] == 200
        assert get(f"{url}/answer", bodies()[0])[0] == 200


def test_a_stop_answers_what_it_has_taken(python: str, bundle: Path) -> None:
    slow = json.dumps({"question": "Where?", "context": "She likes music in Paris. " * 400}).encode()
    with service(python, bundle) as (url, process), ThreadPoolExecutor(20) as pool:
        responses = [pool.submit(get, f"{url}/answer", slow) for _ in range(20)]
        while "albert_queue_length 0\n" in get(f"{url}/metrics")[1]:
            assert not all(response.done() for response in responses)
        time.sleep(0.5)  # until all twenty requests have arrived
        process.send_signal(signal.SIGTERM)
        assert [response.result()[0] for response in responses] == [200] * 20
        assert process.wait(60) in (0, -signal.SIGTERM)
        assert get(f"{url}/health")[0] == 0


def test_wrong_requests_are_told_what_is_wrong(python: str, bundle: Path) -> None:
    wrong = {
        b"no json": (400, "the body is not JSON"),
        b"\xff": (400, "the body is not JSON"),
        b"[1]": (400, "it is a list"),
        b'{"question": "where?"}': (400, "missing a required argument: 'context'"),
        b'{"question": "where?", "context": "here", "color": 1}': (400, "unexpected keyword argument 'color'"),
        b'{"question": "", "context": "here"}': (400, "question is empty"),
        b'{"question": 5, "context": "here"}': (400, "question must be a str, not int"),
        b'{"question": "where?", "context": "here", "top_k": 0}': (400, "top_k must be a whole number"),
        b" " * 2000: (413, "larger than 1000 bytes"),
    }
    with service(python, bundle, "--most-bytes", "1000") as (url, _):
        for body, (status, message) in wrong.items():
            got, content = get(f"{url}/answer", body)
            assert got == status, body
            assert message in json.loads(content)["error"]
        assert get(f"{url}/answer")[0] == 405
        assert get(f"{url}/nothing")[0] == 404
        assert get(f"{url}/answer", bodies()[0])[0] == 200


def test_clients_that_break_off_or_wait(python: str, bundle: Path) -> None:
    head = b"POST /answer HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n"
    with service(python, bundle, "--timeout", "2") as (url, process):
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with socket.create_connection(address) as gone:
            gone.sendall(head + b"half")
        with socket.create_connection(address, timeout=30) as slow:
            slow.sendall(head + b"half")
            assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
        assert get(f"{url}/answer", b"[" * 100_000)[0] == 400
        assert get(f"{url}/answer", bodies()[0])[0] == 200
        with socket.create_connection(address) as slow, socket.create_connection(address):
            slow.sendall(head + b"half")
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) in (0, -signal.SIGTERM)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_an_answer_that_takes_too_long_is_given_up(python: str, bundle: Path) -> None:
    slow = json.dumps({"question": "Where?", "context": "She likes music in Paris. " * 2000}).encode()
    with service(python, bundle, "--timeout", "0.05") as (url, _):
        status, content = get(f"{url}/answer", slow)
        assert (status, json.loads(content)["error"]) == (504, "there was no answer within 0.05 seconds")

"""The command line with a file of requests, in a process of its own that is stopped from outside."""

from __future__ import annotations

import functools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.runtime.tiny_bundle import make_bundle, question_answering_graph

#: runs the command, and records the progress after each window, so that a small file has many places to resume from
COMMAND = """
import sys
from albert_runtime.cli import main
from albert_runtime.files import output

output._COMMIT_SECONDS = 0
sys.exit(main())
"""


@pytest.fixture
def start(tmp_path):
    """Starts the command for `in.jsonl` in an empty folder."""
    make_bundle(tmp_path / "bundle", "question-answering", model=question_answering_graph())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}

    def start_(*arguments, around=(), **options):
        command = [
            *around,
            sys.executable,
            "-c",
            COMMAND,
            "bundle",
            "--input",
            "in.jsonl",
            "--look-ahead",
            "16",
            *arguments,
        ]
        # A suite that runs in the background ignores Ctrl-C, and so would its children.
        restore = functools.partial(signal.signal, signal.SIGINT, signal.default_int_handler)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "preexec_fn": restore, **options}
        return subprocess.Popen(command, cwd=tmp_path, env=environment, **pipes)

    return start_


@pytest.fixture
def finish(start):
    """Runs the command to its end; returns its exit code and what it wrote to standard error."""

    def run(*arguments, **options):
        process = start(*arguments, **options)
        _, err = process.communicate()
        return process.returncode, err.decode()

    return run


def write_requests(folder, count):
    """A file with contexts of different lengths; every 97th line is wrong."""
    with (folder / "in.jsonl").open("w") as file:
        for number in range(count):
            context = " ".join(["the tower", f"number {number}", *["stands in Paris"] * (number % 11)])
            request = {"question": "where?", "context": context if number % 97 else ""}
            file.write(json.dumps(request) + "\n")


def wait_for(file, size):
    while not file.exists() or file.stat().st_size < size:
        time.sleep(0.002)


def same(folder, left, right):
    return all((folder / f"{left}{end}").read_bytes() == (folder / f"{right}{end}").read_bytes() for end in ENDS)


ENDS = ("", ".errors.jsonl")


@pytest.mark.parametrize("count", [2_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_three_kills(tmp_path, start, finish, count):
    write_requests(tmp_path, count)
    assert finish("--output", "whole.jsonl")[0] == 0
    size = (tmp_path / "whole.jsonl").stat().st_size
    out = tmp_path / "out.jsonl"
    for part in (1, 2, 3):
        process = start("--output", "out.jsonl", *(["--resume"] if part > 1 else []))
        wait_for(out, size * part // 4)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.communicate()
        assert (tmp_path / "out.jsonl.progress").exists()
    code, err = finish("--output", "out.jsonl", "--resume")
    assert (code, f"{count // 97 + 1} wrong lines" in err) == (0, True)
    assert same(tmp_path, "out.jsonl", "whole.jsonl")


def test_control_c(tmp_path, start, finish):
    write_requests(tmp_path, 2_000)
    process = start("--output", "out.jsonl")
    wait_for(tmp_path / "out.jsonl", 10_000)  # several windows
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert b"what is done is in out.jsonl; to go on, give the same command with --resume" in err
    assert b"Traceback" not in err
    done = len((tmp_path / "out.jsonl").read_text().splitlines())
    assert 0 < done < 2_000
    assert json.loads((tmp_path / "out.jsonl.progress").read_text())["state"]["answers"] == done
    assert finish("--output", "out.jsonl", "--resume")[0] == 0
    assert finish("--output", "whole.jsonl")[0] == 0
    assert same(tmp_path, "out.jsonl", "whole.jsonl")


def test_a_full_disk(tmp_path, finish):
    write_requests(tmp_path, 500)
    assert finish("--output", "whole.jsonl")[0] == 0
    size = (tmp_path / "whole.jsonl").stat().st_size

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))

    code, err = finish("--output", "out.jsonl", preexec_fn=limit)
    assert code == 2
    assert "can't write out.jsonl: File too large" in err
    assert "--resume" in err
    assert "Traceback" not in err
    assert (tmp_path / "out.jsonl").read_bytes().endswith(b"\n")
    assert finish("--output", "out.jsonl", "--resume")[0] == 0
    assert same(tmp_path, "out.jsonl", "whole.jsonl")


#: runs the command "$@" on a disk of one megabyte that is almost full, and once more when there is room again
ON_A_SMALL_DISK = """
mkdir disk
mount -t tmpfs -o size=1m none disk || exit 9
head -c 1000k /dev/zero >disk/other
"$@"
echo "$?"
rm disk/other
"$@" --resume
echo "$?"
cp disk/* .
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="the disk needs Linux's unshare")
def test_a_disk_that_is_really_full(tmp_path, start, finish):
    write_requests(tmp_path, 500)
    assert finish("--output", "whole.jsonl")[0] == 0
    around = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh"]
    process = start("--output", "disk/out.jsonl", around=around)
    out, err = process.communicate()
    if process.returncode in (1, 9) and not out:
        pytest.skip(f"no disk can be made here: {err.decode()}")
    assert out.split() == [b"2", b"0"], err
    assert b"can't write disk/out.jsonl: No space left on device" in err
    assert b"Traceback" not in err
    assert same(tmp_path, "out.jsonl", "whole.jsonl")
    assert not list(tmp_path.glob("*.progress*"))


def test_a_reader_that_closes_the_pipe(tmp_path, start):
    write_requests(tmp_path, 2_000)
    process = start("--output", "-", "--quiet")
    first = process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    assert json.loads(first)["line"] == 2
    assert process.wait() == 141
    assert b"Traceback" not in err
    process.stderr.close()


def test_a_full_standard_output(tmp_path, finish):
    write_requests(tmp_path, 50)
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        code, err = finish("--output", "-", stdout=full)
    assert code == 2
    assert "can't write to standard output: No space left on device" in err
    assert "Traceback" not in err


def test_memory_stays_constant(tmp_path, start):
    """The largest memory hardly grows between the 2,000th line and the 8,000th; every 97th line is wrong."""
    write_requests(tmp_path, 10_000)
    process = start("--output", "out.jsonl", "--quiet")
    peaks = []
    for size in (200_000, 800_000):
        wait_for(tmp_path / "out.jsonl", size)
        with open(f"/proc/{process.pid}/status") as status:  # noqa: PTH123
            peaks.append(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")))
    process.kill()
    process.communicate()
    assert peaks[1] < peaks[0] + 4_000, peaks  # kB

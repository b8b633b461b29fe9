"""What native code writes to file descriptor 2 is kept back, and shown if something fails."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from albert_export.utils.native_stderr import suppressed_native_stderr


def talk(text: str) -> None:
    """As native code does it."""
    os.write(2, text.encode())


def test_talk_is_hidden_and_what_follows_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    talk("before ")
    with suppressed_native_stderr():
        talk("greetings from a library ")
        with suppressed_native_stderr():
            talk("and from one within ")
        talk("and again ")
    talk("after")
    assert capfd.readouterr().err == "before after"


def test_talk_is_shown_where_the_block_fails(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="reason"), suppressed_native_stderr():
        talk("what native code knows of it\n" * 10_000)
        raise ValueError("the reason")
    assert capfd.readouterr().err == "what native code knows of it\n" * 10_000
    talk("after")
    assert capfd.readouterr().err == "after"


def test_standard_output_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with suppressed_native_stderr():
        os.write(1, b"a result")
    assert capfd.readouterr() == ("a result", "")


def test_no_descriptor_is_left_open() -> None:
    first = os.dup(1)
    os.close(first)
    for _ in range(3):
        with suppressed_native_stderr():
            talk("greetings")
    second = os.dup(1)
    os.close(second)
    assert first == second


def run(script: str) -> subprocess.CompletedProcess[str]:
    """Runs `script`, with `block` to enter, in a process of its own."""
    script = (
        f"import os, sys; from albert_export.utils.native_stderr import suppressed_native_stderr as block\n{script}"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)


def test_pythons_own_standard_error_is_kept_back_in_order() -> None:
    done = run(
        "sys.stderr.write('before ')\n"
        "with block():\n    sys.stderr.write('python '); os.write(2, b'native ')\n"
        "sys.stderr.write('after')"
    )
    assert (done.returncode, done.stderr) == (0, "before after")


def test_a_closed_standard_error_is_no_hindrance() -> None:
    done = run("os.close(2)\nwith block():\n    print('done')")
    assert (done.returncode, done.stdout) == (0, "done\n")


def test_a_standard_error_that_was_closed_from_the_start() -> None:
    """Descriptor 2 may then be any file that was opened since, and what is written to it is no talk."""
    inner = (
        "from albert_export.utils.native_stderr import suppressed_native_stderr as block; import os, sys, tempfile\n"
        "assert sys.stderr is None\n"
        "file = os.open(tempfile.mktemp(), os.O_RDWR | os.O_CREAT); os.dup2(file, 2)\n"
        "with block():\n    os.write(2, b'a result')\n"
        "os.lseek(2, 0, 0); print(os.read(2, 99).decode())"
    )
    done = run(f"os.close(2); os.execv(sys.executable, [sys.executable, '-c', {inner!r}])")
    assert (done.returncode, done.stdout) == (0, "a result\n")

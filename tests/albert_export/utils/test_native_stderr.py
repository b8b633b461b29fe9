"""Messages that native code writes to file descriptor 2 are held back, and shown if the block fails."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from albert_export.utils.native_stderr import suppressed_native_stderr


def write_natively(text: str) -> None:
    """Writes to standard error like native code does."""
    os.write(2, text.encode())


def test_messages_in_the_block_are_hidden_and_later_ones_are_not(capfd: pytest.CaptureFixture[str]) -> None:
    write_natively("before ")
    with suppressed_native_stderr():
        write_natively("greetings from a library ")
        with suppressed_native_stderr():
            write_natively("and from one within ")
        write_natively("and again ")
    write_natively("after")
    assert capfd.readouterr().err == "before after"


def test_messages_are_shown_if_the_block_fails(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="reason"), suppressed_native_stderr():
        write_natively("what native code knows of it\n" * 10_000)
        raise ValueError("the reason")
    assert capfd.readouterr().err == "what native code knows of it\n" * 10_000
    write_natively("after")
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
            write_natively("greetings")
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


def test_pythons_own_standard_error_is_held_back_in_order() -> None:
    done = run(
        "sys.stderr.write('before ')\n"
        "with block():\n    sys.stderr.write('python '); os.write(2, b'native ')\n"
        "sys.stderr.write('after')"
    )
    assert (done.returncode, done.stderr) == (0, "before after")


def test_a_closed_standard_error() -> None:
    done = run("os.close(2)\nwith block():\n    print('done')")
    assert (done.returncode, done.stdout) == (0, "done\n")


def test_a_standard_error_that_was_closed_from_the_start() -> None:
    """Descriptor 2 may then be any file that was opened later, and what is written to it must stay there."""
    inner = (
        "from albert_export.utils.native_stderr import suppressed_native_stderr as block; import os, sys, tempfile\n"
        "assert sys.stderr is None\n"
        "file = os.open(tempfile.mktemp(), os.O_RDWR | os.O_CREAT); os.dup2(file, 2)\n"
        "with block():\n    os.write(2, b'a result')\n"
        "os.lseek(2, 0, 0); print(os.read(2, 99).decode())"
    )
    done = run(f"os.close(2); os.execv(sys.executable, [sys.executable, '-c', {inner!r}])")
    assert (done.returncode, done.stdout) == (0, "a result\n")

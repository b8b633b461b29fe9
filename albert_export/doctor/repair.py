"""From a faulty graph file to a mended one that gives the same answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_converters.patient import Patient
from albert_export.doctor.diagnose import diagnose, diagnosis_record, graph_file
from albert_export.doctor.equivalence import Proof, prove
from albert_export.utils.atomic_file import replacing
from albert_runtime.errors import UsageError


@dataclass(frozen=True)
class Repaired:
    """A mended file, and what became of the findings."""

    before: Patient
    #: the file that was written
    after: Patient
    #: what was done, a line for each kind of repair
    done: tuple[str, ...]
    proof: Proof

    def to_dict(self) -> dict[str, Any]:
        """The repair as JSON types."""
        return {
            **diagnosis_record(self.before),
            "repair": {
                "done": list(self.done),
                "requests_compared": self.proof.requests,
                "max_difference": self.proof.max_difference,
                "bytes_before": self.before.file_bytes,
                "bytes_after": self.after.file_bytes,
                "mended": diagnosis_record(self.after),
            },
        }


def repair(
    path: str | Path,
    output: str | Path,
    *,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Repaired:
    """Mends what can be mended exactly in a graph file, and proves that its answers stay the same.

    Args:
        path: a .onnx or .tflite file, or the folder that holds one.
        output: the file to write; it appears whole, or not at all. Where nothing could be mended it is the same graph.
        force: replace an older file at `output`.
        progress: called with a line about each step.

    Raises:
        UsageError: there is no such file, or `output` is that file, of another format, there already, or can't be
            written.
        UnsupportedError: it is not a graph, damaged, does not run, or can't be mended.
        DependencyError: what reads or runs the file is not installed.
        ConversionError: the mended graph does not fit in one file.
        ParityError: the answers would differ; nothing is written.
    """
    path, output = graph_file(Path(path)), Path(output)
    _check_output(path, output, force)
    progress(f"examining {path.name}")
    before = diagnose(path)
    progress("mending")
    done, content = before.mend()
    with replacing(output) as part:
        part.write_bytes(content)
        proof = prove(before, part, progress=progress)
    return Repaired(before, diagnose(output), tuple(done), proof)


def _check_output(path: Path, output: Path, force: bool) -> None:
    if output.suffix != path.suffix or output.is_dir():
        raise UsageError(f"give --fix the name of the {path.suffix} file to write, not {output}")
    if output.resolve() == path.resolve() or (output.exists() and output.samefile(path)):
        raise UsageError(f"{output} is the file to be mended, which is never written over; give --fix another name")
    if output.exists() and not force:
        raise UsageError(f"{output} already exists; replace it with --force, or give --fix another name")

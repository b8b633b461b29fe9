"""The repair of a graph file: a repaired copy is written if it gives the same answers as the original."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_converters.doctor.diagnosis import Diagnosis
from albert_export.doctor.diagnose import diagnose, graph_file
from albert_export.doctor.equivalence import EquivalenceReport, check_equivalence
from albert_export.utils.atomic_file import replacing
from albert_export.utils.terminal import Progress
from albert_runtime.errors import UnsupportedError, UsageError


@dataclass(frozen=True)
class RepairReport:
    """What a repair did, and what is left to do."""

    before: Diagnosis
    #: the diagnosis of the file that was written
    after: Diagnosis
    #: what was done, a line for each kind of repair
    done: tuple[str, ...]
    equivalence: EquivalenceReport

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON types: the diagnosis of the original, and "repair"."""
        return {
            **self.before.to_dict(),
            "repair": {
                "done": list(self.done),
                "requests_compared": self.equivalence.requests,
                "max_difference": self.equivalence.max_difference,
                "bytes_before": self.before.file_bytes,
                "bytes_after": self.after.file_bytes,
                "repaired": self.after.to_dict(),
            },
        }


def repair(
    path: str | Path,
    output: str | Path,
    *,
    force: bool = False,
    progress: Progress = lambda step: None,
) -> RepairReport:
    """Repair what can be repaired exactly in a graph file, and check that its answers stay the same.

    Args:
        path: a .onnx or .tflite file, or the folder that holds one.
        output: the file to write; it appears whole, or not at all. Where nothing could be repaired it is the same
            graph.
        force: replace an older file at `output`.
        progress: called with a line about each step.

    Raises:
        UsageError: there is no such file, or `output` is that file, of another format, there already, or can't be
            written.
        UnsupportedError: it is not a graph, damaged, does not run, or can't be repaired.
        DependencyError: the package that reads or runs the file is not installed.
        ConversionError: the repaired graph does not fit in one file.
        ParityError: the answers would differ; nothing is written.
    """
    path, output = graph_file(Path(path)), Path(output)
    _check_output(path, output, force)
    progress(f"examining {path.name}")
    before = diagnose(path)
    unknown = [one.name for one in before.inputs if one.role == "unknown"]
    if unknown:
        raise UnsupportedError(
            f"{path} can't be repaired, because a repair is checked on real text, and it can't be told what "
            f"{', '.join(unknown)} is for: neither its name nor the graph says it; export it again with names, such as "
            'torch.onnx.export(..., input_names=["input_ids", "attention_mask", "token_type_ids"])'
        )
    progress("repairing")
    done, content = before.repair()
    with replacing(output) as part:
        part.write_bytes(content)
        equivalence = check_equivalence(before, part, progress=progress)
    return RepairReport(before, diagnose(output), tuple(done), equivalence)


def _check_output(path: Path, output: Path, force: bool) -> None:
    if output.suffix != path.suffix or output.is_dir():
        raise UsageError(f"give --fix the name of the {path.suffix} file to write, not {output}")
    if output.resolve() == path.resolve() or (output.exists() and output.samefile(path)):
        raise UsageError(f"{output} is the file to repair, which is never written over; give --fix another name")
    if output.exists() and not force:
        raise UsageError(f"{output} already exists; replace it with --force, or give --fix another name")

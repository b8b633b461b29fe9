"""PeerProcesses: the processes that measure one peer, in the Python where it is installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from albert_export.bench.machine import machine_facts
from albert_export.bench.measurement import Answers, Failure, Kind
from albert_export.bench.peers.catalog import PEERS, Peer
from albert_export.bench.settings import Settings, Workload
from albert_export.bench.subprocess_call import call_python, with_first_answer
from albert_export.samples.requests import sample_requests
from albert_export.samples.texts import calibration_corpus
from albert_export.utils.terminal import Progress
from albert_runtime.errors import DependencyError, UnsupportedError, UsageError
from albert_runtime.tasks import find_task

#: Imports the folder of the peers alone, under a name of its own, in a Python that has nothing else of this project.
_START = """
import importlib.util, sys
sys.path[:] = [folder for folder in sys.path if folder]
folder = sys.argv.pop()
spec = importlib.util.spec_from_file_location(
    "albert_bench_peers", folder + "/__init__.py", submodule_search_locations=[folder])
module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from albert_bench_peers.process import main
main()
"""
_FOLDER = Path(__file__).with_name("peers")
#: nothing is fetched or reported, TensorFlow is not imported without need, and compiled code lies beside the rest
_VARIABLES = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "USE_TF": "0",
    "USE_FLAX": "0",
    "PYTHONWARNINGS": "ignore",
}
#: the tasks with a pipeline, and so with a first answer
_ASKS = "question-answering"
_WITH_TEXTS = ("text-classification", "token-classification", "fill-mask", "feature-extraction")
#: texts, and questions, whose answers are compared with the checkpoint's
_COMPARED = 200


@dataclass(frozen=True)
class Against:
    """Which peers bundles are compared with, and on what.

    Raises:
        UsageError: a peer does not exist, the checkpoint is no folder, or there is no such Python.
    """

    #: the folder of the checkpoint that the bundles were made from, in the format of Hugging Face
    checkpoint: Path
    #: the names of the peers, in the order of their rows
    peers: tuple[str, ...] = tuple(PEERS)
    #: the interpreter of the environment in which they are installed
    python: str = field(default_factory=lambda: sys.executable)

    def __post_init__(self) -> None:
        unknown = [name for name in self.peers if name not in PEERS]
        if unknown:
            raise UsageError(f"there is no peer {', '.join(map(repr, unknown))}; the peers are {', '.join(PEERS)}")
        if not (self.checkpoint / "config.json").is_file():
            raise UsageError(
                f"{self.checkpoint} is not a checkpoint that the peers can open: it has no config.json; "
                "--against takes the folder of a checkpoint in Hugging Face's format"
            )
        try:
            subprocess.run([self.python, "-c", ""], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise UsageError(
                f"{self.python} is not a Python that runs; --peer-python takes the interpreter of an environment in "
                "which peers are installed, such as peers/bin/python"
            ) from error


class PeerProcesses:
    """Measures one peer; see `albert_export.bench.runner.SubjectProcesses`."""

    kind: Kind = "peer"

    def __init__(self, home: PeerHome, peer: Peer, conversion_ms: float | None, method: str | None) -> None:
        self.name, self.conversion_ms = peer.name, conversion_ms
        self._home, self._method = home, method

    def measure(self, workload: Workload) -> dict[str, Any]:
        home = self._home
        request = {**home.request(self.name), **asdict(home.settings), **workload.to_request()}
        record = home.call({**request, "action": "measure", "threads": home.threads})
        if "error" in record:
            return record
        if self._method:
            record["notes"].insert(0, self._method)
        return with_first_answer(record, self._first_answer())

    def _first_answer(self) -> dict[str, Any]:
        home = self._home
        if home.task not in (_ASKS, *_WITH_TEXTS):
            return {"first_answer_ms": None}
        (arguments,) = sample_requests(find_task(home.task), 1, short=True)
        text = arguments.get("question") or arguments["text"]
        asked = {"text": text, "context": arguments.get("context")}
        return home.call({**home.request(self.name), **asked, "action": "first-answer"})


class PeerHome:
    """A temporary folder with the checkpoint and what the peers' own conversions made of it.

    Args:
        against: the checkpoint, the peers and their Python.
        task: the full name of the task.
        settings: as for the bundles.
        threads: the threads of each process.
        folder: an empty folder.
    """

    def __init__(self, against: Against, task: str, settings: Settings, threads: int, folder: Path) -> None:
        self.against, self.task, self.settings, self.threads, self.folder = against, task, settings, threads, folder
        self._machine = machine_facts()
        #: what was made -> what its process said
        self._records: dict[str, dict[str, Any]] = {}

    def call(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return what a new process of the peers' Python answers to `request`, or its `error`."""
        variables = {**_VARIABLES, "TORCHINDUCTOR_CACHE_DIR": str(self.folder / "inductor")}
        command = [self.against.python, "-c", _START, str(_FOLDER)]
        record = call_python(command, request, threads=self.threads, variables=variables)
        return {"exit_code": UnsupportedError.exit_code, **record} if "error" in record else record

    def request(self, name: str) -> dict[str, Any]:
        """Return what every request about the peer `name` has."""
        files = self.folder / name if PEERS[name].converts else self.checkpoint
        return {
            "peer": name,
            "task": self.task,
            "threads": self.threads,
            "checkpoint": str(self.checkpoint),
            "files": str(files),
        }

    @property
    def checkpoint(self) -> Path:
        """The checkpoint as transformers has saved it."""
        return self.folder / "checkpoint"

    def prepare(self, progress: Progress) -> list[PeerProcesses | Failure]:
        """Convert the checkpoint for each peer; those that are not installed, or can't convert it, are failures."""
        python = self.against.python
        packages = sorted({package for peer in PEERS.values() for package in peer.packages})
        found = self.call({"action": "versions", "packages": packages})
        prepared: list[PeerProcesses | Failure] = []
        for peer in (PEERS[name] for name in self.against.peers):
            absent = peer.missing(found.get("versions", {}))
            if absent and "error" not in found:
                error = f"{', '.join(absent)} not installed for {python}; to measure it: {peer.pip_line(python)}"
                prepared.append(Failure("peer", peer.name, error, DependencyError.exit_code))
                continue
            progress(f"preparing {peer.name}")
            made = found if "error" in found else self._made(peer)
            if "error" in made:
                prepared.append(Failure("peer", peer.name, made["error"], UnsupportedError.exit_code))
            else:
                prepared.append(PeerProcesses(self, peer, made.get("conversion_ms"), made.get("method")))
        return prepared

    def reference(self, workload: Workload, progress: Progress) -> Answers:
        """Return the checkpoint's own answers to a sample of the workload; no answers if transformers gives none."""
        texts, questions = workload.sample(_COMPARED)
        if not texts and not questions:
            return Answers()
        progress("answering with the checkpoint itself")
        request = {"action": "reference", "task": self.task, "source": str(self.against.checkpoint)}
        asked = {
            "texts": [workload.texts[place] for place in texts] if self.task in _WITH_TEXTS else [],
            "questions": [workload.questions[place] for place in questions] if self.task == _ASKS else [],
        }
        record = self.call({**request, **asked, "threads": self.threads})
        if "error" in record:
            return Answers()
        return Answers(
            _placed(texts, record["texts"], len(workload.texts)),
            _placed(questions, record["questions"], len(workload.questions)),
        )

    def _made(self, peer: Peer) -> dict[str, Any]:
        """Return the record of the conversion for `peer`, which is made once, or its `error`."""
        if not peer.converts:
            return self._saved()
        if peer.name not in self._records:
            source = self._made(PEERS[peer.converts_from]) if peer.converts_from else self._saved()
            if "error" not in source:
                files = self.request(peer.converts_from) if peer.converts_from else {"files": str(self.checkpoint)}
                source = self.call(
                    {
                        **self.request(peer.name),
                        **{name: self._machine[name] for name in ("architecture", "cpu_flags")},
                        "action": "prepare",
                        "source": files["files"],
                        "output": str(self.folder / peer.name),
                        "longest": self._saved()["longest"],
                        "calibration_texts": [" ".join(filter(None, text)) for text in calibration_corpus()],
                    }
                )
            self._records[peer.name] = source
        return self._records[peer.name]

    def _saved(self) -> dict[str, Any]:
        """Return the record of the checkpoint, which transformers saves once, or its `error`."""
        if "checkpoint" not in self._records:
            request = {"action": "save", "task": self.task, "source": str(self.against.checkpoint)}
            self._records["checkpoint"] = self.call({**request, "output": str(self.checkpoint)})
        return self._records["checkpoint"]


def _placed(places: Sequence[int], answers: Sequence[Any], size: int) -> tuple[Any, ...]:
    """Return `size` answers, those at `places` as given and the others None; nothing if there are none."""
    placed: list[Any] = [None] * size if answers else []
    for place, answer in zip(places, answers, strict=False):
        placed[place] = answer
    return tuple(placed)

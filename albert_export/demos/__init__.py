"""The bundled demonstration checkpoints, one for each task, with examples that they answer right.

`tools/train_demos` trained them. The card in each folder says what the model can do, and how well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_runtime.errors import CheckpointError
from albert_runtime.tasks import find_task

__all__ = ["DemoExample", "demo_checkpoint", "demo_examples"]

EXAMPLES_FILE = "examples.json"
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class DemoExample:
    """A request to the demo of a task, and the right answer."""

    #: keyword arguments of the runtime session's call
    inputs: dict[str, Any]
    #: question-answering: the answer's text; text-classification: the label; token-classification: a list of
    #: [text, label]; multiple-choice: the index; pretraining: whether the texts are in order; fill-mask: the word;
    #: feature-extraction: {"closer": text, "farther": text}, where the cosine of pooler_output decides
    expected: Any


def demo_checkpoint(task: str) -> Path:
    """The folder of the demo checkpoint for `task`, by its full name or an alias.

    Raises:
        UsageError: there is no such task.
        CheckpointError: this installation lacks the demo.
    """
    name = find_task(task).name
    folder = _FOLDER / name
    if not (folder / "config.json").is_file():
        raise CheckpointError(
            f"the demo checkpoint for {name} is missing from {folder}; install albert-export again, give a checkpoint "
            f"of your own with --model, or train the demo with "
            f"`python -m tools.train_demos --out {_FOLDER} --task {name}` in a checkout"
        )
    return folder


def demo_examples(task: str) -> list[DemoExample]:
    """Held-out requests that the demo of `task` answers right; the first one is the best to show.

    Raises:
        UsageError: there is no such task.
        CheckpointError: this installation lacks the demo.
    """
    path = demo_checkpoint(task) / EXAMPLES_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return [DemoExample(value["inputs"], value["expected"]) for value in values]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"can't read the demo's examples in {path} ({error!r}); install albert-export again"
        ) from error

"""A bundle with the layout `hub`, and what the runtime answers with each of its graphs, to compare a client's with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from albert_export.demos import demo_checkpoint
from albert_export.export import export_onnx
from albert_export.export.hub_layout import GRAPH_FILES
from albert_runtime import AlbertTokenizer
from tests.clients.graph_answers import GraphAnswers
from tests.conftest import BuiltOnce

PRECISIONS = ("fp32", "fp16", "int8", "int4")
#: precision -> the largest difference of an output. Integers are rounded from other numbers where a client, or its ONNX
#: Runtime, has other kernels.
TOLERANCE = {"fp32": 1e-4, "fp16": 0.02, "int8": 1, "int4": 0.5}
#: No pair with an empty text: Hugging Face's fast tokenizers take it for a single text, its slow ones do not.
TEXTS: list[list[str]] = [
    ["Where is the tower?", "The tower stands in Paris."],
    ["naïve café ½ 1,000 — ÅNGSTRÖM"],
    ["日本語 and [MASK] 😀"],
]


class HubRepository:
    """The demo bundle of a task in the layout `hub`, with four precisions.

    Args:
        task: the full name of a task.
        built_once: the fixture.
    """

    def __init__(self, task: str, built_once: BuiltOnce) -> None:
        self.task = task

        def make(folder: Path) -> None:
            # 4 bits cost such small models more answers than the default budget has.
            export_onnx(demo_checkpoint(task), folder, task=task, layout="hub", precision=list(PRECISIONS), max_drop=5)

        self.path = built_once(f"hub/{task}", make)
        self.answers = {one: GraphAnswers(self.path, one) for one in PRECISIONS}

    def request(self, names: dict[str, str]) -> dict[str, Any]:
        """What a client gets: the folder, the inputs of the runs of each graph, by its name there, and texts."""
        graphs = {names[precision]: one.inputs for precision, one in self.answers.items()}
        return {"path": str(self.path), "name": self.path.name, "graphs": graphs, "texts": TEXTS}

    def check(self, found: dict[str, Any], *, lacks: str = "") -> None:
        """Compare what a client returned with what the runtime computes; `lacks` is an output that it does not return.

        Raises:
            AssertionError: an answer, a number or an id is another one.
        """
        for (precision, answers), outputs in zip(self.answers.items(), found["graphs"], strict=True):
            compared = answers.compare(outputs, lacks=lacks)
            assert compared.same_answer, (self.task, precision)
            assert compared.difference <= TOLERANCE[precision], (self.task, precision)
        tokenizer = AlbertTokenizer.from_folder(self.path)
        for texts, encoded in zip(TEXTS, found["encoded"], strict=True):
            expected = tokenizer(*texts)
            for name in ("input_ids", "token_type_ids", "attention_mask"):
                assert encoded[name] == list(expected[name]), (name, texts)


def file_names() -> dict[str, str]:
    """Precision -> the name of its graph in the folder `onnx`."""
    return {precision: Path(GRAPH_FILES[precision]).name for precision in PRECISIONS}
